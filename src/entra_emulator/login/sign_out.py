"""Sign-out in the browser (OpenID Connect RP-Initiated Logout 1.0 section 2: by GET or by a form's POST).

Source: learn.microsoft.com/entra/identity-platform/v2-protocols-oidc, "Send a sign-out request". Refresh tokens stay
valid.
"""

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.aadsts import EntraError
from entra_emulator.pages import outcome

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
    exchange.world.interaction.sessions.pop(request.cookies.get(pages_flow.COOKIE, ""), None)
    wanted, state = exchange.form.get("post_logout_redirect_uri"), exchange.form.get("state")
    if wanted and any(registered_as(app, wanted) for app in exchange.world.state.every_app):
        return pages_flow.redirect(exchange, with_answer(wanted, {"state": state} if state else {}, "query"), "-")
    text = "Close all browser windows too."
    return pages_flow.html(exchange, outcome.done("You signed out of your account", text), cookie="-")
