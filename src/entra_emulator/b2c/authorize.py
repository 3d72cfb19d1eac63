"""The authorization endpoint of a user flow, the endpoint to which its pages post, and sign-out.

Sources: learn.microsoft.com/azure/active-directory-b2c/authorization-code-flow, .../openid-connect,
.../implicit-flow-single-page-application, and .../troubleshoot for canceled sign-ins and forgotten passwords. Until
the application and its redirect URI are verified, errors are shown on a page.
"""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.aadsts import EntraError
from entra_emulator.clock import timestamp
from entra_emulator.ids import new_id
from entra_emulator.interaction import BrowserSession, Identity, PendingSignIn
from entra_emulator.login.front_channel import CODE, ID_TOKEN, TOKEN, response_mode, response_types
from entra_emulator.login.redirects import registered_as, with_answer
from entra_emulator.model import App, User
from entra_emulator.pages import layout, outcome, user_flow
from entra_emulator.parameters import Parameters
from entra_emulator.web import dated

from .errors import B2CError
from .front_channel import fields_of
from .grants import find_user, is_spa, local_account
from .journey import Journey
from .scopes import parse

STEP = "/login"
COOKIE = "x-ms-cpim-sso"
_MODES = ("", "query", "fragment", "form_post")
_PROMPTS = ("", "none", "login", "consent", "select_account")
_ENDED = "The sign-in has ended. Go back to the application and begin again."


async def authorize(request: Request) -> Response:
    """GET or POST …/oauth2/v2.0/authorize"""
    journey = Journey.of(request)
    exchange = journey.exchange
    try:
        await exchange.read_form_or_query(request, "authorize")
        app, parameters = _checked(journey, exchange.form)
    except (B2CError, EntraError) as problem:
        return _failed(journey, str(problem))
    request.state.notes.update(exchange.log_fields())
    try:
        _check_request(app, parameters)
        return _begin(journey, request, app, parameters)
    except B2CError as problem:
        return _refuse(journey, parameters, problem)


async def submit(request: Request) -> Response:
    """POST …/login: the form of a page."""
    journey = Journey.of(request)
    exchange = journey.exchange
    try:
        await exchange.read_form(request, "page")
    except EntraError as problem:
        return _failed(journey, str(problem))
    token = exchange.form.get("flow")
    pending = exchange.world.interaction.pending_sign_ins.get(token)
    if pending is None or pending.user_flow != journey.flow.name:
        return _failed(journey, _ENDED)
    try:
        return _apply(journey, request, token, pending)
    except B2CError as problem:
        exchange.world.interaction.pending_sign_ins.pop(token, None)
        return _refuse(journey, pending.parameters, problem)


async def logout(request: Request) -> Response:
    """GET or POST …/oauth2/v2.0/logout: end the browser's session."""
    journey = Journey.of(request)
    exchange = journey.exchange
    try:
        await exchange.read_form_or_query(request, "logout")
    except EntraError as problem:
        return _failed(journey, str(problem))
    exchange.world.interaction.sessions.pop(request.cookies.get(COOKIE, ""), None)
    wanted, state = exchange.form.get("post_logout_redirect_uri"), exchange.form.get("state")
    apps = [app for app in exchange.world.state.apps.values() if app.tenant == journey.tenant.id]
    if wanted and any(registered_as(app, wanted) for app in apps):
        return _redirect(journey, with_answer(wanted, {"state": state} if state else {}, "query"), "-")
    return _html(journey, outcome.signed_out(), cookie="-")


def _checked(journey: Journey, parameters: Parameters) -> tuple[App, Parameters]:
    """Return the application, and the parameters with the redirect URI. Nothing may be sent there before this check.

    :raises B2CError: 90008, 90018, 90007 no redirect URI is registered, 90006 another one is, 90013 no browser flow.
    """
    app = journey.app(parameters.get("client_id"))
    known = [*app.redirect_uris, *app.spa_redirect_uris]
    if not known:
        raise B2CError(90007, app=app.id)
    wanted = parameters.get("redirect_uri") or known[0]
    if registered_as(app, wanted) is None:
        raise B2CError(90006, redirect_uri=wanted, app=app.id)
    if journey.flow.kind == "ropc":
        raise B2CError(90013, response_type=parameters.get("response_type"))
    return app, parameters.replaced(redirect_uri=wanted)


def _check_request(app: App, parameters: Parameters) -> None:
    """:raises B2CError: an error in the request itself, which is sent to the application."""
    requested = response_types(parameters)
    if not requested:
        raise B2CError(90083, parameter="response_type")
    if any(kind not in (CODE, TOKEN, ID_TOKEN) for kind in requested):
        raise B2CError(90013, response_type=parameters.get("response_type"))
    if parameters.get("response_mode") not in _MODES:
        raise B2CError(90014, response_mode=parameters.get("response_mode"))
    if parameters.get("prompt") not in _PROMPTS:
        raise B2CError(90043)
    if (TOKEN in requested and not app.access_tokens) or (ID_TOKEN in requested and not app.id_tokens):
        raise B2CError(90057)
    _check_scope(app, parameters, requested)
    if parameters.get("code_challenge_method", "plain") not in ("plain", "S256"):
        raise B2CError(90184)
    if CODE in requested and is_spa(app, parameters["redirect_uri"]) and not parameters.get("code_challenge"):
        raise B2CError(99059)


def _check_scope(app: App, parameters: Parameters, requested: list[str]) -> None:
    """:raises B2CError: the scope does not have what the response types need."""
    scope = parse(parameters.get("scope"), app)
    if ID_TOKEN in requested and "openid" not in scope.oidc:
        raise B2CError(90110)
    if TOKEN in requested and not scope.wants_access:
        raise B2CError(90055, scope=scope.text)
    if CODE in requested and not scope.wants_access and "openid" not in scope.oidc:
        raise B2CError(90115)


