"""What every part of a running emulator shares, and what is remembered of each request."""

from dataclasses import dataclass, field

from .clock import Clock
from .clouds import Cloud, Service
from .interaction import Interaction
from .state import State
from .tokens.keys import KeyRing


@dataclass(frozen=True)
class LoggedRequest:
    """One request as the emulator saw it, without secrets: of a form it holds the names of the parameters only.

    `unknown`: those parameters that the endpoint does not know, and ignores. `aadsts`: the code of an error, None
    without one. `at`: the emulator's time, epoch seconds. `status` is 0 where the connection was cut. `faults`: the
    injected failures that the request met.
    """

    method: str
    host: str
    path: str
    at: float
    status: int
    service: str = ""
    form: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    grant_type: str | None = None
    client_id: str | None = None
    tenant: str | None = None
    scope: str | None = None
    aadsts: int | None = None
    faults: tuple[str, ...] = ()

    @property
    def is_token_request(self) -> bool:
        """Whether a token was asked for."""
        return self.method == "POST" and self.path.lower().endswith(("/oauth2/v2.0/token", "/oauth2/token"))


class RequestLog(list[LoggedRequest]):
    """The last requests, oldest first: ten thousand at least, and a tenth more before the oldest go."""

    MOST = 10_000

    def __init__(self) -> None:
        super().__init__()
        self._gone = 0

    @property
    def total(self) -> int:
        """How many there were since the log was emptied, those that are gone included."""
        return self._gone + len(self)

    def add(self, record: LoggedRequest) -> None:
        """Write one more."""
        self.append(record)
        if len(self) > self.MOST * 11 // 10:
            old = len(self) - self.MOST
            del self[:old]
            self._gone += old

    def after(self, number: int) -> list[LoggedRequest]:
        """Those that came after the `number`th, as far as they are still there."""
        return self[max(0, number - self._gone) :]

    def clear(self) -> None:
        """Empty it, and count anew."""
        super().clear()
        self._gone = 0


@dataclass
class World:
    """State, clock, keys and request log of one emulator. `port` is that of its HTTPS listener."""

    state: State
    clock: Clock
    keys: KeyRing
    port: int
    requests: RequestLog = field(default_factory=RequestLog)
    interaction: Interaction = field(default_factory=Interaction)


@dataclass(frozen=True)
class Site:
    """Where a request arrived: a Microsoft host of some cloud, or localhost (which speaks for every cloud).

    `host`: the name in the request; empty on localhost.
    """

    cloud: Cloud
    service: Service
    local_port: int | None = None
    host: str = ""

    @property
    def realm(self) -> str | None:
        """The cloud whose tenants and resources exist here; None on localhost, where all do."""
        return None if self.local_port else self.cloud.shares

    @property
    def authority(self) -> str:
        """Base URL of the sign-in service that belongs to this site."""
        return f"https://localhost:{self.local_port}" if self.local_port else f"https://{self.cloud.login[0]}"

    @property
    def token_base(self) -> str:
        """Base URL of the token endpoint. A region's host names itself, so that clients stay in the region."""
        return f"https://{self.host}" if self.cloud.has_region(self.host) else self.authority

    @property
    def graph(self) -> str:
        """Base URL of this site's Microsoft Graph, without a version; empty in a cloud whose Graph is not known."""
        if self.local_port:
            return f"{self.authority}/graph"
        return f"https://{self.cloud.graph[0]}" if self.cloud.graph else ""

    @property
    def base(self) -> str:
        """Base URL of this site's own service."""
        if self.service == "login":
            return self.authority
        if self.local_port:
            return f"{self.authority}/{self.service}"
        return f"https://{self.cloud.hosts(self.service)[0]}"

    def issuer(self, tenant: str, version: int) -> str:
        """Who signs for a tenant here. v1.0 tokens name the STS host, on localhost too, as that is all APIs know."""
        return f"https://{self.cloud.sts}/{tenant}/" if version == 1 else f"{self.authority}/{tenant}/v2.0"
