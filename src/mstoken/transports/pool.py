"""Persistent connections of one route. The most recently used one is reused first; old ones are closed."""

from __future__ import annotations

from threading import Condition
from time import monotonic

from mstoken.errors import TransportError
from mstoken.forks import ForkSafe
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.transports.connecting import Route
    from mstoken.transports.connection import Connection
    from mstoken.transports.deadline import Deadline

MOST_OPEN = 1024
"""Connections to one server at once; who needs another one waits."""
IDLE_IN = 60.0
"""Seconds an idle connection is kept. Load balancers forget theirs after four minutes, many servers sooner."""
OPEN_IN = 300.0
"""Seconds a connection serves at most, so that a name that moved to other addresses is followed."""
SURELY_OPEN_IN = 2.0
"""Seconds after which an idle connection is not trusted with a request that must not be sent twice."""


class Pool(ForkSafe):
    """The connections of one route. Threads may share it; in a forked child it is empty."""

    def __init__(self, route: Route) -> None:
        super().__init__()
        self.route = route
        self._idle: list[Connection] = []
        self._open: set[Connection] = set()
        self._making = 0
        self._freed = Condition(self._lock)

    def _reset_after_fork(self) -> None:
        """Drop the parent's connections, including those that its other threads were using."""
        super()._reset_after_fork()
        parents, self._open, self._idle, self._making = self._open, set(), [], 0
        self._freed = Condition(self._lock)
        for connection in parents:
            connection.close()

    def take(self, deadline: Deadline, *, surely_open: bool) -> Connection:
        """Return an idle connection that still works, else a new one.

        Raises what `Route.connect` raises, and TransportError if no connection becomes free before the deadline.
        """
        idle_in = SURELY_OPEN_IN if surely_open else IDLE_IN
        while True:
            with self._lock:
                while (connection := self._pop_idle(idle_in)) is None and self._is_full():
                    self._wait(deadline)
                if connection is None:
                    self._making += 1
            if connection is None:
                return self._made(deadline)
            if not connection.is_stale():
                return connection
            self.drop(connection)

    def fresh(self, deadline: Deadline) -> Connection:
        """Return a new connection. Raises as `take` does."""
        with self._lock:
            while self._is_full():
                if self._idle:
                    self._forget(self._idle.pop(0))
                else:
                    self._wait(deadline)
            self._making += 1
        return self._made(deadline)

    def give_back(self, connection: Connection) -> None:
        """Return the connection to the pool if it can be reused."""
        if not connection.reusable:
            self.drop(connection)
            return
        connection.idle_since = monotonic()
        with self._lock:
            if connection in self._open:
                self._idle.append(connection)
                self._freed.notify()
                return
        connection.close()

    def drop(self, connection: Connection) -> None:
        """Close the connection."""
        with self._lock:
            self._forget(connection)

    def close_expired(self) -> bool:
        """Close connections that were idle or open for too long. Return whether any connection is left."""
        now = monotonic()
        with self._lock:
            for connection in [idle for idle in self._idle if _expired(idle, now, IDLE_IN)]:
                self._idle.remove(connection)
                self._forget(connection)
            return bool(self._open or self._making)

    def close(self) -> None:
        """Close idle connections now, and those in use when they are returned."""
        with self._lock:
            idle, self._idle = self._idle, []
            for connection in idle:
                self._forget(connection)
            self._open.clear()
            self._freed.notify_all()

    def _made(self, deadline: Deadline) -> Connection:
        """Open the connection that was counted in `_making`."""
        lock = self._lock
        made = None
        try:
            made = self.route.connect(deadline)
        finally:
            with lock:
                if lock is self._lock:  # in the child of a fork, what was counted is the parent's
                    self._making -= 1
                    if made is not None:
                        self._open.add(made)
                    else:
                        self._freed.notify()
        return made

    def _is_full(self) -> bool:
        return len(self._open) + self._making >= MOST_OPEN

    def _wait(self, deadline: Deadline) -> None:
        if not self._freed.wait(max(0.0, deadline.until - monotonic())):
            raise TransportError(
                f"{MOST_OPEN} connections to {self.route.peer.name} are in use, and none became free in time.",
                "Make fewer requests at once.",
            )

    def _pop_idle(self, idle_in: float) -> Connection | None:
        """Return the most recently used connection, if it is not too old."""
        now = monotonic()
        while self._idle:
            connection = self._idle.pop()
            if not _expired(connection, now, idle_in):
                return connection
            self._forget(connection)
        return None

    def _forget(self, connection: Connection) -> None:
        self._open.discard(connection)
        connection.close()
        self._freed.notify()


def _expired(connection: Connection, now: float, idle_in: float) -> bool:
    return now - connection.idle_since > idle_in or now - connection.made_at > OPEN_IN
