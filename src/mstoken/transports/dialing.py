"""TCP connections to the first address that answers, in the manner of Happy Eyeballs (RFC 8305) and without threads."""

from __future__ import annotations

import errno
import os
import socket
from time import monotonic

from mstoken.transports.sockets import TcpSocket
from mstoken.transports.waiting import ended_attempts
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mstoken.transports.deadline import Deadline
    from mstoken.transports.resolving import Address

ATTEMPT_DELAY_IN = 0.25
"""Seconds until the next address is tried beside the one before (RFC 8305 section 5, Connection Attempt Delay)."""
_UNDER_WAY = {errno.EINPROGRESS, errno.EWOULDBLOCK, getattr(errno, "WSAEWOULDBLOCK", errno.EWOULDBLOCK)}


def dial(addresses: Sequence[Address], deadline: Deadline) -> socket.socket:
    """A connected socket. Raises TimeoutError at the deadline, else the OSError of the last address that failed."""
    attempts = _Attempts()
    waiting = interleaved(addresses)
    try:
        while waiting or attempts.pending:
            if waiting:
                attempts.start(waiting.pop(0))
            step = min(ATTEMPT_DELAY_IN, deadline.left()) if waiting else deadline.left()
            if (connected := attempts.first_within(step)) is not None:
                connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return connected
        raise attempts.failure
    finally:
        attempts.close()


def interleaved(addresses: Sequence[Address]) -> list[Address]:
    """The addresses by turns of their families, beginning with the first one's (RFC 8305 section 4)."""
    families: dict[int, list[Address]] = {}
    for one in addresses:
        families.setdefault(one[0], []).append(one)
    queues = list(families.values())
    return [queue[turn] for turn in range(max(map(len, queues), default=0)) for queue in queues if turn < len(queue)]


class _Attempts:
    """Connections under way."""

    def __init__(self) -> None:
        self.pending: dict[int, socket.socket] = {}
        self.failure: OSError = OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))

    def start(self, address: Address) -> None:
        """Begin to connect; a failure is kept for the end."""
        family, kind, protocol, where = address
        try:
            made = TcpSocket(family, kind, protocol)
        except OSError as error:  # no IPv6 on this machine, say
            self.failure = error
            return
        made.setblocking(False)  # noqa: FBT003 - the socket's own signature
        code = made.connect_ex(where)
        if code and code not in _UNDER_WAY:
            self._fail(made, code)
        else:
            self.pending[made.fileno()] = made

    def first_within(self, seconds: float) -> socket.socket | None:
        """The first connection that is made; None when all failed or the time is over."""
        until = monotonic() + seconds
        while self.pending:
            ready = ended_attempts(list(self.pending), max(0.0, until - monotonic()))
            if not ready:
                return None
            for number in ready:
                made = self.pending.pop(number)
                code = made.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if not code:
                    return made
                self._fail(made, code)
        return None

    def close(self) -> None:
        """Give up those that are still under way."""
        while self.pending:
            self.pending.popitem()[1].close()

    def _fail(self, made: socket.socket, code: int) -> None:
        made.close()
        self.failure = OSError(code, os.strerror(code))
