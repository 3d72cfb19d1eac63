"""What must begin anew in the child of a fork: a lock, and whatever is only its parent's."""

from __future__ import annotations

import os
from functools import cache
from threading import Lock
from weakref import WeakSet


class HasLock:
    """Has `_lock`, among the threads of this process; the child of a fork finds it free, whoever of its parent had it.

    It would be taken for ever in a child that was forked while another thread held it, since that thread is not in the
    child (pthread_atfork(3), rationale).
    """

    def __init__(self) -> None:
        self._lock = Lock()
        _having.add(self)
        _renew_at_fork()

    def _begin_in_child(self) -> None:
        """Begin anew in the child of a fork; whoever has more that is its parent's lets go of it here."""
        self._lock = Lock()


_having: WeakSet[HasLock] = WeakSet()


@cache
def _renew_at_fork() -> None:
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_renew)


def _renew() -> None:
    for one in list(_having):
        one._begin_in_child()  # noqa: SLF001  # its own class, in its own file
