"""The local token service: its endpoints, who may ask them, and the variables with which programs find them."""

from __future__ import annotations

import contextlib
import secrets
import time

from mstoken.errors import UsageError
from mstoken.hidden import HiddenText
from mstoken.integrations.serving import callers
from mstoken.integrations.serving import managed_identity as dialects
from mstoken.integrations.serving.http import Request, Response
from mstoken.integrations.serving.identities import Identities
from mstoken.integrations.serving.listener import IMDS_ADDRESS, LOOPBACK, Address, Listener
from mstoken.redaction import shown
from mstoken.texts import closest_match, did_you_mean, rfc3339
from mstoken.typed import TYPE_CHECKING
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import Self

    from mstoken.client import Client
    from mstoken.integrations.serving.arc_keys import ArcKeys

APP_SERVICE, IMDS, AZURE_ARC = "app-service", "imds", "azure-arc"
PORTS = {APP_SERVICE: 0, IMDS: 0, AZURE_ARC: 40342}
"""Dialect -> its port by default; 0 is any free one. Azure Arc's is the one of its agent."""
VARIABLES = (
    "IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IDENTITY_SERVER_THUMBPRINT", "IMDS_ENDPOINT", "MSI_ENDPOINT", "MSI_SECRET",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
)  # fmt: skip
"""The variables that say where a machine's identity is."""
_WEB = ("origin", "sec-fetch-site", "sec-fetch-mode")
"""Headers that only browsers send: fetch.spec.whatwg.org, www.w3.org/TR/fetch-metadata."""


@value
class EndpointPlan:
    """One endpoint as the command line describes it: DIALECT[@PROFILE[,PROFILE]][=ADDRESS]."""

    text: str
    dialect: str
    profiles: tuple[str, ...]
    address: Address
    secret: str = field(default="", secret=True)

    @property
    def name(self) -> str:
        """The endpoint without its address."""
        return self.text.partition("=")[0]


def parse_plan(text: str, default_profile: str = "") -> EndpointPlan:
    """Return what an argument describes. Raises UsageError."""
    name, equals, where = text.partition("=")
    dialect, at, listed = name.partition("@")
    if dialect not in PORTS:
        raise UsageError(
            f"There is no dialect {shown(dialect)!r}.",
            f"{did_you_mean(closest_match(dialect, PORTS))}The dialects are {', '.join(PORTS)}.",
        )
    profiles = tuple(listed.split(",")) if at else (default_profile,)
    if at and not all(profiles):
        raise UsageError(f"{shown(name)!r} names no profile after @.", f"Write {dialect}@PROFILE.")
    if equals and not where:
        raise UsageError(f"{shown(text)!r} names no address after =.", f"Write {name}=PORT.")
    return EndpointPlan(text, dialect, profiles, _address(dialect, where))


def _address(dialect: str, text: str) -> Address:
    if text.startswith("unix:"):
        if not text.removeprefix("unix:"):
            raise UsageError("The path of the Unix socket is missing.", f"Write {dialect}=unix:PATH.")
        return Address(path=text.removeprefix("unix:"))
    host, _, port = text.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    number = port or str(PORTS[dialect])
    if not (number.isascii() and number.isdecimal() and int(number) < 65_536) or not _is_ip(host):
        raise UsageError(f"{shown(text)!r} is not an address.", "Write PORT, IP:PORT, [IPV6]:PORT or unix:PATH.")
    return Address(host, int(number))


def _is_ip(host: str) -> bool:
    import ipaddress

    try:
        return not ipaddress.ip_address(host).is_unspecified  # of all addresses, some are other machines' to reach
    except ValueError:
        return False


def check_plan(plan: EndpointPlan) -> None:
    """Refuse an endpoint whose protection does not work at its address. Raises UsageError."""
    address = plan.address
    if plan.dialect == APP_SERVICE:
        if address.path:
            raise UsageError("Clients of App Service read a URL, not a Unix socket.", "Choose a port.")
        return
    if address.path:
        return
    if address.host not in {*LOOPBACK, IMDS_ADDRESS}:
        raise UsageError(
            f"{plan.dialect} has no secret, so it is not served at {address.text}, which others can reach.",
            "Choose a port on loopback or a Unix socket; app-service has a secret.",
        )
    if not callers.can_name_tcp_peers():
        raise UsageError(
            f"{plan.dialect} has no secret, and this system does not say whose process a TCP connection is from.",
            f"Choose a Unix socket: {plan.name}=unix:PATH. app-service has a secret.",
        )


