"""One request to a user flow: its tenant, its flow, and the form of every response."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.clock import timestamp
from entra_emulator.login.exchange import CROSS_ORIGIN, Exchange
from entra_emulator.model import App, Tenant, User, UserFlow
from entra_emulator.routing import NoRoute
from entra_emulator.state import as_guid
from entra_emulator.web import dated

from .errors import B2CError


@dataclass
class Journey:
    """A request to the user flow `flow` of `tenant`. `prefix` is "/tfp" if the path begins with it, else ""."""

    exchange: Exchange
    tenant: Tenant
    flow: UserFlow
    prefix: str = ""

    @classmethod
    def of(cls, request: Request) -> "Journey":
        """Return the journey that the path names, or the query's `p`.

        :raises NoRoute: the host has no such tenant, or the tenant no such user flow: the service answers 404.
        """
        exchange = Exchange.of(request)
        site, names = exchange.site, request.path_params
        tenant = exchange.world.state.tenant(names["tenant"], exchange.realm)
        query = {name.lower(): value for name, value in parse_qsl(request.scope["query_string"].decode("latin-1"))}
        flow = tenant.user_flow(names.get("flow") or query.get("p", "")) if tenant else None
        elsewhere = not (site.local_port or site.service == "b2c" or site.custom)
        if tenant is None or flow is None or elsewhere or (site.of_tenant and not tenant.serves(site.host)):
            raise NoRoute(404)
        return cls(exchange, tenant, flow, "/tfp" if request.url.path.lower().startswith("/tfp/") else "")

    @property
    def base(self) -> str:
        """The URL of the user flow, as its discovery document spells it: the flow in lower case."""
        return f"{self.exchange.site.authority}{self.path}"

    @property
    def path(self) -> str:
        """The path of the user flow."""
        return f"{self.prefix}/{self.exchange.tenant_name.lower()}/{self.flow.name.lower()}"

    @property
    def issuer(self) -> str:
        """`iss`: the tenant's, with a slash at the end, or one that names the user flow."""
        named = f"tfp/{self.tenant.id}/{self.flow.name.lower()}" if self.flow.issuer_with_policy else self.tenant.id
        return f"{self.exchange.site.authority}/{named}/v2.0/"

    def app(self, client_id: str) -> App:
        """Return the application of a client ID.

        :raises B2CError: 90008 if there is none, 90018 if it is not registered in the tenant.
        """
        if not client_id.strip():
            raise B2CError(90008)
        guid = as_guid(client_id.lower())
        app = self.exchange.world.state.apps.get(guid) if guid else None
        if app is None or not app.enabled or app.tenant != self.tenant.id:
            raise B2CError(90018, app=client_id, tenant=self.tenant.domain)
        return app

    def local_user(self, user_id: str) -> User:
        """Return the user of a code or token.

        :raises B2CError: 90128 if the account no longer exists or is disabled.
        """
        user = self.tenant.user(user_id)
        if user is None or not user.enabled:
            raise B2CError(90128)
        return user

    def answer(self, body: Mapping[str, Any], status: int = 200) -> Response:
        """Return a response of the token endpoint, with the headers of MicrosoftDocs/azure-docs#23780."""
        headers = [
            ("Cache-Control", "private"),
            ("Content-Type", "application/json; charset=utf-8"),
            ("x-ms-gateway-requestid", self.exchange.trace_id),
            ("X-Frame-Options", "DENY"),
            *self.common_headers(),
            *(CROSS_ORIGIN if self.exchange.origin else ()),
        ]
        return dated(self.exchange.world, json.dumps(body).encode(), status, headers)

    def common_headers(self) -> list[tuple[str, str]]:
        """Return the headers of every response."""
        headers = [("X-Content-Type-Options", "nosniff"), ("X-XSS-Protection", "1; mode=block")]
        if not self.exchange.site.local_port:
            headers.insert(0, ("Strict-Transport-Security", "max-age=31536000; includeSubDomains"))
        return headers

    def error_fields(self, problem: B2CError) -> dict[str, str]:
        """Return `error` and `error_description`."""
        return problem.fields(self.exchange.correlation_id, timestamp(self.exchange.world.clock.now()))
