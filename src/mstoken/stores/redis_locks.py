"""Exclusive locks between all machines that share a Redis.

The owner's mark expires soon and is renewed while the owner lives; if the owner dies, another one acquires the lock
after the expiry. Only the owner's own mark is removed or renewed
(redis.io/docs/latest/develop/clients/patterns/distributed-locks, single instance). Only the server's clock counts.
"""

from __future__ import annotations

import os
from contextlib import suppress
from threading import Event, Thread

from mstoken.errors import StoreError
from mstoken.forks import ForkSafe
from mstoken.stores.locks import release_nothing
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.flows.store_port import Release
    from mstoken.stores.redis_connection import RedisConnection

LEASE_IN = 10.0
"""Seconds a mark lives unless renewed, which is done three times as often: how long a dead holder is waited for."""


class RedisLocks(ForkSafe):
    """Acquires locks at the server of `link` and renews the marks of this process, all from one thread."""

    def __init__(self, connection: RedisConnection, lease_in: float = LEASE_IN) -> None:
        self._connection, self._lease_in = connection, lease_in
        self._owned: dict[str, str] = {}
        super().__init__()
        self._thread: Thread | None = None
        self._process = 0

    def try_lock(self, name: str) -> Release | None:
        """Lock `name`. Return a function that releases it from any thread; None while another owner has it.

        If the server is unavailable, the lock counts as acquired: it saves requests and guards no data.
        """
        owner = os.urandom(16).hex()
        try:
            locked = self._connection.set_if_absent(name, owner, self._lease_in)
        except StoreError:
            return release_nothing
        if not locked:
            return None
        self._register(name, owner)
        return lambda: self._release(name, owner)

    def _register(self, name: str, owner: str) -> None:
        with self._lock:
            if self._process != os.getpid():  # what the parent of a fork holds is not ours to renew
                self._process, self._owned, self._thread = os.getpid(), {}, None
            self._owned[name] = owner
            if self._thread is None:
                self._thread = Thread(target=self._renew, name="mstoken-redis", daemon=True)
                self._thread.start()

    def _release(self, name: str, owner: str) -> None:
        if self._process != os.getpid():  # this is a child, forked within the turn: it is its parent's
            return
        with self._lock:
            if self._owned.get(name) == owner:
                del self._owned[name]
        with suppress(StoreError):  # its life ends soon anyway
            self._connection.swap(name, owner.encode(), b"")

    def _renew(self) -> None:
        pause = Event()
        while True:
            pause.wait(self._lease_in / 3)
            with self._lock:
                locks = list(self._owned.items())
                if not locks:
                    self._thread = None
                    return
            for name, owner in locks:
                with suppress(StoreError):  # while the server is away there is nothing to renew
                    self._connection.extend(name, owner, self._lease_in)
