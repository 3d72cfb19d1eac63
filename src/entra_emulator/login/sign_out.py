"""Signing out of the browser (OpenID Connect RP-Initiated Logout 1.0).

Source: learn.microsoft.com/entra/identity-platform/v2-protocols-oidc, "Send a sign-out request". Refresh tokens stay as
they are.
"""

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.pages import outcome

from . import pages_flow
from .exchange import Exchange
from .redirects import registered_as, with_answer


async def logout(request: Request) -> Response:
    """GET or POST /{tenant}/oauth2/v2.0/logout"""
    exchange = Exchange.of(request)
    exchange.world.interaction.sessions.pop(request.cookies.get(pages_flow.COOKIE, ""), None)
    wanted = request.query_params.get("post_logout_redirect_uri", "")
    state = request.query_params.get("state", "")
    if wanted and any(registered_as(app, wanted) for app in exchange.world.state.apps.values()):
        return pages_flow.redirect(exchange, with_answer(wanted, {"state": state} if state else {}, "query"), "-")
    text = "Close all windows of the browser too."
    return pages_flow.html(exchange, outcome.done("You signed out of your account", text), cookie="-")
