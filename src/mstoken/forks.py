"""State that the child of a fork must reset: locks, and everything that belongs to the parent alone."""

from __future__ import annotations

import os
from functools import cache
from threading import Lock
from weakref import WeakSet


class ForkSafe:
    """An object with a lock, `_lock`, that is free again in the child of a fork.

    A child that is forked while another thread holds the lock would wait for it forever, because that thread does not
    exist in the child (pthread_atfork(3), rationale).
    """

    def __init__(self) -> None:
        self._lock = Lock()
        _instances.add(self)
        _register_once()

    def _reset_after_fork(self) -> None:
        """Reset this object in the child of a fork; subclasses drop what belongs to the parent here."""
        self._lock = Lock()


_instances: WeakSet[ForkSafe] = WeakSet()


@cache
def _register_once() -> None:
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_reset_all)


def _reset_all() -> None:
    for instance in list(_instances):
        instance._reset_after_fork()  # noqa: SLF001  # its own class, in its own file
