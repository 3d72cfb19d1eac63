"""The pages of a sign-in: which one comes next, and what the form of the last one changes."""

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.aadsts import EntraError
from entra_emulator.clock import timestamp
from entra_emulator.conditions import SECURITY_KEY
from entra_emulator.interaction import BrowserSession
from entra_emulator.model import User
from entra_emulator.pages import consent as consent_pages
from entra_emulator.pages import device as device_pages
from entra_emulator.pages import layout, outcome, second_factor, terms
from entra_emulator.pages import sign_in as sign_in_pages
from entra_emulator.parameters import Parameters
from entra_emulator.web import dated

from .accounts import hinted
from .exchange import Exchange
from .sign_in_flow import SignInFlow, Step, WrongAccountKind
from .user_realm import find as find_realm
from .user_realm import is_federated

COOKIE = "ESTSAUTH"
STEP, RETURN = "/login", "/login.srf"

Outcome = Callable[[SignInFlow, Request, str], Response]
Outcomes = Mapping[str, Outcome]
"""How a sign-in ends when it is `done` or `declined`: for an application, a device, or an administrator's consent."""


def html(
    exchange: Exchange, text: str, status: int = 200, script: str = "", cookie: str = "", frames: Sequence[str] = ()
) -> Response:
    """Return a page. `cookie`: the new session's, "-" to end it, "" to leave it. `frames`: origins that it loads."""
    headers = [*layout.headers(script, frames), *_headers(exchange, cookie)]
    return dated(exchange.world, text.encode(), status, headers)


def redirect(exchange: Exchange, location: str, cookie: str = "") -> Response:
    """Redirect the browser."""
    headers = [("Location", location), ("Cache-Control", "no-store, no-cache"), ("Pragma", "no-cache")]
    return dated(exchange.world, b"", 302, [*headers, *_headers(exchange, cookie)])


def post_form(exchange: Exchange, redirect_uri: str, fields: Mapping[str, str], cookie: str) -> Response:
    """Return a page that posts the response to the application (response_mode=form_post)."""
    nonce = layout.new_nonce()
    return html(exchange, outcome.form_post(redirect_uri, fields, nonce), script=nonce, cookie=cookie)


def signed_out(exchange: Exchange) -> Response:
    """Return the page after a sign-out that leads nowhere."""
    return html(exchange, outcome.signed_out(), cookie="-")


def failed(exchange: Exchange, request: Request, problem: EntraError) -> Response:
    """Return the page for an error that cannot go to the application."""
    request.state.notes["aadsts"] = problem.code
    facts = {
        "Request Id": exchange.trace_id,
        "Correlation Id": exchange.correlation_id,
        "Timestamp": timestamp(exchange.world.clock.now()),
    }
    return html(exchange, outcome.error(problem.message, facts), 400)


def session_of(exchange: Exchange, request: Request) -> BrowserSession | None:
    """Return the session of the browser. Revoking a user's sessions ends it, too."""
    session = exchange.world.interaction.sessions.get(request.cookies.get(COOKIE, ""))
    user = _user_of(exchange, session)
    return session if session and user and user.tokens_valid_from <= session.identity.signed_in_on else None


def signed_in(flow: SignInFlow, request: Request) -> str:
    """Record that the browser is signed in to the application; returns the cookie of its session."""
    interaction = flow.exchange.world.interaction
    return interaction.signed_in(flow.identity, flow.app.id, request.cookies.get(COOKIE, ""))


def _user_of(exchange: Exchange, session: BrowserSession | None) -> User | None:
    home = exchange.world.state.tenants.get(session.identity.home) if session else None
    return home.user(session.identity.user) if home and session else None


async def submit(flow: SignInFlow, request: Request, endings: Outcomes) -> Response:
    """Apply the form that a page posted, and show the next page."""
    form, token = flow.exchange.form, flow.exchange.form["flow"]
    if {form.get(name) for name in ("choice", "consent", "confirm", "terms")} & {"cancel", "no"}:
        return endings["declined"](flow, request, token)
    wrong = _problem_with(flow, request)
    return next_page(flow, request, token, endings, wrong=wrong)


def next_page(
    flow: SignInFlow,
    request: Request,
    token: str,
    endings: Outcomes,
    *,
    wrong: str = "",
    session: BrowserSession | None = None,
) -> Response:
    """Return the next page of the sign-in, or its end."""
    exchange, pending = flow.exchange, flow.pending
    try:
        step = flow.next_step()
        if pending.user and pending.device and not pending.confirmed:
            return html(exchange, device_pages.confirm(*_common(flow, token), flow.account[1].upn))
        if step == "done":
            return endings["done"](flow, request, token)
        if step == "sign-in" and not wrong and (provider := _identity_provider(flow, token)):
            return redirect(exchange, provider)
        return html(exchange, _page(step, flow, token, wrong, session))
    except EntraError as problem:
        return failed(exchange, request, problem)


