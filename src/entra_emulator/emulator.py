"""The emulator as a Python object: a server in a thread of this process, until the `with` block ends."""

import ssl
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self
from urllib.parse import urlsplit

from .admin import routes as admin
from .admin import start_page
from .apis import adfs, arm, blob, container_registry, graph, key_vault, partner_center, userinfo
from .b2c import endpoints as user_flows
from .config import Config
from .control import Control
from .environment import Connection, settings
from .folders import PrivateFolder, remove_dead
from .injection import inject
from .login import endpoints
from .network.certificates import CertificateAuthority, shared_authority
from .network.server import ServerThread, bind
from .routing import LOCAL_NAMES, Application, site_of_host
from .running import announce
from .scripted_browser import ScriptedBrowser
from .shells import TRUST_STORE_PASSWORD
from .world import RequestLog, World

if TYPE_CHECKING:
    from .clouds import Service
    from .managed_identity.machine import Machine
    from .routing import Route

_PATHS = {"graph": "/graph/v1.0", "arm": "/arm", "partner": "/partner/v1", "vault": "/vault", "acr": "/acr"}


class Emulator(Control):
    """A local Entra ID with small versions of the Graph, Resource Manager, Partner Center, Key Vault and other APIs.

        with Emulator() as entra:
            httpx.post(f"{entra.authority}/{tenant}/oauth2/v2.0/token", data=…, verify=str(entra.ca_file))

    :param config: path of a TOML file, a mapping of the same form, a file that `save` wrote, or None for the built-in
        tenants.
    :param port: of the HTTPS listener on 127.0.0.1; 0 lets the system choose.
    :raises ConfigError: the configuration cannot be used.
    """

    def __init__(self, config: Config = None, port: int = 0) -> None:
        super().__init__(config)
        self._wanted_port = port
        self._folder: PrivateFolder | None = None
        self._server: ServerThread | None = None

    def __enter__(self) -> Self:
        self._world.keys.prepare()
        authority = shared_authority()
        remove_dead()
        self._folder = PrivateFolder()
        try:
            self.ca_file.write_bytes(authority.pem())
            for name in ("cache", "config"):
                (self.ca_file.parent / name).mkdir(mode=0o700)
            self._serve(authority)
        except BaseException:
            self._folder.cleanup()
            raise
        return self

    def _serve(self, authority: CertificateAuthority) -> None:
        sock = bind(self._wanted_port)
        try:
            self._world.port = sock.getsockname()[1]
            services: dict[Service, list[Route]] = {
                "login": [*start_page.routes(), *endpoints.routes(), *userinfo.login_routes(), *user_flows.routes()],
                "b2c": [*user_flows.routes(), *user_flows.routes_by_query()],
                "graph": graph.routes(),
                "arm": arm.routes(),
                "partner": partner_center.routes(),
                "vault": key_vault.routes(),
                "acr": container_registry.routes(),
                "blob": blob.routes(),
                "adfs": adfs.routes(),
                "admin": admin.routes(self),
            }
            self._server = ServerThread(Application(self._world, services, inject), authority, sock)
            self._server.start()
        except BaseException:
            sock.close()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server:
            self._server.stop()
        if self._folder:
            self._folder.cleanup()

    def _running(self) -> World:
        if not self._world.port:
            raise RuntimeError("The emulator is not started; use it in a with statement.")
        return self._world

    @property
    def requests(self) -> RequestLog:
        """The requests so far, oldest first; at least the last 10,000 of them. You can clear the list."""
        return self._running().requests

    @property
    def authority(self) -> str:
        """`https://localhost:PORT`, for AZURE_AUTHORITY_HOST."""
        return f"https://localhost:{self._running().port}"

    @property
    def proxy(self) -> str:
        """`http://127.0.0.1:PORT`: the proxy through which Microsoft's host names lead to the emulator."""
        self._running()
        return f"http://127.0.0.1:{self._server.proxy_port if self._server else 0}"

    @property
    def admin_url(self) -> str:
        """The URL of the dashboard; the admin API is below it. Both require `admin_key`."""
        return f"{self.authority}/_admin"

    @property
    def ca_file(self) -> Path:
        """The certificate authority (PEM) that clients must trust."""
        if self._folder is None:
            raise RuntimeError("The emulator is not started; use it in a with statement.")
        return Path(self._folder.name, "ca.pem")

    @property
    def ssl_context(self) -> ssl.SSLContext:
        """Return TLS settings for a client in Python that trusts only this emulator."""
        return ssl.create_default_context(cafile=str(self.ca_file))

    def announce(self) -> dict[str, str]:
        """Let other programs of this user find the emulator (`mstoken emulator env`). Return the variables they get."""
        store = self.ca_file.with_name("trust.p12")
        store.write_bytes(shared_authority().trust_store(TRUST_STORE_PASSWORD))
        environment = {**self.environment(), "ENTRA_EMULATOR_TRUST_STORE": str(store)}
        announce(store.parent, self._running().port, environment)
        return environment

    def api(self, name: Literal["graph", "arm", "partner", "vault", "acr"]) -> str:
        """Return the base URL of an API on localhost, with the version if it has one; of vaults and container
        registries, without the name.
        """
        return f"{self.authority}{_PATHS[name]}"

    def machine(self, keys: Path | None = None) -> "Machine":
        """Return a machine with a managed identity in the default tenant. It serves six endpoints in its `with` block.

        :param keys: the folder for Azure Arc's keys; None means a new private folder.
        """
        from .managed_identity.machine import Machine  # rarely needed, and an emulator should start fast

        return Machine(self._running(), keys)

    def browser(self) -> ScriptedBrowser:
        """Return a browser without a person and without sessions. It reaches this emulator under all its names."""
        return ScriptedBrowser(self.proxy, self.ssl_context, self._serves)

    def _serves(self, url: str) -> bool:
        parts = urlsplit(url)
        if parts.scheme != "https":
            return False
        if (parts.hostname or "") in LOCAL_NAMES:
            return parts.port == self._running().port
        return site_of_host(self._world, parts.hostname or "") is not None

    def environment(self) -> dict[str, str]:
        """Return environment variables that direct a program to this emulator, as the default application and user."""
        state = self.state
        identity = {"AZURE_TENANT_ID": state.default_tenant.id}
        identity |= {"ENTRA_EMULATOR_ADMIN_URL": self.admin_url, "ENTRA_EMULATOR_ADMIN_KEY": self.admin_key}
        if state.apps:
            app = state.default_app
            identity["AZURE_CLIENT_ID"] = app.id
            if app.secrets:
                identity["AZURE_CLIENT_SECRET"] = app.secrets[0].value
            if user := state.default_user:
                identity["ENTRA_EMULATOR_REFRESH_TOKEN"] = self.sign_in(user.upn)
        if customer := state.default_customer:
            identity["ENTRA_EMULATOR_CUSTOMER_TENANT_ID"] = customer.id
        folder = self.ca_file.parent
        connection = Connection(self.authority, self.proxy, self.ca_file, folder / "cache", folder / "config")
        return settings(connection, identity)
