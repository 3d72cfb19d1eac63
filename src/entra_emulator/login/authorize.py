"""The authorization endpoint, and where its pages post to.

Sources: RFC 6749 section 4.1, OpenID Connect Core section 3.1.2, RFC 7636;
learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow. What cannot be said to the application, because
who it is or where it lives is in doubt, is said on a page.
"""

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.aadsts import EntraError
from entra_emulator.interaction import AuthorizationCode, PendingSignIn
from entra_emulator.model import App
from entra_emulator.parameters import Parameters

from . import device, front_channel, pages_flow
from .accounts import hinted
from .client_auth import find_app
from .exchange import Exchange, claims_request
from .redirects import registered_as, with_answer
from .scopes import check_resource_parameter, parse
from .sign_in_flow import SignInFlow
from .version_one import translate_authorization


class _ToApplication(Exception):
    """A refusal that the application gets at its redirect URI."""

    def __init__(self, problem: EntraError) -> None:
        self.problem = problem
        super().__init__(problem.message)


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
    except _ToApplication as refused:
        return _refuse(exchange, request, parameters, refused.problem)


async def step(request: Request) -> Response:
    """POST /{tenant}/login: what a person sent from a page of a sign-in."""
    exchange = Exchange.of(request)
    try:
        await exchange.read_form(request, "page")
        pending = exchange.world.interaction.pending_sign_ins.get(exchange.form.get("flow", ""))
    except EntraError as problem:
        return pages_flow.failed(exchange, request, problem)
    if pending is None:
        return pages_flow.failed(exchange, request, EntraError(50058))
    exchange.tenant_name, exchange.version = pending.tenant_name, pending.version
    try:
        endings = device.ENDINGS if pending.device else _ENDINGS
        return await pages_flow.advance(SignInFlow(exchange, pending), request, endings)
    except _ToApplication as refused:
        return _refuse(exchange, request, pending.parameters, refused.problem)


async def _read_parameters(exchange: Exchange, request: Request) -> Parameters:
    await exchange.read_form_or_query(request, "authorize")
    request.state.notes.update(exchange.log_fields())
    return translate_authorization(exchange.form) if exchange.version == 1 else exchange.form


def _checked(exchange: Exchange, parameters: Parameters) -> tuple[App, Parameters]:
    """The application, and the parameters with the redirect URI. Until both are certain, nothing may be sent there.

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
    """:raises EntraError: what is wrong with the request itself, which the application may be told."""
    front_channel.check(app, parameters)
    if (prompt := parameters.get("prompt")) not in _PROMPTS:
        raise EntraError(90023, reason=f"Unsupported 'prompt' value '{prompt}'")
    _check_challenge(app, parameters)
    parse(parameters["scope"])
    check_resource_parameter(parameters)
    claims_request(parameters)


def _check_challenge(app: App, parameters: Parameters) -> None:
    """Proof Key for Code Exchange (RFC 7636 section 4.2), which single-page applications have to use.

    :raises EntraError: 9002325 missing, 501491 of another length than 43 to 128, 50149 an unknown method.
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
    """Go as far as no person is needed; then show a page, unless the request allows none."""
    flow = SignInFlow(exchange, pending)
    prompt = pending.parameters.get("prompt", "")
    session = pages_flow.session_of(exchange, request)
    hint = hinted(exchange, pending.parameters.get("login_hint")).lower()
    if session and prompt not in ("login", "select_account") and flow.fits(session, hint):
        flow.enter(session)
    token = exchange.world.interaction.add_pending(pending)
    if prompt == "none":
        return _silently(flow, request, token)
    return pages_flow.next_page(flow, request, token, _ENDINGS, session=session)


def _silently(flow: SignInFlow, request: Request, token: str) -> Response:
    """prompt=none: an answer at once. What a page would be needed for is interaction_required."""
    try:
        stop = flow.stop()
    except EntraError as problem:
        if problem.definition.error == "invalid_grant":  # here nothing was granted yet
            problem.as_error = "interaction_required"
        raise _ToApplication(problem) from None
    if stop == "sign-in":
        raise _ToApplication(EntraError(70044 if flow.pending.user else 50058))
    if stop in _UNMET:
        resource = flow.requested.resource or ""
        raise _ToApplication(EntraError(_UNMET[stop], as_error="interaction_required", resource=resource))
    if stop != "done":
        app = flow.app
        raise _ToApplication(EntraError(65001, as_error="interaction_required", app=app.id, app_name=app.name))
    return _complete(flow, request, token)


def _complete(flow: SignInFlow, _request: Request, token: str) -> Response:
    """The sign-in is complete: a code, or tokens, for the application, and a session for the browser."""
    exchange, parameters = flow.exchange, flow.pending.parameters
    answer: dict[str, str] = {}
    if front_channel.CODE in front_channel.response_types(parameters):
        answer["code"] = exchange.world.interaction.add_code(_code(flow))
    answer |= front_channel.front_channel_tokens(flow, answer.get("code", ""))
    if parameters.get("client_info") == "1":
        answer["client_info"] = flow.client_info()
    answer |= _state(parameters) | {"session_state": exchange.trace_id}
    interaction = exchange.world.interaction
    interaction.pending_sign_ins.pop(token, None)
    return _back(exchange, parameters, answer, interaction.add_session(flow.identity))


def _code(flow: SignInFlow) -> AuthorizationCode:
    parameters = flow.pending.parameters
    return AuthorizationCode(
        app=flow.pending.app,
        who=flow.identity,
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
    """The person said no."""
    flow.exchange.world.interaction.pending_sign_ins.pop(token, None)
    raise _ToApplication(EntraError(65004))


def _refuse(exchange: Exchange, request: Request, parameters: Parameters, problem: EntraError) -> Response:
    request.state.notes["aadsts"] = problem.code
    body = exchange.error_body(problem)
    answer = {name: str(body[name]) for name in ("error", "error_description", "error_uri", "suberror") if name in body}
    return _back(exchange, parameters, answer | _state(parameters), "")


def _state(parameters: Parameters) -> dict[str, str]:
    return {"state": parameters["state"]} if "state" in parameters else {}


def _back(exchange: Exchange, parameters: Parameters, answer: dict[str, str], cookie: str) -> Response:
    """To the application, in the way it asked for."""
    response_mode = front_channel.response_mode(parameters)
    if response_mode == "form_post":
        return pages_flow.by_form(exchange, parameters["redirect_uri"], answer, cookie)
    return pages_flow.redirect(exchange, with_answer(parameters["redirect_uri"], answer, response_mode), cookie)


_PROMPTS = ("", "login", "none", "consent", "select_account", "create", "admin_consent")
_UNMET = {"second-factor": 50076, "security-key": 50074, "terms": 50158}
_ENDINGS = {"done": _complete, "declined": _decline}