def _problem_with(flow: SignInFlow, request: Request) -> str:
    """Do what the form says; returns what is wrong with it, "" for nothing. The request log gets the code."""
    try:
        _apply(flow, flow.exchange.form, session_of(flow.exchange, request))
    except EntraError as problem:
        request.state.notes["aadsts"] = problem.code
        return problem.message
    except WrongAccountKind as problem:
        return str(problem)
    return ""


def _apply(flow: SignInFlow, form: Parameters, session: BrowserSession | None) -> None:
    """:raises EntraError: what the user entered is refused.
    :raises WrongAccountKind: the account is not of a kind that the application accepts."""
    pending = flow.pending
    if "account" in form:
        _choose(flow, form["account"], session)
    elif form.get("choice") == "sign-in":
        flow.typed = form.get("username").strip()
        if not is_federated(flow.exchange.world.state, flow.typed):
            flow.sign_in(flow.typed, form.get("password"))
    elif form.get("factor") == "approve" and pending.user:
        flow.approve()
    elif form.get("factor") == "key" and pending.user and SECURITY_KEY in flow.account[1].methods:
        flow.use_key()
    elif form.get("terms") == "accept" and pending.user:
        flow.accept_terms()
    elif form.get("factor") == "deny":
        raise EntraError(500121)
    elif form.get("consent") == "accept" and pending.user:
        flow.consent(for_all=form.get("for_all") == "yes")
    elif form.get("confirm") == "yes":
        pending.confirmed = True


def _choose(flow: SignInFlow, username: str, session: BrowserSession | None) -> None:
    """Continue with the account of the session, or ask another one to sign in."""
    user = _user_of(flow.exchange, session)
    if session and user and username == user.upn:
        if reason := flow.wrong_account_kind(flow.exchange.world.state.tenants[session.identity.home]):
            raise WrongAccountKind(reason)
        flow.continue_as(session.identity)
    else:
        flow.pending.parameters = flow.pending.parameters.replaced(login_hint=username, prompt="login")


def _page(step: Step, flow: SignInFlow, token: str, wrong: str, session: BrowserSession | None) -> str:
    if step == "sign-in":
        return _sign_in_page(flow, token, wrong, session)
    (home, user), tenant = flow.account, flow.tenant
    if step in ("second-factor", "security-key"):
        account = second_factor.Account(user.upn, home.name, key=step == "security-key")
        return second_factor.second_factor(_action(flow), token, account, wrong=wrong)
    if step == "terms":
        return terms.terms_of_use(*_common(flow, token), user.upn, tenant.name)
    request = consent_pages.Request(flow.app.name, user.upn, tenant.name, flow.listed())
    if step == "consent":
        return consent_pages.consent(_action(flow), token, request, for_all=flow.administers)
    return consent_pages.needs_admin(_action(flow), token, request)


def _sign_in_page(flow: SignInFlow, token: str, wrong: str, session: BrowserSession | None) -> str:
    pending, common = flow.pending, _common(flow, token)
    user = _user_of(flow.exchange, session)
    if user and pending.parameters.get("prompt") == "select_account":
        return sign_in_pages.pick_account(*common, [user.upn])
    return sign_in_pages.sign_in(
        *common,
        username=flow.typed or _expected(flow),
        wrong=wrong,
        hint=f"In this emulator, users have the password “{flow.exchange.world.state.settings.password}” "
        "unless the configuration gives them another.",
    )


def _identity_provider(flow: SignInFlow, token: str) -> str:
    """Return where a user of a federated domain enters the password, once the name is known; '' for other users.

    The identity provider sends the browser back to /login.srf, here by `wreply`, because the emulator has many names.
    """
    name = flow.typed or ("" if flow.pending.parameters.get("prompt") == "select_account" else _expected(flow))
    if not is_federated(flow.exchange.world.state, name):
        return ""
    back = f"{flow.exchange.site.authority}{RETURN}"
    return f"{find_realm(flow.exchange, name).sign_in_url}{quote(token)}&wreply={quote(back, '')}"


def _expected(flow: SignInFlow) -> str:
    """Return the user name that the sign-in page fills in: of the user who signs in again, or of the login_hint."""
    pending = flow.pending
    return flow.account[1].upn if pending.user else hinted(flow.exchange, pending.parameters.get("login_hint"))


def _common(flow: SignInFlow, token: str) -> tuple[str, str, str]:
    """Where a page posts to, the token of the sign-in, and the application's name."""
    return _action(flow), token, flow.app.name


def _action(flow: SignInFlow) -> str:
    return f"/{flow.pending.tenant_name}{STEP}"


def _headers(exchange: Exchange, cookie: str) -> list[tuple[str, str]]:
    headers = exchange.common_headers()
    if cookie:
        headers.append(("Set-Cookie", f"{COOKIE}={cookie}; path=/; secure; HttpOnly; SameSite=None"))
    return headers
