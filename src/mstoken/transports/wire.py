"""The socket that `http.client` uses: every read and write is limited by the call's deadline, and counted."""

from __future__ import annotations

import io
import socket
import ssl

from mstoken.transports.waiting import waiter
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    from mstoken.transports.deadline import Deadline
    from mstoken.transports.tls_in_tls import TunnelledTls

    Stream = socket.socket | TunnelledTls

_BUFFER = 16_384
"""Bytes: as many as a TLS record holds."""
_ANY_SIZE = 2**63
_WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError)


class TooMuch(Exception):
    """The server sent more than a response of this size may have, including framing."""


class Wire:
    """One connection as `http.client` sees it. It is reused for one exchange after another.

    `received` counts the bytes of the current response; `ended` says that the server closed its side.
    """

    def __init__(self, link: Stream, *, buffer: int = _BUFFER) -> None:
        """Make the socket non-blocking: this class waits."""
        if isinstance(link, socket.socket):
            link.settimeout(0)
        self._link = link
        self._outgoing: list[bytes] = []
        self._raw = _Incoming(link)
        self._reader = _Reader(self._raw, buffer)

    def begin(self, deadline: Deadline, most: int) -> None:
        """Start a new exchange with a response of at most `most` bytes."""
        self._raw.deadline, self._raw.left, self._raw.most = deadline, most, most
        if not isinstance(self._link, socket.socket):
            self._link.deadline = deadline

    def unlimit(self) -> None:
        """Let the rest of the current response have any size."""
        self._raw.left += _ANY_SIZE
        self._raw.most += _ANY_SIZE

    @property
    def received(self) -> int:
        return self._raw.most - self._raw.left

    @property
    def ended(self) -> bool:
        return self._raw.ended

    def is_drained(self) -> bool:
        """Return whether the connection seems to be open, without unread data."""
        self._raw.dry = True
        try:
            return not self._raw.ended and not self._reader.peek(1)
        finally:
            self._raw.dry = False

    def has_input(self) -> bool:
        """Return whether there is something to read, including the end."""
        unread = self._raw.unread
        if unread is not None and unread():
            return True
        try:
            self._raw.wait(0)
        except TimeoutError:
            return False
        return True

    def sendall(self, data: bytes) -> None:
        """Buffer until `flush`: head and body are sent together, as one TLS record if they fit."""
        self._outgoing.append(data)

    def flush(self) -> None:
        """Send the buffer, unless the deadline is over or the call was aborted. Raises OSError."""
        self._raw.deadline.left()
        rest = memoryview(b"".join(self._outgoing))
        self._outgoing.clear()
        while rest:
            try:
                rest = rest[self._link.send(rest) :]
                self._raw.deadline.moved()
            except (BlockingIOError, ssl.SSLWantWriteError):
                self._raw.wait(self._raw.deadline.left(), writing=True)
            except ssl.SSLWantReadError:
                self._raw.wait(self._raw.deadline.left())

    def makefile(self, _: str) -> io.BufferedReader:
        """Return the reader of responses, one for all exchanges: unread data of one must be visible to the next."""
        return self._reader

    def close(self) -> None:
        """Do nothing: `http.client` closes what it regards as its own; the pool closes the connection."""


class _Incoming(io.RawIOBase):
    """Reads from the connection until the deadline and the limit; reads nothing while it is `dry`."""

    deadline: Deadline

    def __init__(self, link: Stream) -> None:
        super().__init__()
        self._link, self.wait = link, waiter(link.fileno())
        self.unread = getattr(link, "pending", None)
        self._waits = isinstance(link, socket.socket)
        self.left = self.most = 0
        self.ended = self.dry = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        if self.dry:
            return None
        if self._waits and (self.unread is None or not self.unread()):  # what TLS has read, no socket has
            self.wait(self.deadline.left())
        while True:
            try:
                number = self._link.recv_into(buffer)
                break
            except _WOULD_BLOCK:  # a part of a TLS record, say
                self.wait(self.deadline.left())
            except ssl.SSLWantWriteError:
                self.wait(self.deadline.left(), writing=True)
        self.left -= number
        if not number:
            self.ended = True
        elif self.left < 0:
            raise TooMuch
        else:
            self.deadline.moved()
        return number


class _Reader(io.BufferedReader):
    """Stays open when `http.client` closes it after a response."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Read with a limit always: a chunk with a negative size would otherwise read everything."""
        if size is None or size < 0:
            raise ValueError("a negative size")
        return super().read(size)

    def close(self) -> None:
        """Do nothing: the connection stays open."""
