"""Microsoft Graph's $batch: several requests in one. How a part is written and its response read; nothing is sent here.

Rules (learn.microsoft.com/graph/json-batching): at most 20 parts; their URLs are relative to the version; ids are
compared without case; a body needs Content-Type, and stands in the JSON as a value, or base64-encoded if it is not
JSON. The responses come in any order, and their statuses say nothing about the batch's own.
"""

from __future__ import annotations

import base64
import json
import re

from mstoken.errors import UnreadableAnswer, UsageError
from mstoken.hidden import HiddenDict
from mstoken.protocol.http import HttpResponse
from mstoken.redaction import shown
from mstoken.rest.api_request import http_request
from mstoken.typed import TYPE_CHECKING, Any
from mstoken.values import field, replace, value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mstoken.errors import MstokenError
    from mstoken.model import TokenRequest
    from mstoken.protocol.http import HttpRequest
    from mstoken.rest.api_request import ApiRequest
    from mstoken.rest.response import ApiResponse

MAX_PARTS = 20
_VERSION = re.compile(r"(https?://[^/?#]+(?:/[^/?#]+)*?/(?:v1\.0|beta))(/[^?#].*)", re.IGNORECASE | re.DOTALL)
"""A URL up to Graph's version, and the rest. A gateway may have a path of its own before the version."""
_NOT_INSIDE = frozenset({"authorization", "accept-encoding", "host"})
"""Headers, in lower case, that belong to the batch."""


@value
class BatchPart:
    """One request of a batch, checked. `request` is what the caller gave; its result repeats it.

    `base` is the URL up to the version, `path` what follows. `id` and `depends_on` are the caller's names.
    """

    request: Any = field(secret=True)
    api: ApiRequest
    http: HttpRequest
    token_request: TokenRequest
    context: Mapping[str, str]
    base: str
    path: str
    id: str = ""
    depends_on: tuple[str, ...] = ()


@value
class BatchResult:
    """The result of one request of `Client.batch`, which is `request` as you gave it.

    `response` is the API's response, whatever its status; None if there is none, and `error` says why.
    """

    request: Any = field(repr=False)
    response: ApiResponse | None = None
    error: MstokenError | None = None

    @property
    def ok(self) -> bool:
        """True if there is a response with a status below 400."""
        return self.response is not None and self.response.ok

    def raise_for_status(self) -> ApiResponse:
        """Return the response if its status is below 400; raise `error`, or what the API's error means."""
        if self.error is not None or self.response is None:
            raise self.error or UnreadableAnswer("The request has no response.", "")
        return self.response.raise_for_status()


def batch_part(
    request: Any,
    api: ApiRequest,
    token_request: TokenRequest,
    context: Mapping[str, str],
    new_id: Callable[[], str],
    names: tuple[str, tuple[str, ...]] = ("", ()),
) -> BatchPart:
    """Return the part for a request; `names` are its id and those that it depends on.

    Raises UsageError for what a batch cannot contain, and what `http_request` raises.
    """
    http = http_request(api, new_id)
    base, path = split_url(http.url)
    if path.lower().partition("?")[0].rstrip("/") == "/$batch":
        raise UsageError("A batch cannot contain a batch.", "Give its requests themselves; they are split here.")
    if http.body and not _content_type(http.headers):
        if json_value(http.body) is NO_JSON:
            raise UsageError("In a batch, a body needs the header Content-Type.", "Set it: it says what the body is.")
        http = replace(http, headers=HiddenDict({**http.headers, "Content-Type": "application/json"}))
    return BatchPart(request, api, http, token_request, context, base, path, *names)


def split_url(url: str) -> tuple[str, str]:
    """Return the URL up to Graph's version, and the path and query below it. Raises UsageError for another URL."""
    found = _VERSION.fullmatch(url)
    if not found:
        raise UsageError(
            f"A batch is for paths of Microsoft Graph, not for {shown(url.partition('?')[0], 200)}.",
            "Write graph:/users, graphbeta:/users or /users; send other requests one by one.",
        )
    return found[1], found[2]


def relative_url(url: str, base: str) -> str | None:
    """Return the path and query of a link below `base`; None for a link that leads elsewhere."""
    from urllib.parse import urljoin

    url = url if "://" in url else urljoin(f"{base}/", url)
    below = url[len(base) :]
    return below if url[: len(base)].lower() == base.lower() and below.startswith("/") else None


def document_of(part: BatchPart, path: str, number: str, depends_on: Sequence[str]) -> dict[str, Any]:
    """Return the part as it stands in the batch. `number` is its id there, `depends_on` the numbers of others."""
    headers = {name: text for name, text in part.http.headers.items() if name.lower() not in _NOT_INSIDE}
    document: dict[str, Any] = HiddenDict(id=number, method=part.http.method, url=path)
    if part.http.body:
        document["body"] = _body_value(part.http.body, _content_type(headers))
    elif part.http.method == "POST":  # an action without parameters needs an empty object
        document["body"] = {}
        if not _content_type(headers):
            headers["Content-Type"] = "application/json"
    if headers:
        document["headers"] = headers
    if depends_on:
        document["dependsOn"] = list(depends_on)
    return document


def responses_in(document: object) -> dict[str, HttpResponse]:
    """Return the responses in a batch's body by number, None of them for a body of another form."""
    listed = document.get("responses") if isinstance(document, dict) else None
    found: dict[str, HttpResponse] = {}
    for one in listed if isinstance(listed, list) else ():
        status = one.get("status") if isinstance(one, dict) else None
        if isinstance(status, str) and status.isdecimal():
            status = int(status)
        if isinstance(status, int) and 100 <= status < 600:
            given = one.get("headers")
            headers = {str(name).lower(): str(text) for name, text in given.items()} if isinstance(given, dict) else {}
            body = one.get("body")
            if isinstance(body, dict | list):
                headers.setdefault("content-type", "application/json")
            found[str(one.get("id"))] = HttpResponse(status, headers, _body_bytes(body, headers))
    return found


NO_JSON: Any = object()


def json_value(body: bytes) -> Any:
    """Return the value of a JSON text, NO_JSON for anything else."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return NO_JSON


def _content_type(headers: Mapping[str, str]) -> str:
    return next((text.lower() for name, text in headers.items() if name.lower() == "content-type"), "")


def _is_json(content_type: str) -> bool:
    return "json" in content_type.partition(";")[0]


def _body_value(body: bytes, content_type: str) -> Any:
    found = json_value(body) if _is_json(content_type) else NO_JSON
    return base64.b64encode(body).decode() if found is NO_JSON else found


def _body_bytes(body: Any, headers: Mapping[str, str]) -> bytes:
    """Return the body of a response: JSON for a value, what base64 (RFC 4648, either alphabet) encodes, or text."""
    kind = _content_type(headers)
    if body is None:
        return b""
    if not isinstance(body, str) or _is_json(kind):
        return json.dumps(body).encode()
    if not kind.startswith("text/") and re.fullmatch(r"[A-Za-z0-9+/_-]+={0,2}", body):
        try:
            text = body.rstrip("=").replace("-", "+").replace("_", "/")
            return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except ValueError:
            return body.encode()
    return body.encode("utf-8", "surrogatepass")
