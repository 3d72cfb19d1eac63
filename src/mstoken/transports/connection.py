"""One persistent connection: it sends a request and reads the response."""

from __future__ import annotations

import socket
import ssl
from time import monotonic

from mstoken.transports.failures import cut_off, failed, too_large
from mstoken.transports.wire import TooMuch, Wire
from mstoken.typed import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from mstoken.protocol.http import HttpResponse
    from mstoken.transports.body_stream import BodyStream
    from mstoken.transports.deadline import Deadline
    from mstoken.transports.failures import Peer
    from mstoken.transports.outgoing import Outgoing
    from mstoken.transports.wire import Stream

R = TypeVar("R")
_HEAD = 1024 * 1024
"""Bytes that status line, headers, chunk framing and trailers may take besides the body; `http.client` limits each line
to 65,536 bytes and their number to 100."""
_FRAMING = 8
"""How many bytes a byte of body may take: in chunks of one byte it is six."""


class ClosedWhileIdle(Exception):
    """The server closed an idle connection before a byte of the response arrived."""


class Connection:
    """An open connection to one server. Only one thread may use it at a time."""

    def __init__(self, link: Stream, peer: Peer) -> None:
        self.link, self.peer = link, peer
        self.made_at = self.idle_since = monotonic()
        self.exchanges = 0
        self._wire = Wire(link)
        self._persists = True

    @property
    def socket(self) -> socket.socket:
        """The plain socket that the connection waits for."""
        return self.link if isinstance(self.link, socket.socket) else self.link.link

    def exchange(self, request: Outgoing, deadline: Deadline) -> HttpResponse:
        """Send `request` and read the whole response.

        Raises ClosedWhileIdle if a reused connection was closed without a byte of a response (RFC 9112 section 9.3.1);
        TransportError and UnreadableAnswer.
        """
        return self._sent(request, deadline, self._response)

    def open(self, request: Outgoing, deadline: Deadline) -> BodyStream:
        """Send `request` and read the head of the response; its body is read in parts. Raises as `exchange` does."""
        return self._sent(request, deadline, self._begun)

    def _response(self, request: Outgoing) -> HttpResponse:
        from mstoken.transports.response import read_response  # while the request travels

        response, self._persists = read_response(
            self._wire, request.method, request.max_response_bytes, self.peer, request.receiver
        )
        return response

    def _begun(self, request: Outgoing) -> BodyStream:
        from mstoken.transports.body_stream import BodyStream

        self._persists = False  # until the body is read
        return BodyStream(self._wire, request.method, self.peer, self._stays_open)

    def _stays_open(self) -> None:
        self._persists = True

    def _sent(self, request: Outgoing, deadline: Deadline, read: Callable[[Outgoing], R]) -> R:
        self.exchanges += 1
        limit = request.max_response_bytes
        self._wire.begin(deadline, limit * _FRAMING + _HEAD)
        try:
            self._wire.sendall(request.message())
            self._wire.flush()
            return read(request)
        except (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:
            if self._wire.received:
                raise cut_off(self.peer) from None
            if self.exchanges > 1:
                raise ClosedWhileIdle from None
            raise (cut_off(self.peer) if self._wire.ended else failed(self.peer, error)) from None
        except OSError as error:
            raise failed(self.peer, error) from None
        except TooMuch:
            raise too_large(self.peer, limit) from None

    @property
    def reusable(self) -> bool:
        """Return whether the last response left the connection open, without unread data."""
        return self._persists and self._wire.is_drained()

    def is_stale(self) -> bool:
        """Return whether the server has closed an idle connection, or sent unexpected data."""
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
        """Close without TLS's closing message: in a forked child, the TLS session still belongs to the parent."""
        self.link.close()

    def __del__(self) -> None:
        self.link.close()
