"""Sign-in to an application by SAML 2.0 or WS-Federation: the same pages, and an assertion at the end.

Source: learn.microsoft.com/entra/identity-platform/single-sign-on-saml-protocol. There is no consent: whoever may use
the application gets an assertion. SAML's own logout is not emulated.
"""

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.aadsts import EntraError
from entra_emulator.interaction import ApplicationRequest, PendingSignIn
from entra_emulator.model import App
from entra_emulator.parameters import Parameters
from entra_emulator.tokens import saml
from entra_emulator.tokens.principals import Principal
from entra_emulator.tokens.saml_claims import attributes, name_id

from . import pages_flow, saml_response
from .exchange import Exchange
from .permission import permit
from .redirects import registered_as
from .saml_request import check_method, read_saml, read_ws_federation
from .scopes import DEFAULT, RequestedScope
from .sign_in_flow import SignInFlow

_VALID_IN, _SKEW_IN = 3600.0, 300.0


class ApplicationFlow(SignInFlow):
    """A sign-in to an application itself: its rules and policies apply, and nobody has to consent."""

    needs_consent = False

    @property
    def requests(self) -> list[RequestedScope]:
        """The application as its own resource."""
        return [RequestedScope("", self.pending.app, (DEFAULT,), frozenset())]


async def saml2(request: Request) -> Response:
    """GET or POST /{tenant}/saml2"""
    exchange = Exchange.of(request)
    try:
        await exchange.read_form_or_query(request, "saml2")
        request.state.notes.update(exchange.log_fields())
        app, wanted = read_saml(exchange, deflated=request.method == "GET", path=request.scope["path"])
    except EntraError as problem:
        return pages_flow.failed(exchange, request, problem)
    return _begin(exchange, request, app, wanted)


async def ws_federation(request: Request) -> Response:
    """GET or POST /{tenant}/wsfed"""
    exchange = Exchange.of(request)
    try:
        await exchange.read_form_or_query(request, "wsfed")
        request.state.notes.update(exchange.log_fields())
        if exchange.form.required("wa") in ("wsignout1.0", "wsignoutcleanup1.0"):
            return _sign_out(exchange, request)
        app, wanted = read_ws_federation(exchange)
    except EntraError as problem:
        return pages_flow.failed(exchange, request, problem)
    return _begin(exchange, request, app, wanted)


def _begin(exchange: Exchange, request: Request, app: App, wanted: ApplicationRequest) -> Response:
    """Use the browser's session if the request allows it; then show a page, unless it must be passive."""
    parameters = Parameters("authorize", {"scope": DEFAULT, "redirect_uri": wanted.reply_url})
    hint = exchange.form.get("login_hint") or exchange.form.get("username")
    parameters = parameters.replaced(login_hint=hint)
    pending = PendingSignIn(app.id, exchange.tenant_name, parameters, application=wanted)
    flow, session = ApplicationFlow(exchange, pending), pages_flow.session_of(exchange, request)
    if session and not wanted.new_sign_in and flow.accepts(session, hint.lower()):
        flow.continue_as(session.identity)
    token = exchange.world.interaction.add_pending(pending)
    if wanted.passive and not _needs_no_page(flow):
        return _send(
            exchange, wanted, saml_response.no_passive(_issuer(exchange, flow), wanted, exchange.world.clock.now())
        )
    return pages_flow.next_page(flow, request, token, ENDINGS, session=session)


def _needs_no_page(flow: ApplicationFlow) -> bool:
    try:
        return flow.next_step() == "done"
    except EntraError:
        return False


def _complete(flow: SignInFlow, request: Request, token: str) -> Response:
    """Send an assertion to the application, and start a session for the browser.

    :raises EntraError: 75011, and the codes of `permit`.
    """
    exchange, wanted = flow.exchange, flow.pending.application
    if wanted is None:
        raise EntraError(50058)
    check_method(wanted, flow.pending.amr)
    principal = _principal(flow)
    issuer = exchange.site.issuer(flow.tenant.id, 1)
    name_format, name = name_id(principal, wanted.name_format)
    now = exchange.world.clock.now()
    assertion = saml.Assertion(
        issuer=issuer,
        audience=wanted.audience,
        subject=name,
        subject_format=name_format,
        attributes=attributes(principal, exchange.site.issuer((principal.home or flow.tenant).id, 1)),
        issued_on=now,
        starts_on=now - _SKEW_IN,
        expires_on=now + _VALID_IN,
        authenticated_on=flow.pending.signed_in_on,
        recipient=wanted.reply_url if wanted.protocol == "saml2" else "",
        in_response_to=wanted.request_id,
    )
    signed = saml.version_two(assertion, exchange.world.keys.keys[0])
    exchange.world.interaction.pending_sign_ins.pop(token, None)
    write = saml_response.success if wanted.protocol == "saml2" else saml_response.security_token_response
    return _send(exchange, wanted, write(assertion, signed, wanted), pages_flow.signed_in(flow, request))


def _principal(flow: SignInFlow) -> Principal:
    flow.exchange.form = flow.pending.parameters  # the rules read its claims parameter
    allowed = permit(
        flow.exchange, flow.app, flow.session, flow.tenant, flow.requests[0], needs_consent=flow.needs_consent
    )
    return Principal(
        flow.tenant,
        flow.app,
        "0",
        allowed.object_id,
        allowed.user,
        allowed.home,
        allowed.roles,
        flow.pending.amr,
        flow.exchange.address,
        flow.pending.signed_in_on,
        flow.pending.sid,
    )


def _decline(flow: SignInFlow, request: Request, token: str) -> Response:
    """Show the error for a user who canceled: Entra ID sends the application nothing."""
    flow.exchange.world.interaction.pending_sign_ins.pop(token, None)
    return pages_flow.failed(flow.exchange, request, EntraError(65004))


def _issuer(exchange: Exchange, flow: ApplicationFlow) -> str:
    tenant = exchange.tenant()
    return exchange.site.issuer(tenant.id if tenant else flow.app.tenant, 1)


def _send(exchange: Exchange, wanted: ApplicationRequest, message: str, cookie: str = "") -> Response:
    return pages_flow.post_form(exchange, wanted.reply_url, saml_response.fields(wanted, message), cookie)


def _sign_out(exchange: Exchange, request: Request) -> Response:
    """End the browser's session, and go to `wreply` if an application has registered it."""
    exchange.world.interaction.sessions.pop(request.cookies.get(pages_flow.COOKIE, ""), None)
    reply = exchange.form.get("wreply")
    if reply and any(registered_as(app, reply) for app in exchange.world.state.every_app):
        return pages_flow.redirect(exchange, reply, "-")
    return pages_flow.signed_out(exchange)


ENDINGS = {"done": _complete, "declined": _decline}
