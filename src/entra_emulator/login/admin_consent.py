"""The admin consent endpoints: an administrator grants an application its permissions for everyone.

Source: learn.microsoft.com/entra/identity-platform/v2-admin-consent. v1.0 grants what the application declares; v2.0
grants what `scope` names, and with `.default` all that is declared.
"""

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.aadsts import EntraError
from entra_emulator.interaction import PendingSignIn
from entra_emulator.model import App, Grant
from entra_emulator.parameters import Parameters
from entra_emulator.permissions import RequiredPermissions, required_permissions
from entra_emulator.resources import GRAPH, Resource

from . import pages_flow
from .accounts import hinted
from .client_auth import find_app
from .consenting import grant
from .exchange import Exchange
from .redirects import registered_as, with_answer
from .responding import error_fields, state
from .scopes import DEFAULT, RequestedScope, parse_all
from .sign_in_flow import SignInFlow, Step

_CONSENT_MISSING = 65001
_USUAL = RequiredPermissions(GRAPH, scopes=["User.Read"])
"""What an application that declares nothing gets."""


class AdminConsentFlow(SignInFlow):
    """A sign-in for consent: an administrator signs in and grants the permissions for everyone."""

    @property
    def _required(self) -> list[RequiredPermissions]:
        return required_permissions(self.exchange.world.state, self.app) or [_USUAL]

    @property
    def _everything(self) -> bool:
        scope = self.pending.parameters.get("scope")
        return not scope or any(requested.default for requested in parse_all(scope))

    @property
    def requests(self) -> list[RequestedScope]:
        """One request for each API whose permissions are to be granted."""
        if not self._everything:
            return parse_all(self.pending.parameters["scope"])
        return [
            RequestedScope("", required.resource, tuple(required.scopes) or (DEFAULT,), frozenset())
            for required in self._required
        ]

    def next_step(self) -> Step:
        """Return the page that the user sees next.

        :raises EntraError: a refusal that no page resolves.
        """
        if not self.pending.user:
            return "sign-in"
        refusal = self._refusal()
        if self._needs_factor(refusal):
            return "second-factor"
        if refusal is not None and (step := self._resolving(refusal)):
            return step
        if refusal is not None and refusal.code != _CONSENT_MISSING:
            raise refusal
        if not self.administers:
            return "needs-admin"
        return "done" if self.pending.consented else "consent"

    def listed(self) -> list[str]:
        """Return all permissions, application permissions included, with their API."""
        return [
            f"{name} ({resource.name})"
            for resource, requested in self.resources()
            for name in (*_scopes(requested), *self._roles_of(resource))
        ]

    def consent(self, *, for_all: bool) -> None:  # noqa: ARG002  # it is for everyone
        """Grant all of it to everyone in the tenant, and the application permissions to the application."""
        if not self.administers:
            return
        for resource, requested in self.resources():
            wanted = {name.lower() for name in self.missing(resource, requested)}
            grant(
                self.tenant, self.app, resource, [scope for scope in _scopes(requested) if scope.lower() in wanted], ""
            )
            assigned = {
                role
                for present in self.tenant.grants
                if (present.app, present.resource, present.user) == (self.app.id, resource.app_id, "")
                for role in present.roles
            }
            if roles := [role for role in self._roles_of(resource) if role not in assigned]:
                self.tenant.grants.append(Grant(self.app.id, resource.app_id, roles=roles))
        self.pending.consented = True

    def _roles_of(self, resource: Resource) -> list[str]:
        if not self._everything:
            return []
        return [role for required in self._required if required.resource == resource.app_id for role in required.roles]


def _scopes(requested: RequestedScope) -> list[str]:
    return [name for name in requested.names if name != DEFAULT]


async def admin_consent(request: Request) -> Response:
    """GET /{tenant}/adminconsent or /{tenant}/v2.0/adminconsent"""
    exchange = Exchange.of(request)
    try:
        exchange.read_query(request, "adminconsent")
        request.state.notes.update(exchange.log_fields())
        app, parameters = _checked(exchange)
    except EntraError as problem:
        return pages_flow.failed(exchange, request, problem)
    pending = PendingSignIn(app.id, exchange.tenant_name, parameters, version=exchange.version, admin=True)
    flow, session = AdminConsentFlow(exchange, pending), pages_flow.session_of(exchange, request)
    if session and flow.accepts(session, hinted(exchange, parameters["login_hint"]).lower()):
        flow.continue_as(session.identity)
    token = exchange.world.interaction.add_pending(pending)
    return pages_flow.next_page(flow, request, token, ENDINGS)


def _checked(exchange: Exchange) -> tuple[App, Parameters]:
    """Return the application, and the parameters as those of an authorization request.

    :raises EntraError: 900144, 700016, 50011, 70011, 90002, 900023.
    """
    form = exchange.form
    app = find_app(exchange, form.required("client_id"), exchange.tenant())
    scope = "" if exchange.version == 1 else form.required("scope")
    parse_all(scope)
    known = [*app.redirect_uris, *app.spa_redirect_uris]
    redirect_uri = form.get("redirect_uri") or next(iter(known), "")
    if redirect_uri and registered_as(app, redirect_uri) is None:
        raise EntraError(50011, redirect_uri=redirect_uri, app=app.id)
    hint = form.get("login_hint")
    values = {"scope": scope, "redirect_uri": redirect_uri, "login_hint": hint} | state(form)
    return app, Parameters("authorize", values)


def _granted(flow: SignInFlow, request: Request, token: str) -> Response:
    """Redirect to the application with `tenant` and, at v2.0, `scope`. Without a redirect URI, show an error."""
    exchange, parameters = flow.exchange, flow.pending.parameters
    exchange.world.interaction.pending_sign_ins.pop(token, None)
    if not parameters.get("redirect_uri"):
        return pages_flow.failed(exchange, request, EntraError(500113))
    fields = {"admin_consent": "True", "tenant": flow.tenant.id} | state(parameters)
    if parameters["scope"]:
        fields["scope"] = parameters["scope"]
    return _respond(exchange, parameters, fields, pages_flow.signed_in(flow, request))


def _declined(flow: SignInFlow, request: Request, token: str) -> Response:
    exchange, parameters = flow.exchange, flow.pending.parameters
    exchange.world.interaction.pending_sign_ins.pop(token, None)
    refused = flow.pending.user and not flow.administers
    problem = EntraError(90094 if refused else 65004, as_error="consent_required")
    if not parameters.get("redirect_uri"):
        return pages_flow.failed(exchange, request, problem)
    fields = {"admin_consent": "True"} | error_fields(exchange, request, problem) | state(parameters)
    return _respond(exchange, parameters, fields)


def _respond(exchange: Exchange, parameters: Parameters, fields: dict[str, str], cookie: str = "") -> Response:
    return pages_flow.redirect(exchange, with_answer(parameters["redirect_uri"], fields, "query"), cookie)


ENDINGS = {"done": _granted, "declined": _declined}
