"""Sign-out in the browser, by GET or by a form's POST.

Sources: OpenID Connect RP-Initiated Logout 1.0 section 2, Front-Channel Logout 1.0;
learn.microsoft.com/entra/identity-platform/v2-protocols-oidc, "Send a sign-out request" and "Single sign-out". Entra
adds `sid` to an application's logout URL and no `iss`. Refresh tokens stay valid.
"""

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.aadsts import EntraError
from entra_emulator.interaction import BrowserSession
from entra_emulator.pages import layout, outcome

from . import pages_flow
from .exchange import Exchange
from .redirects import registered_as, with_answer


async def logout(request: Request) -> Response:
    """GET or POST /{tenant}/oauth2/v2.0/logout"""
    exchange = Exchange.of(request)
    try:
        await exchange.read_form_or_query(request, "logout")
    except EntraError as problem:
        return pages_flow.failed(exchange, request, problem)
    session = exchange.world.interaction.sessions.pop(request.cookies.get(pages_flow.COOKIE, ""), None)
    frames, onward = _logout_urls(exchange, session), _redirect_uri(exchange)
    if onward and not frames:
        return pages_flow.redirect(exchange, onward, "-")
    nonce = layout.new_nonce() if onward else ""
    page = outcome.signed_out(frames, onward, nonce)
    return pages_flow.html(exchange, page, script=nonce, cookie="-", frames=sorted({_origin(url) for url in frames}))


def _logout_urls(exchange: Exchange, session: BrowserSession | None) -> list[str]:
    """Return the logout URL of each application that the user has signed in to in this session."""
    if session is None:
        return []
    apps = [exchange.world.state.app(app) for app in session.apps]
    return [
        with_answer(app.logout_url, {"sid": session.identity.sid}, "query") for app in apps if app and app.logout_url
    ]


def _redirect_uri(exchange: Exchange) -> str:
    """Where the browser goes afterwards: a redirect URI that some application has registered, "" for nowhere."""
    wanted, state = exchange.form.get("post_logout_redirect_uri"), exchange.form.get("state")
    if wanted and any(registered_as(app, wanted) for app in exchange.world.state.every_app):
        return with_answer(wanted, {"state": state} if state else {}, "query")
    return ""


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
