"""From a journey to its next page, and from what a page sent to the journey's next step."""

from collections.abc import Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.aadsts import EntraError
from entra_emulator.clock import timestamp
from entra_emulator.conditions import SECURITY_KEY
from entra_emulator.interaction import Identity
from entra_emulator.pages import consent as consent_pages
from entra_emulator.pages import device as device_pages
from entra_emulator.pages import layout, outcome, second_factor, terms
from entra_emulator.pages import sign_in as sign_in_pages
from entra_emulator.parameters import Parameters
from entra_emulator.web import dated

from .accounts import hinted
from .exchange import Exchange
from .sign_in_flow import SignInFlow, WrongAccountKind

COOKIE = "ESTSAUTH"
STEP = "/login"

Ending = Callable[[SignInFlow, Request, str], Response]
Endings = Mapping[str, Ending]
"""What to do when the journey is `done` or `declined`: that differs between an application and a device."""


def html(exchange: Exchange, text: str, status: int = 200, script: str = "", cookie: str = "") -> Response:
    """A page, with a session for the browser if there is a new one."""
    return dated(exchange.world, text.encode(), status, [*layout.headers(script), *_headers(exchange, cookie)])


def redirect(exchange: Exchange, location: str, cookie: str = "") -> Response:
    """Send the browser on."""
    headers = [("Location", location), ("Cache-Control", "no-store, no-cache"), ("Pragma", "no-cache")]
    return dated(exchange.world, b"", 302, [*headers, *_headers(exchange, cookie)])


def by_form(exchange: Exchange, redirect_uri: str, answer: Mapping[str, str], cookie: str) -> Response:
    """Send the browser on with the answer in the body of a POST."""
    nonce = layout.new_nonce()
    return html(exchange, outcome.back_by_form(redirect_uri, answer, nonce), script=nonce, cookie=cookie)


def failed(exchange: Exchange, request: Request, problem: EntraError) -> Response:
    """The page for a refusal that the application cannot be told."""
    request.state.notes["aadsts"] = problem.code
    facts = {
        "Request Id": exchange.trace_id,
        "Correlation Id": exchange.correlation_id,
        "Timestamp": timestamp(exchange.world.clock.now()),
    }
    return html(exchange, outcome.error(problem.message, facts), 400)


def session_of(exchange: Exchange, request: Request) -> Identity | None:
    """Who is signed in in this browser. Revoking a user's sessions ends these too."""
    session = exchange.world.interaction.sessions.get(request.cookies.get(COOKIE, ""))
    home = exchange.world.state.tenants.get(session.home) if session else None
    user = home.user(session.user) if home and session else None
    return session if session and user and user.tokens_valid_from <= session.signed_in_on else None


async def advance(flow: SignInFlow, request: Request, endings: Endings) -> Response:
    """Take what the person sent, and show what comes next."""
    form, token = flow.exchange.form, flow.exchange.form["flow"]
    if {form.get(name) for name in ("choice", "consent", "confirm", "terms")} & {"cancel", "no"}:
        return endings["declined"](flow, request, token)
    wrong = _take(flow, form, session_of(flow.exchange, request))
    return next_page(flow, request, token, endings, wrong=wrong)


def next_page(
    flow: SignInFlow,
    request: Request,
    token: str,
    endings: Endings,
    *,
    wrong: str = "",
    session: Identity | None = None,
) -> Response:
    """The page the person has to see next, or the end."""
    exchange, pending = flow.exchange, flow.pending
    try:
        stop = flow.stop()
        if pending.user and pending.device and not pending.confirmed:
            return html(exchange, device_pages.confirm(*_common(flow, token), flow.person[1].upn))
        if stop == "done":
            return endings["done"](flow, request, token)
        return html(exchange, _page(stop, flow, token, wrong, session))
    except EntraError as problem:
        return failed(exchange, request, problem)


def _take(flow: SignInFlow, form: Parameters, session: Identity | None) -> str:
    """Do what the form says; gives what is wrong with it, '' for nothing."""
    pending = flow.pending
    try:
        if "account" in form:
            _choose(flow, form["account"], session)
        elif form.get("choice") == "sign-in":
            flow.typed = form.get("username").strip()
            flow.sign_in(flow.typed, form.get("password"))
        elif form.get("factor") == "approve" and pending.user:
            flow.approve()
        elif form.get("factor") == "key" and pending.user and SECURITY_KEY in flow.person[1].methods:
            flow.use_key()
        elif form.get("terms") == "accept" and pending.user:
            flow.accept_terms()
        elif form.get("factor") == "deny":
            return EntraError(500121).message
        elif form.get("consent") == "accept" and pending.user:
            flow.consent(for_all=form.get("for_all") == "yes")
        elif form.get("confirm") == "yes":
            pending.confirmed = True
    except (EntraError, WrongAccountKind) as problem:
        return str(problem)
    return ""


def _choose(flow: SignInFlow, username: str, session: Identity | None) -> None:
    """An account of the picker: the one that is signed in goes on, another one has to sign in."""
    home = flow.exchange.world.state.tenants.get(session.home) if session else None
    user = home.user(session.user) if home and session else None
    if home and session and user and username == user.upn:
        if reason := flow.wrong_account_kind(home):
            raise WrongAccountKind(reason)
        flow.enter(session)
    else:
        flow.pending.parameters = flow.pending.parameters.replaced(login_hint=username, prompt="login")


def _page(stop: str, flow: SignInFlow, token: str, wrong: str, session: Identity | None) -> str:
    pending, common = flow.pending, _common(flow, token)
    if stop == "sign-in":
        if session and pending.parameters.get("prompt") == "select_account":
            home = flow.exchange.world.state.tenants[session.home]
            user = home.user(session.user)
            return sign_in_pages.pick_account(*common, [user.upn] if user else [])
        return sign_in_pages.sign_in(
            *common,
            username=flow.typed or _expected(flow),
            wrong=wrong,
            hint=f"In this emulator, users have the password “{flow.exchange.world.state.settings.password}” "
            "unless the configuration gives them another.",
        )
    (home, user), tenant = flow.person, flow.tenant
    if stop in ("second-factor", "security-key"):
        person = second_factor.Person(user.upn, home.name, key=stop == "security-key")
        return second_factor.second_factor(_action(flow), token, person, wrong=wrong)
    if stop == "terms":
        return terms.terms_of_use(*_common(flow, token), user.upn, tenant.name)
    request = consent_pages.Request(flow.app.name, user.upn, tenant.name, flow.wanted())
    if stop == "consent":
        return consent_pages.consent(_action(flow), token, request, for_all=flow.administers)
    return consent_pages.needs_admin(_action(flow), token, request)


def _expected(flow: SignInFlow) -> str:
    """The user name the sign-in page begins with: of who has to sign in again, or whom the application named."""
    pending = flow.pending
    return flow.person[1].upn if pending.user else hinted(flow.exchange, pending.parameters.get("login_hint"))


def _common(flow: SignInFlow, token: str) -> tuple[str, str, str]:
    """Where pages post to, what they carry along, and the application they speak of."""
    return _action(flow), token, flow.app.name


def _action(flow: SignInFlow) -> str:
    return f"/{flow.pending.tenant_name}{STEP}"


def _headers(exchange: Exchange, cookie: str) -> list[tuple[str, str]]:
    headers = exchange.common_headers()
    if cookie:
        headers.append(("Set-Cookie", f"{COOKIE}={cookie}; path=/; secure; HttpOnly; SameSite=None"))
    return headers
