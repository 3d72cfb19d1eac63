"""HTTP of the local token service: requests read with limits and a deadline, responses written (RFC 9112).

Each connection carries one request: nothing is left over that the next request could begin with.
"""

from __future__ import annotations

import socket
import time
from email.utils import formatdate
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote

from mstoken.typed import TYPE_CHECKING
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_LINE = 8 * 1024
MAX_HEAD = 32 * 1024
MAX_BODY = 30_000_000
"""Bytes of a request: the limits of the Entra Auth SDK sidecar's server, Kestrel."""
READ_TIMEOUT_IN = 10.0
"""Seconds until a request must have arrived, whole."""
WRITE_TIMEOUT_IN = 10.0
_MAX_FIELDS = 100
_CHUNK = 65_536
_LINGER_IN = 0.5
_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
"""Characters of a method or a header's name (RFC 9110 section 5.6.2)."""
_SINGLE = frozenset({"host", "origin", "content-length", "transfer-encoding", "authorization", "x-identity-header"})
"""Headers whose repetition would let two readers see two requests."""


@value
class Request:
    """A request. `path` is decoded; names of `headers` are in lower case; `query` keeps order and repetitions."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)

    def header(self, name: str) -> str:
        """Return a header's value, '' if it is absent; `name` is in lower case."""
        return self.headers.get(name, "")

    @property
    def parameters(self) -> dict[str, str]:
        """The query; of repeated names, the last one counts."""
        return dict(self.query)


@value
class Response:
    """A response. `note` is for the request log: the outcome in a few words, without secrets."""

    status: int
    body: bytes = field(default=b"", repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    note: str = ""


class BadRequest(Exception):
    """A request that is not served: `response` says why."""

    def __init__(self, status: int, note: str) -> None:
        super().__init__(note)
        self.response = Response(status, note=note)


def read_request(connection: socket.socket) -> Request:
    """Read one request. Raises BadRequest, TimeoutError after READ_TIMEOUT_IN seconds, and OSError.

    A connection that ends before its first byte is a BadRequest with status 0, to which nobody waits for a response.
    """
    reader = _Reader(connection)
    head = reader.until(b"\r\n\r\n")
    line, *lines = head.decode("iso-8859-1").split("\r\n")
    method, _, rest = line.partition(" ")
    target, _, version = rest.partition(" ")
    if not method or not _TOKEN.issuperset(method) or version not in {"HTTP/1.1", "HTTP/1.0"}:
        raise BadRequest(400, "not HTTP/1.1")
    if not target.startswith("/"):
        raise BadRequest(400, "a target that is not a path")
    headers = _headers(lines)
    if headers.get("expect", "").lower() == "100-continue":
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    path, _, query = target.partition("?")
    try:
        pairs = tuple(parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=_MAX_FIELDS))
        return Request(method, unquote(path, errors="strict"), pairs, headers, _body(reader, headers))
    except ValueError:
        raise BadRequest(400, "a target that is not UTF-8, or with too many parameters") from None


def write_response(connection: socket.socket, response: Response, *, to_head: bool = False) -> None:
    """Write the response and end the connection. Raises OSError. Without a body `to_head` (RFC 9110 section 9.3.2)."""
    lines = [
        f"HTTP/1.1 {response.status} {_phrase(response.status)}",
        *(f"{name}: {text}" for name, text in response.headers),
        f"Date: {formatdate(usegmt=True)}",
        f"Content-Length: {len(response.body)}",
        "Connection: close",
    ]
    connection.settimeout(WRITE_TIMEOUT_IN)
    content = b"" if to_head else response.body
    connection.sendall("\r\n".join(lines).encode("iso-8859-1", "replace") + b"\r\n\r\n" + content)
    _linger(connection)


def _linger(connection: socket.socket) -> None:
    """Read what is still on its way: closing with unread bytes would reset the connection (RFC 9112 section 9.6)."""
    connection.shutdown(socket.SHUT_WR)
    deadline_on = time.monotonic() + _LINGER_IN
    while (left := deadline_on - time.monotonic()) > 0:
        connection.settimeout(left)
        try:
            if not connection.recv(_CHUNK):
                return
        except OSError:
            return


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _headers(lines: list[str]) -> dict[str, str]:
    if len(lines) > _MAX_FIELDS:
        raise BadRequest(431, "too many headers")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, text = line.partition(":")
        name, text = name.lower(), text.strip(" \t")
        if not colon or not name or not _TOKEN.issuperset(name) or not text.replace("\t", " ").isprintable():
            raise BadRequest(400, "a malformed header")
        if name in headers and name in _SINGLE:
            raise BadRequest(400, f"several headers {name}")
        headers[name] = f"{headers[name]}, {text}" if name in headers else text
    return headers


def _body(reader: _Reader, headers: Mapping[str, str]) -> bytes:
    coding, length = headers.get("transfer-encoding", "").lower(), headers.get("content-length", "")
    if coding:
        if coding != "chunked" or length:
            raise BadRequest(400, "an unknown framing of the body")
        return _chunked(reader)
    if not length:
        return b""
    if not (length.isascii() and length.isdecimal()):
        raise BadRequest(400, "an invalid Content-Length")
    if len(length) > len(str(MAX_BODY)) or int(length) > MAX_BODY:
        raise BadRequest(413, "a body that is too large")
    return reader.exactly(int(length))


def _chunked(reader: _Reader) -> bytes:
    body = bytearray()
    while True:
        size_text = reader.until(b"\r\n", 100).partition(b";")[0].strip()
        try:
            size = int(size_text, 16)
        except ValueError:
            raise BadRequest(400, "an invalid chunk") from None
        if size < 0 or len(body) + size > MAX_BODY:
            raise BadRequest(413, "a body that is too large")
        if size == 0:
            while reader.until(b"\r\n", MAX_LINE):  # trailers, which nobody needs
                pass
            return bytes(body)
        body += reader.exactly(size)
        if reader.exactly(2) != b"\r\n":
            raise BadRequest(400, "an invalid chunk")


class _Reader:
    """Bytes of a connection, until one deadline for all of them."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._deadline_on = time.monotonic() + READ_TIMEOUT_IN
        self._received = bytearray()

    def until(self, end: bytes, most: int = MAX_HEAD) -> bytes:
        """Return the bytes before `end`, which is consumed too. Raises BadRequest for more than `most`."""
        start = 0
        while (at := self._received.find(end, start)) < 0:
            line = self._received.find(b"\r\n")
            if most == MAX_HEAD and (line > MAX_LINE or (line < 0 and len(self._received) > MAX_LINE)):
                raise BadRequest(414, "a target that is too long")
            if len(self._received) > most:
                raise BadRequest(431, "headers that are too long")
            start = max(0, len(self._received) - len(end) + 1)
            self._receive()
        found = bytes(self._received[:at])
        del self._received[: at + len(end)]
        if most == MAX_HEAD and len(found.partition(b"\r\n")[0]) > MAX_LINE:
            raise BadRequest(414, "a target that is too long")
        if len(found) > most:
            raise BadRequest(431, "headers that are too long")
        return found

    def exactly(self, count: int) -> bytes:
        while len(self._received) < count:
            self._receive()
        found = bytes(self._received[:count])
        del self._received[:count]
        return found

    def _receive(self) -> None:
        left_in = self._deadline_on - time.monotonic()
        if left_in <= 0:
            raise TimeoutError
        self._connection.settimeout(left_in)
        received = self._connection.recv(_CHUNK)
        if not received:
            raise BadRequest(400 if self._received else 0, "a request that is cut off")
        self._received += received
