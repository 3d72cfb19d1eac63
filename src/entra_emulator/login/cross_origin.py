"""Single-page applications: what a browser may redeem from another origin, and what only a browser may.

Sources: learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow#redirect-uris-for-single-page-apps-spas;
Fetch standard, CORS protocol.
"""

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.aadsts import EntraError
from entra_emulator.web import dated

from .exchange import CROSS_ORIGIN, Exchange


def check_origin(exchange: Exchange, *, spa: bool) -> None:
    """What was given to a redirect URI of the type `spa` is redeemed by a page, and nothing else is.

    :raises EntraError: 9002326 a page with what is not for pages, 9002327 no page with what is for pages.
    """
    if exchange.origin and not spa:
        raise EntraError(9002326)
    if spa and not exchange.origin:
        raise EntraError(9002327)


async def preflight(request: Request) -> Response:
    """OPTIONS at the token endpoint: a page may post, with whatever headers it says it will send."""
    exchange = Exchange.of(request)
    wanted = request.headers.get("access-control-request-headers", "")
    headers = [*CROSS_ORIGIN, ("Access-Control-Max-Age", "86400"), *exchange.common_headers()]
    if wanted:
        headers.append(("Access-Control-Allow-Headers", wanted))
    return dated(exchange.world, b"", 200, headers)
