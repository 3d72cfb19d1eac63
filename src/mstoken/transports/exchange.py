"""One request and its answer in HTTP/1.1 over a connection that is open and serves for nothing else.

The standard library's `http.client` does this too and costs as much to import as three quarters of starting Python
(docs/decisions/0011-one-request.md). This is the part of RFC 9112 that a client needs which closes the connection
after one answer: a status line, headers, and a body by length, in chunks, or up to the end.
"""

from __future__ import annotations

import time
from urllib.parse import urlsplit

from mstoken.protocol.http import HttpResponse
from mstoken.transports.faults import not_http, too_large, unreachable
from mstoken.typed import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from mstoken.protocol.http import HttpRequest

    class Link(Protocol):
        """The socket's part that is used."""

        def settimeout(self, value: float | None) -> None: ...

        def sendall(self, data: bytes) -> None: ...

        def recv(self, bufsize: int) -> bytes: ...


ANSWER_IN = 30.0
"""Seconds for request and answer where the request does not say."""
LONGEST_LINE = 65_536
"""Bytes of the status line, of one header, and of all headers together at most."""
_PIECE = 65_536
_NO_BODY = frozenset({204, 304})


def exchange(link: Link, request: HttpRequest, until: float) -> HttpResponse:
    """Send `request` and read the whole answer, until the clock (`time.monotonic`) says so at the latest.

    Raises OSError, which also is a time-out and an answer that ends early; TransportError for what is not HTTP;
    UnreadableAnswer for a body of more than `max_answer` bytes; ValueError, before anything is sent, for a URL or
    header that would not stay in its line.
    """
    content = _head(request) + request.body
    incoming = _Incoming(link, request, until)
    link.settimeout(left_in(until))
    link.sendall(content)
    return _answer(incoming, request)


def ask_over(connect: Callable[[float], AbstractContextManager[Link]], request: HttpRequest) -> HttpResponse:
    """Connect (`connect` is told until when, as `exchange` is), exchange, close.

    Raises TransportError for what goes wrong on the way, and what `connect` and `exchange` raise on purpose.
    """
    until = time.monotonic() + (request.answer_in or ANSWER_IN)
    try:
        with connect(until) as link:
            return exchange(link, request, until)
    except (OSError, ValueError) as error:
        raise unreachable(request.url, [str(error) or type(error).__name__]) from None


def left_in(until: float) -> float:
    """Seconds left until then. Raises TimeoutError when there are none."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left


def _head(request: HttpRequest) -> bytes:
    parts = urlsplit(request.url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host = parts.netloc.rpartition("@")[2]
    headers = {"Host": host, "User-Agent": "mstoken", "Connection": "close", **request.headers}
    if request.body or request.method in {"POST", "PUT", "PATCH"}:
        headers["Content-Length"] = str(len(request.body))
    lines = [f"{request.method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if " " in target or not all(line.isascii() and line.isprintable() for line in lines):
        raise ValueError("A line of the request has a character that may not stand there.")
    return "\r\n".join([*lines, "", ""]).encode("ascii")


def _answer(incoming: _Incoming, request: HttpRequest) -> HttpResponse:
    status = 100
    while 100 <= status < 200:  # interim answers (RFC 9110 section 15.2); no upgrade was asked for
        status, headers = _read_head(incoming)
    if request.method == "HEAD" or status in _NO_BODY:
        body = b""
    elif "transfer-encoding" in headers:  # it goes before a length: RFC 9112 section 6.3
        if headers["transfer-encoding"].lower() != "chunked":
            raise incoming.nonsense()
        body = _chunks(incoming)
    elif "content-length" in headers:
        body = incoming.exactly(_length(headers["content-length"], incoming))
    else:
        body = incoming.rest()
    return HttpResponse(status, headers, body)


def _read_head(incoming: _Incoming) -> tuple[int, dict[str, str]]:
    """The status and the headers, their names in lower case, what came twice joined by a comma (RFC 9110 5.3)."""
    start = incoming.line()
    version, _, rest = start.partition(" ")
    code = rest.partition(" ")[0]
    if version not in {"HTTP/1.1", "HTTP/1.0"} or not (code.isascii() and code.isdecimal() and len(code) == 3):
        raise incoming.nonsense()
    headers: dict[str, str] = {}
    room = LONGEST_LINE
    while line := incoming.line():
        room -= len(line)
        name, colon, value = line.partition(":")
        if room < 0 or not colon or not name or name != name.strip() or not name.isprintable():
            raise incoming.nonsense()
        name, value = name.lower(), value.strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return int(code), headers


def _length(text: str, incoming: _Incoming) -> int:
    """Content-Length: digits, and where it came more than once, the same ones (RFC 9112 section 6.3)."""
    said = {part.strip() for part in text.split(",")}
    digits = said.pop()
    if said or not (digits.isascii() and digits.isdecimal()):
        raise incoming.nonsense()
    return int(digits[:20])


def _chunks(incoming: _Incoming) -> bytes:
    """RFC 9112 section 7.1; extensions and trailers are read past."""
    body = bytearray()
    while True:
        digits = incoming.line().partition(";")[0].strip()
        if not digits or len(digits) > 16 or set(digits) - set("0123456789abcdefABCDEF"):
            raise incoming.nonsense()
        size = int(digits, 16)
        if not size:
            break
        body += incoming.exactly(size, already=len(body))
        if incoming.line():
            raise incoming.nonsense()
    while incoming.line():
        pass
    return bytes(body)


class _Incoming:
    """What the server sends, until the time for it is over."""

    def __init__(self, link: Link, request: HttpRequest, until: float) -> None:
        self._link, self._request, self._until = link, request, until
        self._held = bytearray()

    def line(self) -> str:
        """The next line without its end."""
        while (end := self._held.find(b"\n")) < 0:
            if len(self._held) > LONGEST_LINE:
                raise self.nonsense()
            self._need_more()
        line = bytes(self._held[:end])
        del self._held[: end + 1]
        return line.removesuffix(b"\r").decode("latin-1")

    def exactly(self, number: int, already: int = 0) -> bytes:
        """The next `number` bytes; `already` were read of the same body."""
        self._admit(already + number)
        while len(self._held) < number:
            self._need_more()
        content = bytes(self._held[:number])
        del self._held[:number]
        return content

    def rest(self) -> bytes:
        """All that comes until the server closes the connection."""
        self._admit(len(self._held))
        while self._more():
            self._admit(len(self._held))
        return bytes(self._held)

    def nonsense(self) -> Exception:
        """The error for an answer that is not HTTP."""
        return not_http(self._request.url)

    def _admit(self, size: int) -> None:
        if size > self._request.max_answer:
            raise too_large(self._request.url, self._request.max_answer)

    def _need_more(self) -> None:
        if not self._more():
            raise OSError("the answer was cut off")

    def _more(self) -> bool:
        self._link.settimeout(left_in(self._until))
        piece = self._link.recv(_PIECE)
        self._held += piece
        return bool(piece)
