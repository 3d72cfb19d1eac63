"""TLS inside TLS, for a server behind a proxy over TLS. `ssl` wraps plain sockets only."""

from __future__ import annotations

import ssl
from functools import partial

from mstoken.transports.waiting import waiter
from mstoken.typed import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import WriteableBuffer

    from mstoken.transports.deadline import Deadline

T = TypeVar("T")

_PIECE = 16_384


class TunnelledTls:
    """The methods of a TLS socket that a connection needs, over a TLS socket. It waits until its deadline."""

    def __init__(self, outer: ssl.SSLSocket, context: ssl.SSLContext, host: str, deadline: Deadline) -> None:
        """Perform the handshake."""
        outer.settimeout(0)
        self.link, self.deadline = outer, deadline
        self._wait = waiter(outer.fileno())
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._done(self._tls.do_handshake)

    def send(self, data: memoryview) -> int:
        return self._done(partial(self._tls.write, data))

    def recv_into(self, buffer: WriteableBuffer) -> int:
        """Receive into the buffer; return 0 at the end."""
        room = memoryview(buffer)
        try:
            piece = self._done(partial(self._tls.read, len(room)))
        except ssl.SSLZeroReturnError:
            return 0
        room[: len(piece)] = piece
        return len(piece)

    def getpeercert(self, *, binary_form: bool) -> bytes | None:
        return self._tls.getpeercert(True) if binary_form else None  # noqa: FBT003 - the library's own signature

    def pending(self) -> int:
        return self._tls.pending() + self._incoming.pending

    def fileno(self) -> int:
        return self.link.fileno()

    def close(self) -> None:
        self.link.close()

    def _done(self, step: Callable[[], T]) -> T:
        """Do one step of the inner TLS, and send and receive its data through the outer one."""
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                self._flush()
                if piece := self._outer(partial(self.link.recv, _PIECE)):
                    self._incoming.write(piece)
                else:
                    self._incoming.write_eof()
            else:
                self._flush()
                return result

    def _flush(self) -> None:
        while self._outgoing.pending:
            rest = memoryview(self._outgoing.read(_PIECE))
            while rest:
                rest = rest[self._outer(partial(self.link.send, rest)) :]

    def _outer(self, step: Callable[[], T]) -> T:
        """Do one step of the outer TLS as soon as possible."""
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                self._wait(self.deadline.left())
            except ssl.SSLWantWriteError:
                self._wait(self.deadline.left(), writing=True)
