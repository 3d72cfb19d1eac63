"""TCP connections to the first address that answers, after Happy Eyeballs (RFC 8305), without threads."""

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
    """Return a connected socket. Raises TimeoutError at the deadline, else the last address's OSError."""
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
    """Return the addresses with alternating families, beginning with the first one's (RFC 8305 section 4)."""
    families: dict[int, list[Address]] = {}
    for address in addresses:
        families.setdefault(address[0], []).append(address)
    queues = list(families.values())
    return [queue[index] for index in range(max(map(len, queues), default=0)) for queue in queues if index < len(queue)]


class _Attempts:
    """Pending connections."""

    def __init__(self) -> None:
        self.pending: dict[int, socket.socket] = {}
        self.failure: OSError = OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))

    def start(self, address: Address) -> None:
        """Start to connect. A failure is recorded and reported at the end."""
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
        """Return the first established connection; None if all failed or the time is over."""
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
        """Close the pending connections."""
        while self.pending:
            self.pending.popitem()[1].close()

    def _fail(self, made: socket.socket, code: int) -> None:
        made.close()
        self.failure = OSError(code, os.strerror(code))
