"""A machine with a managed identity: its endpoints on loopback, and the environment of its programs."""

import hashlib
import secrets
import ssl
from pathlib import Path
from types import TracebackType
from typing import Literal, Self
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from entra_emulator.folders import PREFIX, PrivateFolder
from entra_emulator.network.certificates import shared_authority
from entra_emulator.network.server import ServerThread, bind
from entra_emulator.routing import Handler, NoRoute, Route, Router, route
from entra_emulator.web import dated, read_body
from entra_emulator.world import LoggedRequest, World

from .app_service import APP_SERVICE, AZURE_ML
from .azure_arc import AZURE_ARC
from .cloud_shell import CLOUD_SHELL
from .identities import Identities
from .identity_request import Endpoint, IdentityRequest, Setting
from .imds import IMDS
from .service_fabric import SERVICE_FABRIC

Source = Literal["imds", "app_service", "azure_arc", "azure_ml", "cloud_shell", "service_fabric"]

_ENDPOINTS: dict[Source, Endpoint] = {
    "imds": IMDS,
    "app_service": APP_SERVICE,
    "azure_arc": AZURE_ARC,
    "azure_ml": AZURE_ML,
    "cloud_shell": CLOUD_SHELL,
    "service_fabric": SERVICE_FABRIC,
}


class Machine:
    """The local endpoints of managed identity. An emulator signs their tokens, for its default tenant.

        with Emulator() as entra, entra.machine() as machine:
            subprocess.run(command, env=os.environ | machine.environment("app_service"))

    :param keys: the folder for Azure Arc's keys; real clients read only `/var/opt/azcmagent/tokens`.
    """

    def __init__(self, world: World, keys: Path | None = None) -> None:
        self.identities = Identities()
        self.requests: list[LoggedRequest] = []
        self.trouble: list[int] = []
        """Statuses for the next answers, in the dialect's own form; 403 is how Docker Desktop answers for IMDS."""
        self._folder = PrivateFolder(f"{PREFIX}arc-")
        self._setting = Setting(world, self.identities, secrets.token_hex(16), keys or Path(self._folder.name))
        self._servers: dict[bool, ServerThread] = {}
        self._ports: dict[bool, int] = {}

    def __enter__(self) -> Self:
        try:
            for tls in (False, True):
                sock = bind(0)
                self._ports[tls] = sock.getsockname()[1]
                authority = shared_authority() if tls else None
                self._servers[tls] = ServerThread(self._app(tls=tls), authority, sock, proxy=False)
                self._servers[tls].start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening and remove the keys."""
        while self._servers:
            self._servers.popitem()[1].stop()
        self._folder.cleanup()

    @property
    def keys(self) -> Path:
        """The folder of Azure Arc's keys."""
        return self._setting.keys

    @property
    def thumbprint(self) -> str:
        """SHA-1 of the HTTPS endpoint's certificate, in Service Fabric's form."""
        shown = ssl.get_server_certificate(("localhost", self._ports[True]))
        return hashlib.sha1(ssl.PEM_cert_to_DER_cert(shown), usedforsecurity=False).hexdigest().upper()

    def with_old_agent(self) -> None:
        """Make Azure Arc's agent ignore the requested identity from now on."""
        self._setting.old_agent = True

    def url(self, source: Source) -> str:
        """Return the URL of a source."""
        endpoint = _ENDPOINTS[source]
        scheme = "https" if endpoint.tls else "http"
        return f"{scheme}://localhost:{self._ports[endpoint.tls]}{endpoint.path}"

    def environment(self, source: Source) -> dict[str, str]:
        """Return only the variables by which a program on such a machine finds its identity."""
        url, secret = self.url(source), self._setting.secret
        match source:
            case "imds":
                return {"AZURE_POD_IDENTITY_AUTHORITY_HOST": url.removesuffix(IMDS.path)}
            case "app_service":
                return {"IDENTITY_ENDPOINT": url, "IDENTITY_HEADER": secret}
            case "azure_arc":
                return {"IDENTITY_ENDPOINT": url, "IMDS_ENDPOINT": url.partition("/arc")[0]}
            case "azure_ml":
                return {"MSI_ENDPOINT": url, "MSI_SECRET": secret}
            case "cloud_shell":
                return {"MSI_ENDPOINT": url}
        thumbprint = self.thumbprint
        return {"IDENTITY_ENDPOINT": url, "IDENTITY_HEADER": secret, "IDENTITY_SERVER_THUMBPRINT": thumbprint}

    def _app(self, *, tls: bool) -> ASGIApp:
        router = Router(self._routes(tls=tls))

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                answer = await router.answer(Request(scope, receive), scope["path"])
            except NoRoute as problem:
                answer = dated(self._setting.world, b"", problem.status, [])
            await answer(scope, receive, send)

        return app

    def _routes(self, *, tls: bool) -> list[Route]:
        # MSAL for Node appends a slash to every endpoint that it reads from the environment.
        return [
            route(method, f"{endpoint.path}{slash}", self._handler(endpoint))
            for endpoint in _ENDPOINTS.values()
            for method in endpoint.methods
            for slash in ("", "/")
            if endpoint.tls == tls
        ]

    def _handler(self, endpoint: Endpoint) -> Handler:
        async def handle(request: Request) -> Response:
            form = (await read_body(request)).decode("utf-8", "replace") if request.method == "POST" else ""
            parameters = {**request.query_params, **dict(parse_qsl(form))}
            identity_request = IdentityRequest(request, parameters, self._setting)
            answer = self._troubled(identity_request, endpoint) or await endpoint.answer(identity_request)
            self._log(identity_request, answer)
            return answer

        return handle

    def _troubled(self, identity_request: IdentityRequest, endpoint: Endpoint) -> Response | None:
        if not self.trouble:
            return None
        status = self.trouble.pop(0)
        if status == 403:
            text = b"connecting to 169.254.169.254:80: dial tcp: network is unreachable"
            return dated(self._setting.world, text, 403, [("Content-Type", "text/plain")])
        return endpoint.trouble(identity_request, status)

    def _log(self, identity_request: IdentityRequest, answer: Response) -> None:
        self.requests.append(
            LoggedRequest(
                method=identity_request.request.method,
                host=identity_request.header("host"),
                path=identity_request.request.url.path,
                at=self._setting.world.clock.now(),
                status=answer.status_code,
                service="managed identity",
                form=tuple(identity_request.parameters),
                client_id=identity_request.parameters.get("client_id") or identity_request.parameters.get("clientid"),
                scope=identity_request.parameters.get("resource"),
            )
        )
