"""Locks that survive a fork, and whatever else a child must not inherit. The only file that makes locks of threads.

A lock that another thread of the parent holds at the fork would stay locked in the child for ever, since that thread is
not there (pthread_atfork(3), rationale). tools/check_locks.py finds locks that are made elsewhere.
"""

from __future__ import annotations

import os
from functools import cache
from threading import Lock
from weakref import WeakSet


class ForkSafe:
    """Has `_lock`, for the threads of this process. The child of a fork has a new one, whoever held the parent's."""

    def __init__(self) -> None:
        self._lock = Lock()
        _instances.add(self)
        _register_once()

    def _reset_after_fork(self) -> None:
        """Start anew in the child of a fork. A subclass that has more of its parent's drops it here."""
        self._lock = Lock()


class SharedLock(ForkSafe):
    """A lock for a whole module: `with LOCK.current:`."""

    @property
    def current(self) -> Lock:
        """This process's lock."""
        return self._lock


def call_lock() -> Lock:
    """A lock that only the threads of one call know. No child of a fork continues that call, so none meets the lock."""
    return Lock()


_instances: WeakSet[ForkSafe] = WeakSet()


@cache
def _register_once() -> None:
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_reset_all)


def _reset_all() -> None:
    for instance in list(_instances):
        instance._reset_after_fork()  # noqa: SLF001  # its own class, in its own file
