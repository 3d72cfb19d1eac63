"""Turns among the callers of one process: who asks, who waits, and what those who waited learn.

Bookkeeping only; how a caller waits (a thread, a task) is the runtime's. An entry lives while somebody holds or awaits
it, so the table is as large as the number of keys asked for right now.
"""

from __future__ import annotations

import copy

from mstoken.flows.port import Turn
from mstoken.typed import Generic, Protocol, TypeVar


class Held(Protocol):
    """A lock, of threads or of tasks."""

    def release(self) -> None: ...


L = TypeVar("L", bound="Held")

IN_TIME, LATE = Turn(), Turn(late=True)


class Entry(Generic[L]):
    """One key's lock, its users, and the last failure with the number of the turn that failed."""

    __slots__ = ("failed_turn", "failure", "lock", "turn", "users")

    def __init__(self, lock: L) -> None:
        self.lock = lock
        self.users = self.turn = 0
        self.failed_turn = -1
        self.failure: Exception | None = None

    def arrive(self) -> int:
        """Join those who hold or await the lock; gives the number of the turn going on."""
        self.users += 1
        return self.turn

    def begin(self, arrived: int, *, late: bool) -> Turn:
        """The caller's turn has come; it learns of a failure only if it was already waiting then."""
        if self.failure is not None and self.failed_turn >= arrived:
            return Turn(_another(self.failure), late)
        return LATE if late else IN_TIME

    def failed(self, failure: Exception) -> None:
        """Tell those who wait now, and nobody who comes later."""
        self.failure, self.failed_turn = failure, self.turn
        self.turn += 1


def _another(error: Exception) -> Exception:
    """The same error without its traceback, which each who raises it makes longer.

    A copy is made anew from the arguments, which fails for classes whose constructor takes others; then by its parts.
    """
    try:
        made = copy.copy(error)
    except Exception:  # noqa: BLE001 - callers' own functions prove a client, and raise what they like
        made = type(error).__new__(type(error), *error.args)
        made.args = error.args
        made.__dict__.update(error.__dict__)
    return made
