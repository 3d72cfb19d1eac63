"""The objects that all parts of a running emulator share, and the log of its requests."""

from dataclasses import dataclass, field

from .billing import Export
from .clock import Clock
from .clouds import Cloud, Service
from .deltas import Deltas
from .deployments import Deployment
from .interaction import Interaction
from .state import State
from .throttling import Usage
from .tokens.keys import KeyRing


@dataclass(frozen=True)
class LoggedRequest:
    """One logged request, without secrets: of a form it contains only the names of the parameters.

    `unknown`: parameters that the endpoint does not know and ignores. `aadsts`: the code of an error, None without an
    error. `at`: the emulator's time, epoch seconds. `status` is 0 if the connection was cut. `faults`: the injected
    faults that affected the request.
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
        """True if it is a token request."""
        return self.method == "POST" and self.path.lower().endswith(("/oauth2/v2.0/token", "/oauth2/token"))


class RequestLog(list[LoggedRequest]):
    """The last requests, oldest first: at least 10,000; the oldest are dropped when there are a tenth more."""

    MOST = 10_000

    def __init__(self) -> None:
        super().__init__()
        self._gone = 0

    @property
    def total(self) -> int:
        """The number of requests since the log was cleared, including dropped ones."""
        return self._gone + len(self)

    def add(self, record: LoggedRequest) -> None:
        """Add a request."""
        self.append(record)
        if len(self) > self.MOST * 11 // 10:
            old = len(self) - self.MOST
            del self[:old]
            self._gone += old

    def after(self, number: int) -> list[LoggedRequest]:
        """Return the requests after the `number`th, except dropped ones."""
        return self[max(0, number - self._gone) :]

    def clear(self) -> None:
        """Remove all requests and restart the count."""
        super().clear()
        self._gone = 0


@dataclass
class World:
    """State, clock, keys, request log and use of the APIs of one emulator. `port` is the HTTPS listener's.

    `deployments`: Resource Manager's, by subscription, group and name. `exports`: of billing data, by operation.
    """

    state: State
    clock: Clock
    keys: KeyRing
    port: int
    requests: RequestLog = field(default_factory=RequestLog)
    interaction: Interaction = field(default_factory=Interaction)
    usage: Usage = field(default_factory=Usage)
    deployments: dict[tuple[str, ...], Deployment] = field(default_factory=dict)
    deltas: Deltas = field(default_factory=Deltas)
    exports: dict[str, Export] = field(default_factory=dict)


@dataclass(frozen=True)
class Site:
    """The site that a request was sent to: a Microsoft host of a cloud, or localhost (which stands for every cloud).

    `host`: the name in the request; empty on localhost. `custom`: it is a tenant's custom domain.
    """

    cloud: Cloud
    service: Service
    local_port: int | None = None
    host: str = ""
    custom: bool = False

    @property
    def of_tenant(self) -> bool:
        """Whether the host belongs to one tenant: External ID's, B2C's, or a custom domain."""
        return self.custom or self.external or self.service == "b2c"

    @property
    def external(self) -> bool:
        """Whether this is the sign-in host of an External ID tenant."""
        return bool(self.cloud.external) and self.host.partition(".")[2] == self.cloud.external

    @property
    def realm(self) -> str | None:
        """The cloud whose tenants and resources exist here; None on localhost, where all exist."""
        return None if self.local_port else self.cloud.shares

    @property
    def authority(self) -> str:
        """Base URL of the sign-in service that belongs to this site."""
        if self.local_port:
            return f"https://localhost:{self.local_port}"
        return f"https://{self.host if self.of_tenant else self.cloud.login[0]}"

    @property
    def token_base(self) -> str:
        """Base URL of the token endpoint. A region's host returns its own, so that clients stay in the region."""
        return f"https://{self.host}" if self.cloud.has_region(self.host) else self.authority

    @property
    def graph(self) -> str:
        """Base URL of this site's Microsoft Graph, without a version; empty if the cloud's Graph is unknown."""
        if self.local_port:
            return f"{self.authority}/graph"
        return f"https://{self.cloud.graph[0]}" if self.cloud.graph else ""

    @property
    def base(self) -> str:
        """Base URL of this site's own service."""
        if self.service in ("login", "b2c"):
            return self.authority
        if self.local_port:
            return f"{self.authority}/{self.service}"
        return f"https://{self.cloud.hosts(self.service)[0]}"

    def issuer(self, tenant: str, version: int) -> str:
        """Return a tenant's issuer. v1.0 tokens name the STS host, also on localhost: APIs accept no other issuer.

        External ID's issuer has the tenant's id as its host, whatever host the request names.
        """
        if version == 1:
            return f"https://{self.cloud.sts}/{tenant}/"
        external = f"https://{tenant}.{self.cloud.external}"
        return f"{external if self.external or self.custom else self.authority}/{tenant}/v2.0"
