"""A response whose body is read in parts while the server sends it."""

from __future__ import annotations

import ssl
from http.client import HTTPException

from mstoken.transports.failures import cut_off, failed
from mstoken.transports.response import read_head
from mstoken.transports.wire import TooMuch
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from mstoken.transports.deadline import Deadline
    from mstoken.transports.failures import Peer
    from mstoken.transports.wire import Wire

_PART = 65_536
_FRAMING = 1024 * 1024


class BodyStream:
    """A response: `status`, `headers` (lower-case names), and `read` for its body.

    Use it in a `with` statement, which gives the connection back or closes it. Only one thread may read.
    """

    def __init__(self, wire: Wire, method: str, peer: Peer, stays_open: Callable[[], None]) -> None:
        """Read the head. `stays_open` is called at the end if the connection may serve again.

        Raises as `read_response` does.
        """
        self._wire, self._peer, self._stays_open = wire, peer, stays_open
        self._response, self.headers = read_head(wire, method, peer)
        self.status = self._response.status
        self._give_back: Callable[[], None] | None = None
        self._deadline: Deadline | None = None

    def belongs_to(self, deadline: Deadline, give_back: Callable[[], None]) -> None:
        """Say what limits each part, and what takes the connection at the end."""
        self._deadline, self._give_back = deadline, give_back

    def read(self) -> bytes:
        """Return the next part of the body as soon as there is one; b"" at its end.

        Raises TransportError if the body is cut off, the server stays silent until the deadline, or it was aborted.
        """
        assert self._deadline is not None  # noqa: S101 - `belongs_to` precedes
        peer = self._peer
        self._wire.begin(self._deadline, _PART + _FRAMING)  # each part anew: a stream has no limit
        try:
            part = self._response.read1(_PART)
        except (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError, HTTPException, ValueError, TooMuch):
            raise cut_off(peer) from None
        except OSError as error:
            raise failed(peer, error) from None
        if part:
            return part
        if self._response.length or (self._response.chunked and self._wire.ended):
            raise cut_off(peer)
        if not self._response.will_close:
            self._stays_open()
        return b""

    def close(self) -> None:
        """Give the connection back if the body was read to its end; else close it."""
        give_back, self._give_back = self._give_back, None
        if give_back is not None and self._deadline is not None:
            self._deadline.detach()
            give_back()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
