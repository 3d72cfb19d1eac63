"""The authorization endpoint, and where its pages post to.

Sources: RFC 6749 section 4.1, OpenID Connect Core section 3.1.2, RFC 7636;
learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow. What cannot be said to the application, because
who it is or where it lives is in doubt, is said on a page.
"""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.aadsts import EntraError
from entra_emulator.interaction import AuthorizationCode, PendingSignIn
from entra_emulator.model import App

from . import device, front_channel, pages_flow
from .client_auth import find_app
from .exchange import Exchange
from .redirects import registered_as, with_answer
from .scopes import parse
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
        parameters = await _parameters(exchange, request)
        if exchange.version == 1:
            parameters = translate_authorization(parameters)
        app = _checked(exchange, parameters)
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
        await exchange.read_form(request)
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


async def _parameters(exchange: Exchange, request: Request) -> dict[str, str]:
    if request.method == "POST":
        await exchange.read_form(request)
        return dict(exchange.form)
    pairs = request.query_params.multi_items()
    for name, _ in pairs:
        if len(request.query_params.getlist(name)) > 1:
            raise EntraError(9000411, parameter=name)
    return dict(pairs)


def _checked(exchange: Exchange, parameters: dict[str, str]) -> App:
    """Who asks, and where the answer goes. Until both are sure nothing may be sent there.

    :raises EntraError: 900144, 700016, 7000112, 50011, 500113, 90002, 900023.
    """
    tenant = exchange.tenant()
    for name in ("client_id", "scope"):
        if not parameters.get(name, "").strip():
            raise EntraError(900144, parameter=name)
    app = find_app(exchange, parameters["client_id"], tenant)
    known = [*app.redirect_uris, *app.spa_redirect_uris]
    if not known:
        raise EntraError(500113)
    parameters.setdefault("redirect_uri", known[0])
    if registered_as(app, parameters["redirect_uri"]) is None:
        raise EntraError(50011, redirect_uri=parameters["redirect_uri"], app=app.id)
    return app


def _check_request(app: App, parameters: dict[str, str]) -> None:
    """:raises EntraError: what is wrong with the request itself, which the application may be told."""
    front_channel.check(app, parameters)
    spa = registered_as(app, parameters["redirect_uri"]) == "spa"
    if spa and front_channel.CODE in front_channel.response_types(parameters) and not parameters.get("code_challenge"):
        raise EntraError(9002325)
    parse(parameters["scope"])


def _begin(exchange: Exchange, request: Request, pending: PendingSignIn) -> Response:
    """Go as far as no person is needed; then show a page, unless the request allows none."""
    flow = SignInFlow(exchange, pending)
    prompt = pending.parameters.get("prompt", "")
    session = pages_flow.session_of(exchange, request)
    hint = pending.parameters.get("login_hint", "").lower()
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


def _refuse(exchange: Exchange, request: Request, parameters: dict[str, str], problem: EntraError) -> Response:
    request.state.notes["aadsts"] = problem.code
    body: Mapping[str, Any] = exchange.error_body(problem)
    answer = {name: str(body[name]) for name in ("error", "error_description", "error_uri", "suberror") if name in body}
    return _back(exchange, parameters, answer | _state(parameters), "")


def _state(parameters: Mapping[str, str]) -> dict[str, str]:
    return {"state": parameters["state"]} if "state" in parameters else {}


def _back(exchange: Exchange, parameters: dict[str, str], answer: dict[str, str], cookie: str) -> Response:
    """To the application, in the way it asked for."""
    response_mode = front_channel.response_mode(parameters)
    if response_mode == "form_post":
        return pages_flow.by_form(exchange, parameters["redirect_uri"], answer, cookie)
    return pages_flow.redirect(exchange, with_answer(parameters["redirect_uri"], answer, response_mode), cookie)


_UNMET = {"second-factor": 50076, "security-key": 50074, "terms": 50158}
_ENDINGS = {"done": _complete, "declined": _decline}
