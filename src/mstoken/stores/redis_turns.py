"""One at a time for a name, among all machines that share a Redis.

The holder's mark has a short life and is renewed while the holder lives: if it dies, another takes over when the mark
is gone. Only the holder's own mark is ever removed or renewed (redis.io/docs/latest/develop/clients/patterns/
distributed-locks, the single instance). The server's clock alone counts, so no machine's clock matters.
"""

from __future__ import annotations

import os
import random
import time
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

from mstoken.errors import StoreError
from mstoken.notices import warn
from mstoken.stores.locks import WAIT_IN

if TYPE_CHECKING:
    from types import TracebackType

    from mstoken.stores.redis_link import Link

LEASE_IN = 10.0
"""Seconds a mark lives unless renewed, which is done three times as often: how long a dead holder is waited for."""

_SHORTEST_NAP_IN, _LONGEST_NAP_IN = 0.002, 0.05


class Keeper:
    """Renews the marks of this process, all of them from one thread that lives while there are any."""

    def __init__(self, link: Link, lease_in: float = LEASE_IN) -> None:
        self.link, self.lease_in = link, lease_in
        self._held: dict[str, str] = {}
        self._lock = Lock()
        self._thread: Thread | None = None
        self._process = 0

    def hold(self, name: str, mark: str) -> None:
        with self._lock:
            if self._process != os.getpid():  # what the parent of a fork holds is not ours to renew
                self._process, self._held, self._thread = os.getpid(), {}, None
            self._held[name] = mark
            if self._thread is None:
                self._thread = Thread(target=self._renew, name="mstoken-redis", daemon=True)
                self._thread.start()

    def let_go(self, name: str) -> None:
        with self._lock:
            self._held.pop(name, None)

    def _renew(self) -> None:
        pause = Event()
        while True:
            pause.wait(self.lease_in / 3)
            with self._lock:
                held = list(self._held.items())
                if not held:
                    self._thread = None
                    return
            for name, mark in held:
                with suppress(StoreError):  # while the server is away there is nothing to renew
                    self.link.extend(name, mark, self.lease_in)


class RedisTurn:
    """A turn at `name`: a context manager, entered and left once, from any thread.

    When the server cannot be asked, the turn is had at once: it saves requests, it does not guard data.
    """

    def __init__(self, keeper: Keeper, name: str, *, wait_in: float = WAIT_IN) -> None:
        self._keeper, self._name, self._wait_in = keeper, name, wait_in
        self._mark = ""

    def __enter__(self) -> None:
        mark, deadline, nap = os.urandom(16).hex(), time.monotonic() + self._wait_in, _SHORTEST_NAP_IN
        link, lease_in = self._keeper.link, self._keeper.lease_in
        with suppress(StoreError):
            while not link.take(self._name, mark, lease_in):
                if time.monotonic() >= deadline:
                    _say_going_on(self._wait_in)
                    return
                time.sleep(nap * (0.5 + random.random()))  # noqa: S311 - so that not all come back at once
                nap = min(nap * 1.5, _LONGEST_NAP_IN)
            self._mark = mark
            self._keeper.hold(self._name, mark)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        mark, self._mark = self._mark, ""
        if mark:
            self._keeper.let_go(self._name)
            with suppress(StoreError):  # its life ends soon anyway
                self._keeper.link.swap(self._name, mark.encode(), b"")


def _say_going_on(waited_in: float) -> None:
    warn(f"Another machine has been asking for the same token for {waited_in:.0f} s; going on without it.")
