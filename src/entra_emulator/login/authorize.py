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
from entra_emulator.interaction import AuthorizationCode, Journey
from entra_emulator.model import App

from . import device, front_channel, showing
from .client_auth import find_app
from .exchange import Exchange
from .journey import Traveller
from .redirects import registered_as, with_answer
from .scopes import parse
from .version_one import translate_question


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
            parameters = translate_question(parameters)
        app = _checked(exchange, parameters)
    except EntraError as problem:
        return showing.failed(exchange, request, problem)
    try:
        _check_the_rest(app, parameters)
    except EntraError as problem:
        return _refuse(exchange, request, parameters, problem)
    try:
        return _begin(exchange, request, Journey(app.id, exchange.tenant_name, parameters, version=exchange.version))
    except _ToApplication as refused:
        return _refuse(exchange, request, parameters, refused.problem)


async def step(request: Request) -> Response:
    """POST /{tenant}/login: what a person sent from a page of a sign-in."""
    exchange = Exchange.of(request)
    try:
        await exchange.read_form(request)
        journey = exchange.world.interaction.journeys.get(exchange.form.get("flow", ""))
    except EntraError as problem:
        return showing.failed(exchange, request, problem)
    if journey is None:
        return showing.failed(exchange, request, EntraError(50058))
    exchange.tenant_name, exchange.version = journey.tenant_name, journey.version
    try:
        endings = device.ENDINGS if journey.device else _ENDINGS
        return await showing.advance(Traveller(exchange, journey), request, endings)
    except _ToApplication as refused:
        return _refuse(exchange, request, journey.parameters, refused.problem)


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


def _check_the_rest(app: App, parameters: dict[str, str]) -> None:
    """:raises EntraError: what is wrong with the request itself, which the application may be told."""
    front_channel.check(app, parameters)
    spa = registered_as(app, parameters["redirect_uri"]) == "spa"
    if spa and front_channel.CODE in front_channel.kinds(parameters) and not parameters.get("code_challenge"):
        raise EntraError(9002325)
    parse(parameters["scope"])


def _begin(exchange: Exchange, request: Request, journey: Journey) -> Response:
    """Go as far as no person is needed; then show a page, unless the request allows none."""
    traveller = Traveller(exchange, journey)
    prompt = journey.parameters.get("prompt", "")
    session = showing.session_of(exchange, request)
    hint = journey.parameters.get("login_hint", "").lower()
    if session and prompt not in ("login", "select_account") and traveller.fits(session, hint):
        traveller.enter(session)
    token = exchange.world.interaction.add_journey(journey)
    if prompt == "none":
        return _silently(traveller, request, token)
    return showing.next_page(traveller, request, token, _ENDINGS, session=session)


def _silently(traveller: Traveller, request: Request, token: str) -> Response:
    """prompt=none: an answer at once. What a page would be needed for is interaction_required."""
    try:
        stop = traveller.stop()
    except EntraError as problem:
        if problem.definition.error == "invalid_grant":  # here nothing was granted yet
            problem.as_error = "interaction_required"
        raise _ToApplication(problem) from None
    if stop == "sign-in":
        raise _ToApplication(EntraError(70044 if traveller.journey.user else 50058))
    if stop in _UNMET:
        resource = traveller.asked.resource or ""
        raise _ToApplication(EntraError(_UNMET[stop], as_error="interaction_required", resource=resource))
    if stop != "done":
        app = traveller.app
        raise _ToApplication(EntraError(65001, as_error="interaction_required", app=app.id, app_name=app.name))
    return _complete(traveller, request, token)


def _complete(traveller: Traveller, _request: Request, token: str) -> Response:
    """The sign-in is complete: a code, or tokens, for the application, and a session for the browser."""
    exchange, parameters = traveller.exchange, traveller.journey.parameters
    answer: dict[str, str] = {}
    if front_channel.CODE in front_channel.kinds(parameters):
        answer["code"] = exchange.world.interaction.add_code(_code(traveller))
    answer |= front_channel.handed_out(traveller, answer.get("code", ""))
    if parameters.get("client_info") == "1":
        answer["client_info"] = traveller.client_info()
    answer |= _state(parameters) | {"session_state": exchange.trace_id}
    interaction = exchange.world.interaction
    interaction.journeys.pop(token, None)
    return _back(exchange, parameters, answer, interaction.add_session(traveller.identity))


def _code(traveller: Traveller) -> AuthorizationCode:
    parameters = traveller.journey.parameters
    return AuthorizationCode(
        app=traveller.journey.app,
        who=traveller.identity,
        tenant=traveller.tenant.id,
        scopes=parameters["scope"],
        redirect_uri=parameters["redirect_uri"],
        challenge=parameters.get("code_challenge", ""),
        method=parameters.get("code_challenge_method", "plain"),
        nonce=parameters.get("nonce", ""),
        issued_on=traveller.exchange.world.clock.now(),
        spa=registered_as(traveller.app, parameters["redirect_uri"]) == "spa",
    )


def _decline(traveller: Traveller, _request: Request, token: str) -> Response:
    """The person said no."""
    traveller.exchange.world.interaction.journeys.pop(token, None)
    raise _ToApplication(EntraError(65004))


def _refuse(exchange: Exchange, request: Request, parameters: dict[str, str], problem: EntraError) -> Response:
    request.state.notes["aadsts"] = problem.code
    body: Mapping[str, Any] = exchange.refusal(problem)
    answer = {name: str(body[name]) for name in ("error", "error_description", "error_uri", "suberror") if name in body}
    return _back(exchange, parameters, answer | _state(parameters), "")


def _state(parameters: Mapping[str, str]) -> dict[str, str]:
    return {"state": parameters["state"]} if "state" in parameters else {}


def _back(exchange: Exchange, parameters: dict[str, str], answer: dict[str, str], cookie: str) -> Response:
    """To the application, in the way it asked for."""
    mode = front_channel.mode(parameters)
    if mode == "form_post":
        return showing.by_form(exchange, parameters["redirect_uri"], answer, cookie)
    return showing.redirect(exchange, with_answer(parameters["redirect_uri"], answer, mode), cookie)


_UNMET = {"second-factor": 50076, "security-key": 50074, "terms": 50158}
_ENDINGS = {"done": _complete, "declined": _decline}
