"""A request to an API: as the caller gives it, and as HTTP."""

from __future__ import annotations

from mstoken.errors import UsageError
from mstoken.hidden import HiddenDict
from mstoken.protocol.http import HttpRequest
from mstoken.rest.retry import RetryPolicy, api_headers, is_idempotent
from mstoken.texts import is_encodable
from mstoken.transports.outgoing import outgoing
from mstoken.typed import TYPE_CHECKING, Any
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mstoken.protocol.http import BodyReceiver
    from mstoken.rest.retry import ApiHeaders

MAX_API_ANSWER = 256 * 1024 * 1024
"""An API's answer may be large; past this, in bytes, it is refused rather than filling the memory."""
_JSON_VALUES = "Use dictionaries with text as keys, lists, text, finite numbers, True, False and None."
_SET_HERE = {
    "authorization": "mstoken sets it to the token; choose the token by scope, tenant, client id or profile.",
    "host": "It follows from the URL.",
}
"""Headers, in lower case, that a caller cannot set, and why."""


@value
class ApiRequest:
    """A request to an API; `call` adds the Authorization header. A body of text is sent as UTF-8.

    `json` is the body as a value, None for none. `timeout` limits each request, in seconds. `service` is the name of
    the API's service in the catalogue, '' for another one. `follow_tenant`: if Azure Resource Manager names another
    tenant, get the token there. `anonymous`: send no token. `receiver` takes the body of a response; with it,
    or with `renews_timeout`, `timeout` is that of each wait for bytes. `line` is the request in words, if its URL is a
    secret.
    """

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, secret=True)
    body: bytes | str = field(default=b"", secret=True)
    json: Any = field(default=None, secret=True)
    timeout: float | None = None
    service: str = ""
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    follow_tenant: bool = False
    anonymous: bool = False
    receiver: BodyReceiver | None = field(default=None, repr=False)
    renews_timeout: bool = False
    line: str = ""


def http_request(api: ApiRequest, new_id: Callable[[], str]) -> HttpRequest:
    """Return the request without its token. Raises UsageError for a request that cannot be sent.

    `new_id` makes a GUID for each header that needs one.
    """
    names = [str(name).lower() for name in api.headers]
    for name in names:
        if name in _SET_HERE:
            raise UsageError(f"The header {name} cannot be set.", _SET_HERE[name])
        if names.count(name) > 1:
            raise UsageError(f"The header {name} is given more than once.", "Give it once, values separated by commas.")
    if isinstance(api.body, str) and not is_encodable(api.body):
        raise UsageError("The body has a character that cannot be encoded in UTF-8.", "Give the body as bytes.")
    method: object = api.method  # without a type checker, the caller may pass any value
    if not isinstance(method, str):
        raise UsageError(f"{method!r} is not an HTTP method.", "Use GET, POST, PUT, PATCH, DELETE or HEAD.")
    method, body = method.upper(), api.body.encode() if isinstance(api.body, str) else api.body
    headers = HiddenDict(api.headers)
    if api.json is not None:
        body = _encoded(api, names, headers)
    if api.receiver is None and not {"accept-encoding", "range"} & set(names):
        headers["Accept-Encoding"] = "gzip"  # makes lists many times smaller; a part of a file must not be decoded
    needs = api_headers(api.service)
    _add_headers(headers, names, needs, new_id)
    http = HttpRequest(
        method,
        api.url,
        headers,
        body,
        MAX_API_ANSWER,
        timeout_in=api.timeout,
        repeatable=is_idempotent(method) or bool(needs.idempotency_key) or api.retry.unsafe,
        renews_timeout=api.renews_timeout or api.receiver is not None,
        hides_path=bool(api.line),
        receiver=api.receiver,
    )
    outgoing(http)
    return http


def _add_headers(headers: dict[str, str], names: Sequence[str], needs: ApiHeaders, new_id: Callable[[], str]) -> None:
    """Add what the service needs, unless the caller gives it. `names` are the caller's headers, in lower case."""
    ids = {name: new_id() for name in (needs.idempotency_key, *needs.ids) if name}
    needed = {**ids, **needs.headers}
    headers.update({name: text for name, text in needed.items() if name.lower() not in names})


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
