"""Call an API with the right token: one request, and once more when the API asks for a token with more claims."""

from __future__ import annotations

from mstoken.flows.get_token import get_token
from mstoken.protocol.challenge import challenged_claims
from mstoken.protocol.http import HttpRequest
from mstoken.typed import TYPE_CHECKING
from mstoken.values import field, replace, value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mstoken.flows.port import Port
    from mstoken.model import TokenRequest
    from mstoken.protocol.http import HttpResponse

MAX_API_ANSWER = 256 * 1024 * 1024
"""An API's answer may be large; past this, in bytes, it is refused rather than filling the memory."""
_IDEMPOTENT = {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"}
"""Methods that do no more when they are done twice (RFC 9110 section 9.2.2)."""


@value
class ApiRequest:
    """What to ask of an API; the Authorization header is added by `call`."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


async def call(api: ApiRequest, token_request: TokenRequest, port: Port) -> HttpResponse:
    """Send `api` with the token for `token_request`, whatever the status of the answer.

    A 401 whose challenge names claims is answered once with a token that has them
    (learn.microsoft.com/entra/identity-platform/claims-challenge). The origin must have been checked before.
    Raises what `get_token` raises, TransportError and UnreadableAnswer.
    """
    response = await _send(api, token_request, port)
    claims = challenged_claims(response.headers.get("www-authenticate", "")) if response.status == 401 else ""
    if claims and claims != token_request.claims:
        response = await _send(api, replace(token_request, claims=claims), port)
    return response


async def _send(api: ApiRequest, token_request: TokenRequest, port: Port) -> HttpResponse:
    token = await get_token(token_request, port)
    headers = {**api.headers, "Authorization": f"Bearer {token.token}"}
    repeatable = api.method.upper() in _IDEMPOTENT
    return await port.send(HttpRequest(api.method, api.url, headers, api.body, MAX_API_ANSWER, repeatable=repeatable))
