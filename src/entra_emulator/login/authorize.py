"""The authorization endpoint, and the endpoint to which its pages post.

Sources: RFC 6749 section 4.1, OpenID Connect Core section 3.1.2, RFC 7636;
learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow. Until the application and its redirect URI are
verified, errors are shown on a page.
"""

import re

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.aadsts import EntraError
from entra_emulator.interaction import AuthorizationCode, PendingSignIn
from entra_emulator.model import App
from entra_emulator.parameters import Parameters
from entra_emulator.tokens import saml

from . import admin_consent, application_sign_in, device, front_channel, pages_flow
from .accounts import hinted
from .client_auth import find_app
from .exchange import Exchange, claims_request
from .federated_assertion import read_assertion, user_of
from .redirects import registered_as
from .responding import ErrorResponse, error_fields, respond, state
from .scopes import check_resource_parameter, parse_all
from .sign_in_flow import SignInFlow
from .version_one import translate_authorization


async def authorize(request: Request) -> Response:
    """GET or POST /{tenant}/oauth2/v2.0/authorize"""
    exchange = Exchange.of(request)
    try:
        app, parameters = _checked(exchange, await _read_parameters(exchange, request))
    except EntraError as problem:
        return pages_flow.failed(exchange, request, problem)
    try:
        _check_request(app, parameters)
    except EntraError as problem:
        return _refuse(exchange, request, parameters, problem)
    try:
        return _begin(
            exchange, request, PendingSignIn(app.id, exchange.tenant_name, parameters, version=exchange.version)
        )
    except ErrorResponse as refused:
        return _refuse(exchange, request, parameters, refused.problem)


async def submit(request: Request) -> Response:
    """POST /{tenant}/login: the form of a page."""
    exchange = Exchange.of(request)
    try:
        await exchange.read_form(request, "page")
        pending = _pending(exchange, exchange.form.get("flow"))
    except EntraError as problem:
        return pages_flow.failed(exchange, request, problem)
    flow, endings = _resumed(exchange, pending)
    try:
        return await pages_flow.submit(flow, request, endings)
    except ErrorResponse as refused:
        return _refuse(exchange, request, pending.parameters, refused.problem)


async def from_identity_provider(request: Request) -> Response:
    """POST /login.srf: a federated domain's identity provider says who the user is (WS-Federation 1.2 section 13.1)."""
    exchange = Exchange.of(request)
    try:
        await exchange.read_form(request, "loginsrf")
        token, pending = exchange.form.get("wctx"), _pending(exchange, exchange.form.get("wctx"))
        home, user = user_of(exchange.world, read_assertion(_asserted(exchange.form.get("wresult")), saml.ONE))
    except EntraError as problem:
        return pages_flow.failed(exchange, request, problem)
    flow, endings = _resumed(exchange, pending)
    try:
        if wrong := flow.wrong_account_kind(home):
            return pages_flow.next_page(flow, request, token, endings, wrong=wrong)
        flow.start(home, user, ("pwd",))
        return pages_flow.next_page(flow, request, token, endings)
    except ErrorResponse as refused:
        return _refuse(exchange, request, pending.parameters, refused.problem)


def _pending(exchange: Exchange, token: str) -> PendingSignIn:
    """:raises EntraError: 50058 without a pending sign-in of Entra ID with this token."""
    pending = exchange.world.interaction.pending_sign_ins.get(token)
    if pending is None or pending.user_flow:
        raise EntraError(50058)
    return pending


def _asserted(response: str) -> bytes:
    """Return the assertion in a RequestSecurityTokenResponse, as it is written there, since it is signed."""
    found = re.search(r"<(?:\w+:)?RequestedSecurityToken>(.*)</(?:\w+:)?RequestedSecurityToken>", response, re.DOTALL)
    return found[1].encode() if found else b""


def _resumed(exchange: Exchange, pending: PendingSignIn) -> tuple[SignInFlow, pages_flow.Outcomes]:
    """Return a pending sign-in that goes on, and how it may end."""
    exchange.tenant_name, exchange.version = pending.tenant_name, pending.version
    if pending.admin:
        return admin_consent.AdminConsentFlow(exchange, pending), admin_consent.ENDINGS
    if pending.application:
        return application_sign_in.ApplicationFlow(exchange, pending), application_sign_in.ENDINGS
    return SignInFlow(exchange, pending), device.ENDINGS if pending.device else _ENDINGS


async def _read_parameters(exchange: Exchange, request: Request) -> Parameters:
    await exchange.read_form_or_query(request, "authorize")
    request.state.notes.update(exchange.log_fields())
    return translate_authorization(exchange.form) if exchange.version == 1 else exchange.form


def _checked(exchange: Exchange, parameters: Parameters) -> tuple[App, Parameters]:
    """Return the application, and the parameters with the redirect URI. Nothing may be sent there before this check.

    :raises EntraError: 900144, 700016, 7000112, 50011, 500113, 90002, 900023.
    """
    tenant = exchange.tenant()
    client_id, _ = parameters.required("client_id"), parameters.required("scope")
    app = find_app(exchange, client_id, tenant)
    known = [*app.redirect_uris, *app.spa_redirect_uris]
    if not known:
        raise EntraError(500113)
    if "redirect_uri" not in parameters:
        parameters = parameters.replaced(redirect_uri=known[0])
    if registered_as(app, parameters["redirect_uri"]) is None:
        raise EntraError(50011, redirect_uri=parameters["redirect_uri"], app=app.id)
    return app, parameters


