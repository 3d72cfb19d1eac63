"""Call an API with the right token: one request, and once more when the API asks for a token with more claims."""

from __future__ import annotations

from mstoken.errors import UsageError
from mstoken.hidden import HiddenDict, HiddenText
from mstoken.protocol.challenge import challenged_claims
from mstoken.protocol.http import HttpRequest
from mstoken.rest.response import ApiResponse, Headers
from mstoken.texts import is_encodable
from mstoken.transports.outgoing import outgoing
from mstoken.typed import TYPE_CHECKING, Any
from mstoken.values import field, replace, value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mstoken.flows.port import Port
    from mstoken.model import TokenRequest
    from mstoken.protocol.http import HttpResponse

MAX_API_ANSWER = 256 * 1024 * 1024
"""An API's answer may be large; past this, in bytes, it is refused rather than filling the memory."""
_JSON_VALUES = "Use dictionaries with text as keys, lists, text, finite numbers, True, False and None."
_IDEMPOTENT = {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"}
"""Methods that do no more when they are done twice (RFC 9110 section 9.2.2)."""
_SET_HERE = {
    "authorization": "mstoken sets it to the token; choose the token by scope, tenant, client id or profile.",
    "host": "It follows from the URL.",
}
"""Headers, in lower case, that a caller cannot set, and why."""


@value
class ApiRequest:
    """What to ask of an API; the Authorization header is added by `call`. Text as body is sent as UTF-8.

    `json` is the body as a value, None for none. `timeout` limits each request, in seconds.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, secret=True)
    body: bytes | str = field(default=b"", secret=True)
    json: Any = field(default=None, secret=True)
    timeout: float | None = None


async def call(
    api: ApiRequest, token_request: TokenRequest, port: Port, context: Mapping[str, str] | None = None
) -> ApiResponse:
    """Send `api` with the token for `token_request`, whatever the status of the answer.

    A 401 whose challenge names claims is answered once with a token that has them
    (learn.microsoft.com/entra/identity-platform/claims-challenge). The origin must have been checked before. `context`
    completes the commands of the response's remedies.
    Raises UsageError, before anything is sent, for what HTTP cannot carry and for headers that are not the caller's to
    set; else what `port.token` raises, TransportError and UnreadableAnswer.
    """
    http = _http_request(api)
    response = await _send(http, token_request, port)
    claims = challenged_claims(response.headers.get("www-authenticate", "")) if response.status == 401 else ""
    if claims and claims != token_request.claims:
        response = await _send(http, replace(token_request, claims=claims), port)
    line = f"{http.method} {http.url.partition('?')[0]}"
    return ApiResponse(response.status, Headers(response.headers), response.body, line, context or {})


async def _send(http: HttpRequest, token_request: TokenRequest, port: Port) -> HttpResponse:
    token = await port.token(token_request)
    return await port.send(
        replace(http, headers={**http.headers, "Authorization": HiddenText(f"Bearer {token.token}")})
    )


def _http_request(api: ApiRequest) -> HttpRequest:
    """The request without its token, seen to be one that can be sent. Raises UsageError."""
    names = [str(name).lower() for name in api.headers]
    for name in names:
        if name in _SET_HERE:
            raise UsageError(f"The header {name} cannot be set.", _SET_HERE[name])
        if names.count(name) > 1:
            raise UsageError(f"The header {name} is given more than once.", "Give it once, values separated by commas.")
    if isinstance(api.body, str) and not is_encodable(api.body):
        raise UsageError("The body has a character that cannot be encoded in UTF-8.", "Give the body as bytes.")
    method: object = api.method  # whoever calls without a type checker may give anything
    if not isinstance(method, str):
        raise UsageError(f"{method!r} is not an HTTP method.", "Use GET, POST, PUT, PATCH, DELETE or HEAD.")
    method, body = method.upper(), api.body.encode() if isinstance(api.body, str) else api.body
    headers = HiddenDict(api.headers)
    if api.json is not None:
        body = _encoded(api, names, headers)
    if not {"accept-encoding", "range"} & set(names):
        headers["Accept-Encoding"] = "gzip"  # lists are many times smaller; a part of a file is not to be decoded
    http = HttpRequest(
        method,
        api.url,
        headers,
        body,
        MAX_API_ANSWER,
        timeout_in=api.timeout,
        repeatable=method in _IDEMPOTENT,
    )
    outgoing(http)
    return http


def _encoded(api: ApiRequest, names: list[str], headers: dict[str, str]) -> bytes:
    """Return the JSON body, and add its Content-Type if the caller gives none. Raises UsageError."""
    import json

    if api.body:
        raise UsageError("A request has one body: json and body exclude each other.", "Give one of them.")
    try:
        body = json.dumps(api.json, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"The value of json cannot be written as JSON: {type(error).__name__}.", _JSON_VALUES
        ) from None
    if "content-type" not in names:
        headers["Content-Type"] = "application/json"
    return body
