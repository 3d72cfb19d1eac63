"""What must begin anew in the child of a fork: a lock, and whatever is only its parent's."""

from __future__ import annotations

import os
from functools import cache
from threading import Lock
from weakref import WeakSet


class ForkSafe:
    """Has `_lock`, among the threads of this process; the child of a fork finds it free, whoever of its parent had it.

    It would be taken for ever in a child that was forked while another thread held it, since that thread is not in the
    child (pthread_atfork(3), rationale).
    """

    def __init__(self) -> None:
        self._lock = Lock()
        _instances.add(self)
        _register_once()

    def _reset_after_fork(self) -> None:
        """Begin anew in the child of a fork; whoever has more that is its parent's lets go of it here."""
        self._lock = Lock()


_instances: WeakSet[ForkSafe] = WeakSet()


@cache
def _register_once() -> None:
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_reset_all)


def _reset_all() -> None:
    for instance in list(_instances):
        instance._reset_after_fork()  # noqa: SLF001  # its own class, in its own file