class Service:
    """Serves the endpoints of `plans` from the `with` statement's begin to its end.

    `client_for_profile` returns the client of a profile, '' for that of the command's options. `hosts` are more names
    that a request may be addressed to. `log` gets a line for each request. Raises UsageError.
    """

    def __init__(
        self,
        plans: Sequence[EndpointPlan],
        client_for_profile: Callable[[str], Client],
        log: Callable[[str], None],
        *,
        hosts: Sequence[str] = (),
        arc_keys: str = "",
    ) -> None:
        self._log, self._hosts, self._stack = log, frozenset(host.lower() for host in hosts), contextlib.ExitStack()
        self._arc_keys, self._client_for_profile = arc_keys, client_for_profile
        self.endpoints: list[_Endpoint] = []
        try:
            for plan in plans:
                check_plan(plan)
                self._open(plan)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        for endpoint in self.endpoints:
            endpoint.listener.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening, and remove what was written."""
        self._stack.close()

    def _open(self, plan: EndpointPlan) -> None:
        keys = None
        if plan.dialect == AZURE_ARC:
            from mstoken.integrations.serving.arc_keys import AGENT_FOLDER, ArcKeys

            keys = ArcKeys(self._arc_keys or AGENT_FOLDER)
            self._stack.callback(keys.close)
        endpoint = _Endpoint(plan, Identities(plan.profiles, self._client_for_profile), self._hosts, keys, self._log)
        self._stack.callback(endpoint.listener.close)
        self.endpoints.append(endpoint)


class _Endpoint:
    """One endpoint: checks who asks, has the dialect answer, and logs."""

    def __init__(
        self,
        plan: EndpointPlan,
        identities: Identities,
        hosts: frozenset[str],
        keys: ArcKeys | None,
        log: Callable[[str], None],
    ) -> None:
        self.plan, self._identities, self._keys, self._log = plan, identities, keys, log
        self.secret = HiddenText(plan.secret or secrets.token_hex(32))
        self.listener = Listener(plan.address, self.answer, self._record, own_user_only=plan.dialect != APP_SERVICE)
        self._hosts = hosts | plan.address.names

    @property
    def variables(self) -> dict[str, str]:
        """The variables with which a program finds this endpoint; none for a Unix socket, which no SDK reads."""
        if self.plan.address.path:
            return {}
        base = f"http://{self.listener.address.text}"
        match self.plan.dialect:
            case "app-service":
                return {"IDENTITY_ENDPOINT": f"{base}{dialects.APP_SERVICE_PATH}", "IDENTITY_HEADER": self.secret}
            case "azure-arc":
                return {"IDENTITY_ENDPOINT": f"{base}{dialects.METADATA_PATH}", "IMDS_ENDPOINT": base}
            case _:
                return {"AZURE_POD_IDENTITY_AUTHORITY_HOST": base}

    def answer(self, request: Request) -> Response:
        """Return the response to a request."""
        if refusal := self._refusal(request):
            return Response(403, note=refusal)
        try:
            response = self._dispatch(request)
        except Exception as error:  # noqa: BLE001 - a bug must not end the service
            return Response(500, note=f"a bug in mstoken: {type(error).__name__}")
        return Response(
            response.status, response.body, response.headers, f"{response.note} {dialects.wanted(request)}".strip()
        )

    def _dispatch(self, request: Request) -> Response:
        if self.plan.dialect == APP_SERVICE:
            return dialects.app_service(request, self._identities, self.secret)
        if self._keys is not None:
            return dialects.azure_arc(request, self._identities, self._keys)
        return dialects.imds(request, self._identities)

    def _refusal(self, request: Request) -> str:
        """Return why the request may come from a web page: it names another host, or its headers are a browser's."""
        if any(request.header(name) for name in _WEB):
            return "refused: from a browser"
        host = request.header("host").lower()
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        return "" if name in self._hosts else f"refused: addressed to {shown(host)}"

    def _record(self, what: str, response: Response, took_in: float) -> None:
        took = f"{took_in * 1000:.0f} ms"
        self._log(
            f"{rfc3339(time.time())} {self.plan.name} {shown(what, 100)} {response.status} {took} {response.note}"
        )
