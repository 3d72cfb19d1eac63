"""One kept connection: a request out, its response in. `http.client` parses HTTP/1.1.

What `http.client` takes leniently is refused here: a header it could not read, an ambiguous length (RFC 9112 section
6.3), a response that ends early.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from time import monotonic

from mstoken.protocol.http import HttpResponse
from mstoken.transports.failures import cut_off, failed, not_http, too_large
from mstoken.transports.wire import TooMuch, Wire
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from email.message import Message

    from mstoken.transports.deadline import Deadline
    from mstoken.transports.failures import Peer
    from mstoken.transports.outgoing import Outgoing
    from mstoken.transports.wire import Link

_HEAD = 1024 * 1024
"""Bytes that status line, headers, chunk framing and trailers may take besides the body; `http.client` limits each line
to 65,536 bytes and their number to 100."""
_FRAMING = 8
"""How many bytes a byte of body may take: in chunks of one byte it is six."""
_PIECE = 1024 * 1024


class ClosedWhileIdle(Exception):
    """The server closed a kept connection before a byte of the response arrived."""


class Connection:
    """An open connection to one server. Not for two threads at once."""

    def __init__(self, link: Link, peer: Peer) -> None:
        self.link, self.peer = link, peer
        self.made_at = self.idle_since = monotonic()
        self.exchanges = 0
        self._wire = Wire(link)
        self._persists = True

    @property
    def socket(self) -> socket.socket:
        """What the connection waits for."""
        return self.link if isinstance(self.link, socket.socket) else self.link.link

    def exchange(self, request: Outgoing, deadline: Deadline) -> HttpResponse:
        """Send `request`, read the whole response.

        Raises ClosedWhileIdle when a connection that has served before was closed without a byte of a response
        (RFC 9112 section 9.3.1); TransportError and UnreadableAnswer.
        """
        self.exchanges += 1
        limit = request.max_response_bytes
        self._wire.begin(deadline, limit * _FRAMING + _HEAD)
        try:
            self._wire.sendall(request.message())
            self._wire.flush()
            return self._received(request.method, limit)
        except (http.client.RemoteDisconnected, ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:
            if self._wire.received:
                raise cut_off(self.peer) from None
            if self.exchanges > 1:
                raise ClosedWhileIdle from None
            if isinstance(error, http.client.RemoteDisconnected):
                raise cut_off(self.peer) from None
            raise failed(self.peer, error) from None
        except OSError as error:
            raise failed(self.peer, error) from None
        except TooMuch:
            raise too_large(self.peer, limit) from None
        except (http.client.HTTPException, ValueError):
            raise (cut_off if self._wire.ended else not_http)(self.peer) from None

    @property
    def reusable(self) -> bool:
        """Whether the last response left the connection open and empty."""
        return self._persists and self._wire.is_drained()

    def is_stale(self) -> bool:
        """Whether the server has closed an idle connection, or sent what nobody asked for."""
        if not self._wire.has_input():
            return False
        if not isinstance(self.link, socket.socket):
            return True
        try:
            self.link.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return False  # TLS's own business, such as a session ticket
        except OSError:
            pass
        return True

    def close(self) -> None:
        """Close without a word to the server: in the child of a fork the TLS session is still the parent's."""
        self.link.close()

    def __del__(self) -> None:
        self.link.close()

    def _received(self, method: str, limit: int) -> HttpResponse:
        response = self._response(method)
        while 100 <= response.status < 200 and response.status != 101:  # interim (RFC 9110 section 15.2)
            self._checked_headers(response)
            response.read()
            response = self._response(method)
        headers = self._checked_headers(response)
        body = self._body(response, limit)
        self._persists = not response.will_close
        if "content-encoding" in headers and response.status != 206:  # a part cannot be decoded alone
            from mstoken.transports.decoding import decoded

            body = decoded(body, headers, limit, self.peer)
        return HttpResponse(response.status, headers, body)

    def _response(self, method: str) -> http.client.HTTPResponse:
        response = http.client.HTTPResponse(self._wire, method=method)  # type: ignore[arg-type] # a Wire has its makefile
        response.begin()
        return response

    def _checked_headers(self, response: http.client.HTTPResponse) -> dict[str, str]:
        """The headers. What `http.client` overlooks is refused; the head was cut off if the end came meanwhile."""
        if self._wire.ended:
            raise cut_off(self.peer)
        head = response.headers
        if response.status == 101 or _malformed(head) or head.get_payload():
            raise not_http(self.peer)
        headers = _mapping(head)
        coding, lengths = headers.get("transfer-encoding"), headers.get("content-length")
        if coding is not None and coding.lower() != "chunked":
            raise not_http(self.peer)
        if lengths is not None:
            distinct = {one.strip(" \t") for one in lengths.split(",")}
            digits = distinct.pop()
            if distinct or not (digits.isascii() and digits.isdecimal()):
                raise not_http(self.peer)
            if response.length != 0 and not response.chunked:
                response.length = int(digits[:18])
            if coding is not None:
                response.will_close = True  # RFC 9112 section 6.3: both at once may be an attack
        return headers

    def _body(self, response: http.client.HTTPResponse, limit: int) -> bytes:
        if response.length is not None and response.length > limit:
            raise too_large(self.peer, limit)
        pieces, size = [], 0
        while piece := response.read(min(_PIECE, limit + 1 - size)):
            pieces.append(piece)
            size += len(piece)
            if size > limit:
                raise too_large(self.peer, limit)
        if response.length or (response.chunked and self._wire.ended):
            raise cut_off(self.peer)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _malformed(head: Message) -> bool:
    """Whether a line was no header. The parts that a `multipart` response has in its body are not missed here."""
    return any("Header" in type(defect).__name__ for defect in head.defects) if head.defects else False


def _mapping(head: Message) -> dict[str, str]:
    """Lower-case names; lines of one name joined (RFC 9110 section 5.3), a folded line unfolded (RFC 9112 5.2)."""
    headers: dict[str, str] = {}
    for name, value in head.raw_items():
        text, lower = value.strip(" \t"), name.lower()
        if "\n" in text or "\r" in text:
            text = " ".join(part.strip(" \t") for part in text.replace("\r", "\n").split("\n") if part)
        headers[lower] = f"{headers[lower]}, {text}" if lower in headers else text
    return headers
