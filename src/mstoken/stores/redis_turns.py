"""One at a time for a name, among all machines that share a Redis.

The holder's mark has a short life and is renewed while the holder lives: if it dies, another takes over when the mark
is gone. Only the holder's own mark is ever removed or renewed (redis.io/docs/latest/develop/clients/patterns/
distributed-locks, the single instance). The server's clock alone counts, so no machine's clock matters.
"""

from __future__ import annotations

import os
from contextlib import suppress
from threading import Event, Thread

from mstoken.errors import StoreError
from mstoken.forks import HasLock
from mstoken.stores.locks import had_anyway
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.flows.store_port import Release
    from mstoken.stores.redis_link import Link

LEASE_IN = 10.0
"""Seconds a mark lives unless renewed, which is done three times as often: how long a dead holder is waited for."""


class Turns(HasLock):
    """Takes turns at the server of `link` and renews this process's marks, all from one thread while there are any."""

    def __init__(self, link: Link, lease_in: float = LEASE_IN) -> None:
        self._link, self._lease_in = link, lease_in
        self._held: dict[str, str] = {}
        super().__init__()
        self._thread: Thread | None = None
        self._process = 0

    def take(self, name: str) -> Release | None:
        """The turn at `name`: what ends it, from any thread; None while somebody else has it.

        When the server cannot be asked, the turn is had at once: it saves requests, it does not guard data.
        """
        mark = os.urandom(16).hex()
        try:
            taken = self._link.take(name, mark, self._lease_in)
        except StoreError:
            return had_anyway
        if not taken:
            return None
        self._hold(name, mark)
        return lambda: self._let_go(name, mark)

    def _hold(self, name: str, mark: str) -> None:
        with self._lock:
            if self._process != os.getpid():  # what the parent of a fork holds is not ours to renew
                self._process, self._held, self._thread = os.getpid(), {}, None
            self._held[name] = mark
            if self._thread is None:
                self._thread = Thread(target=self._renew, name="mstoken-redis", daemon=True)
                self._thread.start()

    def _let_go(self, name: str, mark: str) -> None:
        if self._process != os.getpid():  # this is a child, forked within the turn: it is its parent's
            return
        with self._lock:
            if self._held.get(name) == mark:
                del self._held[name]
        with suppress(StoreError):  # its life ends soon anyway
            self._link.swap(name, mark.encode(), b"")

    def _renew(self) -> None:
        pause = Event()
        while True:
            pause.wait(self._lease_in / 3)
            with self._lock:
                held = list(self._held.items())
                if not held:
                    self._thread = None
                    return
            for name, mark in held:
                with suppress(StoreError):  # while the server is away there is nothing to renew
                    self._link.extend(name, mark, self._lease_in)