def _begin(journey: Journey, request: Request, app: App, parameters: Parameters) -> Response:
    """Use the browser's session, if there is one; then show a page, unless prompt=none forbids it."""
    session, prompt = _session(journey, request), parameters.get("prompt")
    pending = PendingSignIn(app.id, journey.exchange.tenant_name, parameters, user_flow=journey.flow.name)
    if session and prompt not in ("login", "select_account") and journey.flow.kind == "sign_in":
        return _complete(journey, request, pending, session.identity)
    if prompt == "none":
        raise B2CError(90077)
    token = journey.exchange.world.interaction.add_pending(pending)
    return _page(journey, token, pending, parameters.get("login_hint"))


def _apply(journey: Journey, request: Request, token: str, pending: PendingSignIn) -> Response:
    """Do what the form says.

    :raises B2CError: what goes to the application: 90091 canceled, 90118 the password is forgotten, 90205.
    """
    form, interaction = journey.exchange.form, journey.exchange.world.interaction
    choice, username = form.get("choice"), form.get("username").strip()
    if choice == "cancel":
        raise B2CError(90091)
    if choice == "reset" and journey.flow.reset_by_error:
        raise B2CError(90118)
    if choice == "reset":
        return _page(journey, token, pending, username, reset=True)
    resets = choice == "new-password" and (journey.flow.kind == "password_reset" or not journey.flow.reset_by_error)
    try:
        user = _with_new_password(journey, username, form.get("password")) if resets else None
        user = user or find_user(journey, username, form.get("password"))
    except B2CError as problem:
        return _page(journey, token, pending, username, wrong=problem.message, reset=resets)
    now = journey.exchange.world.clock.now()
    interaction.pending_sign_ins.pop(token, None)
    return _complete(journey, request, pending, Identity(user.id, journey.tenant.id, ("pwd",), now, new_id()))


def _with_new_password(journey: Journey, username: str, password: str) -> User:
    """Give a user another password.

    :raises B2CError: 90225 for an unknown user, or without a password.
    """
    user = local_account(journey, username)
    if user is None or not password:
        raise B2CError(90225)
    user.password, user.failed_sign_ins, user.locked_until, user.password_expired = password, 0, 0.0, False
    return user


def _complete(journey: Journey, request: Request, pending: PendingSignIn, identity: Identity) -> Response:
    """Send a code or tokens to the application, and start a session for the browser."""
    app = journey.app(pending.app)
    fields = fields_of(journey, app, pending.parameters, identity)
    cookie = journey.exchange.world.interaction.signed_in(identity, app.id, request.cookies.get(COOKIE, ""))
    return _respond(journey, pending.parameters, fields, cookie)


def _session(journey: Journey, request: Request) -> BrowserSession | None:
    """Return the browser's session in the tenant, which all of its user flows share."""
    session = journey.exchange.world.interaction.sessions.get(request.cookies.get(COOKIE, ""))
    user = journey.tenant.user(session.identity.user) if session else None
    valid = session and user and user.enabled and user.tokens_valid_from <= session.identity.signed_in_on
    return session if valid else None


def _page(
    journey: Journey, token: str, pending: PendingSignIn, username: str, *, wrong: str = "", reset: bool = False
) -> Response:
    action, app = f"{journey.path}{STEP}", journey.app(pending.app)
    if reset or journey.flow.kind == "password_reset":
        return _html(journey, user_flow.reset_password(action, token, username=username, wrong=wrong))
    hint = (
        f"In this emulator, users have the password “{journey.exchange.world.state.settings.password}” "
        "unless the configuration gives them another."
    )
    return _html(journey, user_flow.sign_in(action, token, app.name, username=username, wrong=wrong, hint=hint))


def _refuse(journey: Journey, parameters: Parameters, problem: B2CError) -> Response:
    return _respond(journey, parameters, journey.error_fields(problem))


def _respond(journey: Journey, parameters: Parameters, fields: Mapping[str, str], cookie: str = "") -> Response:
    """Send a response to the redirect URI, in the requested response mode."""
    answer = {**({"state": parameters["state"]} if "state" in parameters else {}), **fields}
    mode, redirect_uri = response_mode(parameters), parameters["redirect_uri"]
    if mode == "form_post":
        nonce = layout.new_nonce()
        return _html(journey, outcome.form_post(redirect_uri, answer, nonce), script=nonce, cookie=cookie)
    return _redirect(journey, with_answer(redirect_uri, answer, mode), cookie)


def _failed(journey: Journey, message: str) -> Response:
    """Return the page for an error that cannot go to the application."""
    exchange = journey.exchange
    facts = {"Correlation ID": exchange.correlation_id, "Timestamp": timestamp(exchange.world.clock.now())}
    return _html(journey, outcome.error(message, facts), 400)


def _html(journey: Journey, text: str, status: int = 200, *, script: str = "", cookie: str = "") -> Response:
    headers = [*layout.headers(script), *journey.common_headers(), *_cookie(cookie)]
    return dated(journey.exchange.world, text.encode(), status, headers)


def _redirect(journey: Journey, location: str, cookie: str) -> Response:
    headers = [("Location", location), ("Cache-Control", "no-store"), *journey.common_headers(), *_cookie(cookie)]
    return dated(journey.exchange.world, b"", 302, headers)


def _cookie(value: str) -> list[tuple[str, str]]:
    return [("Set-Cookie", f"{COOKIE}={value}; path=/; secure; HttpOnly; SameSite=None")] if value else []