def _check_request(app: App, parameters: Parameters) -> None:
    """:raises EntraError: an error in the request itself, which is sent to the application."""
    front_channel.check(app, parameters)
    if (prompt := parameters.get("prompt")) not in _PROMPTS:
        raise EntraError(90023, reason=f"Unsupported 'prompt' value '{prompt}'")
    _check_challenge(app, parameters)
    parse_all(parameters["scope"])
    check_resource_parameter(parameters)
    claims_request(parameters)


def _check_challenge(app: App, parameters: Parameters) -> None:
    """Check the code challenge (RFC 7636 section 4.2), which single-page applications must send.

    :raises EntraError: 9002325 missing, 501491 a length outside 43 to 128, 50149 an unknown method.
    """
    spa = registered_as(app, parameters["redirect_uri"]) == "spa"
    challenge, method = parameters.get("code_challenge"), parameters.get("code_challenge_method", "plain")
    if spa and front_channel.CODE in front_channel.response_types(parameters) and not challenge:
        raise EntraError(9002325)
    if challenge and not 43 <= len(challenge) <= 128:
        raise EntraError(501491)
    if method not in ("plain", "S256"):
        raise EntraError(50149)


def _begin(exchange: Exchange, request: Request, pending: PendingSignIn) -> Response:
    """Use the browser's session if it fits; then show a page, unless prompt=none forbids it."""
    flow, parameters = SignInFlow(exchange, pending), pending.parameters
    prompt, sid = parameters.get("prompt"), parameters.get("sid")
    session = pages_flow.session_of(exchange, request)
    hint = hinted(exchange, parameters.get("login_hint")).lower()
    if session and sid in ("", session.identity.sid) and prompt not in _NEW_SIGN_IN and flow.accepts(session, hint):
        flow.continue_as(session.identity)
    token = exchange.world.interaction.add_pending(pending)
    if prompt == "none":
        return _silently(flow, request, token)
    return pages_flow.next_page(flow, request, token, _ENDINGS, session=session)


def _silently(flow: SignInFlow, request: Request, token: str) -> Response:
    """Handle prompt=none: respond at once. If a page is required, the error is interaction_required."""
    try:
        step = flow.next_step()
    except EntraError as problem:
        if problem.definition.error == "invalid_grant":  # there is no grant yet
            problem.as_error = "interaction_required"
        raise ErrorResponse(problem) from None
    if step == "sign-in":
        if flow.pending.parameters.get("sid"):
            raise ErrorResponse(EntraError(160021))
        raise ErrorResponse(EntraError(70044 if flow.pending.user else 50058))
    if step in _UNMET:
        resource = flow.requests[0].resource or ""
        raise ErrorResponse(EntraError(_UNMET[step], as_error="interaction_required", resource=resource))
    if step != "done":
        app = flow.app
        raise ErrorResponse(EntraError(65001, as_error="interaction_required", app=app.id, app_name=app.name))
    return _complete(flow, request, token)


def _complete(flow: SignInFlow, request: Request, token: str) -> Response:
    """Complete the sign-in: send a code or tokens to the application, and start a session for the browser."""
    exchange, parameters = flow.exchange, flow.pending.parameters
    interaction = exchange.world.interaction
    fields: dict[str, str] = {}
    if front_channel.CODE in front_channel.response_types(parameters):
        fields["code"] = interaction.add_code(_code(flow))
    fields |= front_channel.front_channel_tokens(flow, fields.get("code", ""))
    if parameters.get("client_info") == "1":
        fields["client_info"] = flow.client_info()
    fields |= state(parameters) | {"session_state": flow.pending.sid}
    interaction.pending_sign_ins.pop(token, None)
    return respond(exchange, parameters, fields, pages_flow.signed_in(flow, request))


def _code(flow: SignInFlow) -> AuthorizationCode:
    parameters = flow.pending.parameters
    return AuthorizationCode(
        app=flow.pending.app,
        identity=flow.identity,
        tenant=flow.tenant.id,
        scopes=parameters["scope"],
        redirect_uri=parameters["redirect_uri"],
        challenge=parameters.get("code_challenge", ""),
        method=parameters.get("code_challenge_method", "plain"),
        nonce=parameters.get("nonce", ""),
        issued_on=flow.exchange.world.clock.now(),
        spa=registered_as(flow.app, parameters["redirect_uri"]) == "spa",
    )


def _decline(flow: SignInFlow, _request: Request, token: str) -> Response:
    """Send the application the error for a user who canceled."""
    flow.exchange.world.interaction.pending_sign_ins.pop(token, None)
    raise ErrorResponse(EntraError(65004))


def _refuse(exchange: Exchange, request: Request, parameters: Parameters, problem: EntraError) -> Response:
    return respond(exchange, parameters, error_fields(exchange, request, problem) | state(parameters))


_PROMPTS = ("", "login", "none", "consent", "select_account", "create", "admin_consent")
_NEW_SIGN_IN = ("login", "select_account")
_UNMET = {"second-factor": 50076, "security-key": 50074, "terms": 50158}
_ENDINGS = {"done": _complete, "declined": _decline}
