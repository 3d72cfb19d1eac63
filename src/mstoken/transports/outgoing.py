"""A request in the form that is sent: origin, target and headers. Requests that cannot be sent are refused here."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlsplit

from mstoken.errors import UsageError
from mstoken.hidden import HiddenDict
from mstoken.protocol.http import is_header_value
from mstoken.typed import TYPE_CHECKING
from mstoken.urls import encoded_target
from mstoken.values import field, value

if TYPE_CHECKING:
    from typing import TypeGuard

    from mstoken.protocol.http import BodyReceiver, HttpRequest

USER_AGENT = "mstoken"
_PORTS = {"http": 80, "https": 443}
_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_USUAL = {name.lower(): name for name in ("Host", "User-Agent", "Accept-Encoding", "Content-Length")}
_WITH_BODY = ("POST", "PUT", "PATCH")
"""Methods that have a body, so that an empty one is announced too (RFC 9110 section 8.6)."""


@value
class Origin:
    """Scheme, host and port of a URL (RFC 6454). `host_header` is the value of Host."""

    scheme: str
    host: str
    port: int
    host_header: str


@value
class Outgoing:
    """A request that is ready to send. `base` is the URL up to the target."""

    method: str
    base: str
    origin: Origin
    target: str = field(repr=False)
    headers: dict[str, str] = field(secret=True)
    body: bytes = field(secret=True)
    max_response_bytes: int
    receiver: BodyReceiver | None = field(default=None, repr=False)

    def message(self) -> bytes:
        """Return the request as HTTP/1.1 bytes (RFC 9112 section 2.1), head and body in one piece."""
        lines = [f"{self.method} {self.target} HTTP/1.1"]
        lines += [f"{name}: {text}" for name, text in self.headers.items()]
        head = "\r\n".join([*lines, "\r\n"]).encode("latin-1")
        return head + self.body


def outgoing(request: HttpRequest) -> Outgoing:
    """Prepare a request. Raises UsageError for a method, URL, header or body that HTTP/1.1 cannot carry."""
    body: object = request.body  # whoever calls without a type checker may give anything
    if not isinstance(body, bytes | bytearray | memoryview):
        raise UsageError("The body of a request is bytes.", "Encode text first: body=text.encode().")
    if not _is_token(request.method):
        raise UsageError(f"{request.method!r} is not an HTTP method.", "Use GET, POST, PUT, PATCH, DELETE or HEAD.")
    base, target = encoded_target(request.url)
    origin = origin_of(base)
    content = body if isinstance(body, bytes) else bytes(body)
    size = str(len(content))
    headers: dict[str, str] = HiddenDict(
        {"Host": origin.host_header, "User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
    )
    if content or request.method in _WITH_BODY:
        headers["Content-Length"] = size
    for name, text in request.headers.items():
        _check_header(name, text)
        lower = name.lower()
        if lower == "transfer-encoding" or (lower == "content-length" and text != size):
            raise UsageError(f"The header {name} follows from the body.", "Leave it out.")
        if lower in _USUAL:
            headers.pop(_USUAL[lower], None)
        headers[name] = text
    if request.request_id:
        headers["client-request-id"] = request.request_id
    return Outgoing(
        request.method, base, origin, target, headers, content, request.max_response_bytes, request.receiver
    )


def _check_header(name: object, text: object) -> None:
    """Field names are tokens, values visible characters and blanks (RFC 9110 sections 5.1 and 5.5)."""
    if not _is_token(name):
        raise UsageError(f"{name!r} is not the name of a header.", "Header names are letters, digits and dashes.")
    if not isinstance(text, str) or not is_header_value(text):
        raise UsageError(
            f"The value of the header {name} has a character that a header cannot carry.",
            "Take out line breaks and other control characters; encode what is not Latin-1.",
        )


def _is_token(text: object) -> TypeGuard[str]:
    return isinstance(text, str) and text != "" and _TOKEN.issuperset(text)


@lru_cache(maxsize=256)
def origin_of(base: str) -> Origin:
    """Return the origin of a URL. Raises UsageError for one without a host, or other than http and https."""
    try:
        parts = urlsplit(base)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _no_origin(base) from None
    if parts.scheme not in _PORTS or not host or "@" in parts.netloc or port == 0:
        raise _no_origin(base)
    if not all(letter.isprintable() and letter not in ' "<>\\^`{|}' for letter in host):
        raise _no_origin(base)
    try:
        name = host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        raise _no_origin(base) from None
    shown = f"[{name.partition('%')[0]}]" if ":" in name else name
    port = port or _PORTS[parts.scheme]
    return Origin(parts.scheme, name, port, shown if port == _PORTS[parts.scheme] else f"{shown}:{port}")


def _no_origin(base: str) -> UsageError:
    shown = base.rpartition("@")[2]
    return UsageError(f"{shown!r} is not the address of a server.", "Use a URL such as https://host/path.")
