"""What the integrations share: a token for a tool, in the tenant that the tool's server names."""

from __future__ import annotations

from mstoken.client import Client
from mstoken.protocol.chain import served
from mstoken.transports.blocking import HttpTransport
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from mstoken.config.settings import Settings
    from mstoken.flows.store_port import Stores
    from mstoken.model import Token, TokenRequest
    from mstoken.protocol.http import HttpRequest, HttpResponse
    from mstoken.rest.devops import Organization


class ToolClient:
    """A client for one run of a tool. `tenant_chosen`: the user named the tenant, so the server's does not count."""

    def __init__(self, settings: Settings, stores: Stores, *, tenant_chosen: bool = False) -> None:
        self.stores = stores
        self.transport = HttpTransport()
        self._tenant_chosen = tenant_chosen
        self.client = Client.from_settings(settings, stores, self.transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()

    def send(self, request: HttpRequest) -> HttpResponse:
        """Send a request to the tool's server. Raises TransportError and UnreadableAnswer."""
        return self.transport.send(request)

    def get_token(self, service: str, tenant: str = "") -> Token:
        """Return the token, in `tenant` if the server named one and the user did not. Raises MstokenError."""
        return self.client.get_token(service, tenant_id=self._tenant(tenant))

    def token_request(self, service: str, tenant: str = "") -> TokenRequest:
        """Return the request that the last `get_token` with these arguments has answered."""
        return served(self.client.token_request(service, tenant_id=self._tenant(tenant)))

    def find_organization(self, url: str, method: str = "HEAD") -> Organization:
        """Return what the Azure DevOps server at `url` says of its organization; nothing if it says nothing."""
        from mstoken.rest.devops import find_organization

        return find_organization(url, self.send, self.stores.access_tokens, method=method)

    def _tenant(self, tenant: str) -> str | None:
        return None if self._tenant_chosen else tenant or None
