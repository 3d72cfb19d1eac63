"""The time limit of one call, which another thread can end early."""

from __future__ import annotations

import socket
from contextlib import suppress
from time import monotonic

from mstoken.forks import call_lock

TIMEOUT_IN = 30.0
"""Seconds for a call that sets no limit of its own."""


class Deadline:
    """One time limit for all steps of a call: each step gets the time that remains.

    With `renews`, it begins anew whenever bytes were sent or received.
    """

    __slots__ = ("_renewed_in", "until")

    def __init__(self, seconds: float, *, renews: bool = False) -> None:
        self.until = monotonic() + seconds
        self._renewed_in = seconds if renews else 0.0

    def moved(self) -> None:
        """Begin anew, if this limit does: bytes were sent or received."""
        if self._renewed_in:
            self._renew()

    def _renew(self) -> None:
        self.until = monotonic() + self._renewed_in

    def left(self) -> float:
        """Return the remaining seconds. Raises TimeoutError if there are none."""
        left = self.until - monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return left

    def at_most(self, seconds: float) -> Deadline:
        """Return a deadline for one step: this one, or `seconds` from now if that is earlier."""
        step = Deadline(seconds)
        step.until = min(step.until, self.until)
        return step

    def attach(self, link: socket.socket) -> None:
        """Register `link` as the socket that the call waits for; `abort` may shut it down until `detach`."""

    def detach(self) -> None:
        """Unregister the socket."""


class Abortable(Deadline):
    """A deadline that another thread can end: it shuts down the socket that the call waits for."""

    __slots__ = ("_aborted", "_link", "_lock")

    def __init__(self, seconds: float, *, renews: bool = False) -> None:
        super().__init__(seconds, renews=renews)
        self._lock = call_lock()
        self._link: socket.socket | None = None
        self._aborted = False

    def _renew(self) -> None:
        with self._lock:
            if not self._aborted:
                super()._renew()

    def attach(self, link: socket.socket) -> None:
        with self._lock:
            self._link = link

    def detach(self) -> None:
        with self._lock:
            self._link = None

    def abort(self) -> None:
        """End the call: its current wait fails at once, and no further step begins."""
        with self._lock:
            self._aborted, self.until = True, 0.0
            if self._link is not None:
                with suppress(OSError):  # it may be closed already
                    # Not SSLSocket.shutdown: that one drops the TLS layer first, and a thread between two writes
                    # would go on in clear text.
                    socket.socket.shutdown(self._link, socket.SHUT_RDWR)
