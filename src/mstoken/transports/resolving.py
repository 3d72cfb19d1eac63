"""Name lookups with a time limit, which getaddrinfo(3) does not have."""

from __future__ import annotations

import socket
import sys
import threading
from time import monotonic

from mstoken.errors import UsageError
from mstoken.forks import ForkSafe
from mstoken.transports.failures import unresolved
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.transports.deadline import Deadline
    from mstoken.transports.failures import Peer

    Address = tuple[int, int, int, tuple[object, ...]]
    """Family, kind and protocol of a socket, and the address to connect it to."""

CACHED_IN = 10.0
"""Seconds an answer serves further connections: those of one crowd, and no longer."""


class _Lookup:
    """One call of getaddrinfo and its result."""

    def __init__(self, host: bytes, port: int) -> None:
        self._host, self._port = host, port
        self.addresses: list[Address] = []
        self.begun = monotonic()
        self.done = threading.Event()

    @property
    def serves(self) -> bool:
        """Whether it is pending, or has found addresses: a failure is not cached."""
        return not self.done.is_set() or bool(self.addresses)

    def run(self) -> None:
        try:
            self.addresses = _looked_up(self._host, self._port)
        except OSError:
            pass  # it has no addresses
        finally:
            self.done.set()

    def start(self) -> None:
        """Run in a daemon thread, or here if none can be started, as during the exit of Python."""
        if sys.is_finalizing():
            self.run()
            return
        try:
            threading.Thread(target=self.run, name="mstoken-resolve", daemon=True).start()
        except RuntimeError:
            self.run()


class Resolver(ForkSafe):
    """Looks up names. Callers that need the same name at the same time share one lookup."""

    def __init__(self) -> None:
        super().__init__()
        self._lookups: dict[tuple[bytes, int], _Lookup] = {}

    def _reset_after_fork(self) -> None:
        """Drop the lookups: their threads belong to the parent."""
        super()._reset_after_fork()
        self._lookups = {}

    def addresses(self, host: str, port: int, deadline: Deadline, peer: Peer) -> list[Address]:
        """Return the addresses of `host`, in the system's order (RFC 6724).

        Raises TransportError if there are none, TimeoutError at the deadline, UsageError for an invalid name.
        """
        name = _encoded(host)
        try:
            return _looked_up(name, port, socket.AI_NUMERICHOST)
        except OSError:
            pass  # a name, not an address
        lookup = self._lookup(name, port)
        if not lookup.done.wait(deadline.left()):
            raise TimeoutError("timed out")
        if not lookup.addresses:
            raise unresolved(peer, host)
        return lookup.addresses

    def _lookup(self, host: bytes, port: int) -> _Lookup:
        key, now = (host, port), monotonic()
        with self._lock:
            found = self._lookups.get(key)
            if found is not None and found.serves and now - found.begun < CACHED_IN:
                return found
            for old in [old for old, lookup in self._lookups.items() if now - lookup.begun >= CACHED_IN]:
                del self._lookups[old]
            made = self._lookups[key] = _Lookup(host, port)
        made.start()
        return made


def _looked_up(host: bytes, port: int, flags: int = 0) -> list[Address]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    return [(family, kind, protocol, address) for family, kind, protocol, _, address in found]


def _encoded(host: str) -> bytes:
    """Return the name as bytes: text would use the codec for international names, which is slow to import."""
    try:
        return host.encode("ascii" if host.isascii() else "idna")
    except UnicodeError:
        raise UsageError(f"{host!r} cannot be the name of a host.", "Check the URL.") from None


RESOLVER = Resolver()
