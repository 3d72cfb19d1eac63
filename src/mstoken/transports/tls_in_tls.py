"""TLS inside TLS: what a server says through a proxy that is itself reached by TLS. `ssl` wraps plain sockets only."""

from __future__ import annotations

import ssl
from functools import partial

from mstoken.transports.deadline import Deadline
from mstoken.typed import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_PIECE = 16_384


class TunnelledTls:
    """The part of a TLS socket that a connection needs, over a TLS socket."""

    def __init__(self, outer: ssl.SSLSocket, context: ssl.SSLContext, host: str, deadline: Deadline) -> None:
        """Shakes hands."""
        self._outer = outer
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._deadline = deadline
        self._done(self._tls.do_handshake)

    def settimeout(self, seconds: float) -> None:
        """The limit of the next operation as a whole, however many of the outer connection it takes."""
        self._deadline = Deadline(seconds)

    def sendall(self, data: memoryview) -> None:
        while data:
            data = data[self._done(partial(self._tls.write, data)) :]

    def recv_into(self, buffer: memoryview) -> int:
        """0 at the end."""
        try:
            piece = self._done(lambda: self._tls.read(len(buffer)))
        except ssl.SSLZeroReturnError:
            return 0
        buffer[: len(piece)] = piece
        return len(piece)

    def getpeercert(self, *, binary_form: bool) -> bytes | None:
        return self._tls.getpeercert(binary_form) if binary_form else None

    def version(self) -> str | None:
        return self._tls.version()

    def pending(self) -> int:
        return self._tls.pending() + self._incoming.pending

    def fileno(self) -> int:
        return self._outer.fileno()

    @property
    def link(self) -> ssl.SSLSocket:
        """The socket underneath."""
        return self._outer

    def close(self) -> None:
        self._outer.close()

    def _done(self, step: Callable[[], T]) -> T:
        """Do one step of the inner TLS; what it has to send and to receive goes through the outer one."""
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                self._flush()
                self._outer.settimeout(self._deadline.left())
                piece = self._outer.recv(_PIECE)
                if piece:
                    self._incoming.write(piece)
                else:
                    self._incoming.write_eof()
            else:
                self._flush()
                return result

    def _flush(self) -> None:
        while self._outgoing.pending:
            self._outer.settimeout(self._deadline.left())
            self._outer.sendall(self._outgoing.read(_PIECE))
