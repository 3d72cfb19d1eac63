"""Single-page applications: check the origin of a request that redeems a code or a token.

Sources: learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow#redirect-uris-for-single-page-apps-spas;
Fetch standard, CORS protocol.
"""

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.aadsts import EntraError
from entra_emulator.web import dated

from .exchange import CROSS_ORIGIN, Exchange


def check_origin(exchange: Exchange, *, spa: bool) -> None:
    """Check that a page redeems a code or token of a redirect URI of type `spa`, and no other.

    :raises EntraError: 9002326 a page redeems another type, 9002327 a client that is not a page redeems type `spa`.
    """
    if exchange.origin and not spa:
        raise EntraError(9002326)
    if spa and not exchange.origin:
        raise EntraError(9002327)


async def preflight(request: Request) -> Response:
    """OPTIONS at the token endpoint: allow a page to post, with all headers that it names."""
    exchange = Exchange.of(request)
    wanted = request.headers.get("access-control-request-headers", "")
    headers = [*CROSS_ORIGIN, ("Access-Control-Max-Age", "86400"), *exchange.common_headers()]
    if wanted:
        headers.append(("Access-Control-Allow-Headers", wanted))
    return dated(exchange.world, b"", 200, headers)
