"""One at a time for a name, among processes and threads. The system gives the lock back when its holder dies.

On POSIX this is flock(2) on a file that the holder removes before letting go, so none are left lying about; whoever
had opened the removed file sees that it has no name any more and tries again. `filelock` leaves its files there, and
importing it takes four times as long as starting Python; it serves where there is no flock: on Windows.
"""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cache

from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.flows.store_port import Release

_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_open_locks: set[int] = set()
"""The open files of the locks that this process holds."""


def try_lock_or_proceed(path: str) -> Release | None:
    """The turn at the file `path`: what ends it, from any thread; None while somebody else has it.

    Where the file cannot be made or locked, the turn is had at once: a lock saves requests, it does not guard data.
    """
    try:
        return try_lock(path)
    except OSError:
        return release_nothing


def release_nothing() -> None:
    """End a turn that was none."""


def try_lock(path: str) -> Release | None:
    """Lock the file and give what unlocks it; None when somebody else has it. Raises OSError."""
    return try_filelock(path) if os.name == "nt" else try_flock(path)


def try_flock(path: str) -> Release | None:
    """`try_lock` by flock(2); letting go removes the file."""
    import fcntl

    _close_at_fork()
    file = os.open(path, _FLAGS, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(file).st_nlink:
            _open_locks.add(file)
            return lambda: _release(file, path)
    except BlockingIOError:
        pass
    except BaseException:
        os.close(file)
        raise
    os.close(file)
    return None


def _release(file: int, path: str) -> None:
    """Remove the name first: while only its holder does, the name and the lock belong together."""
    import fcntl

    if file not in _open_locks:  # this is a child, forked within the turn: it is its parent's
        return
    _open_locks.discard(file)
    try:
        with suppress(OSError):
            if os.fstat(file).st_nlink:
                os.unlink(path)  # noqa: PTH108
        fcntl.flock(file, fcntl.LOCK_UN)  # and not only close: a child may be at work between fork and exec
    finally:
        os.close(file)


@cache
def _close_at_fork() -> None:
    """A lock lasts as long as the file is open anywhere (flock(2)): a child must not hold on to a dead parent's."""
    os.register_at_fork(after_in_child=_close_parents_locks)


def _close_parents_locks() -> None:
    while _open_locks:
        with suppress(OSError):
            os.close(_open_locks.pop())


def try_filelock(path: str) -> Release | None:
    """`try_lock` by whatever the system has."""
    from filelock import FileLock, Timeout

    lock = FileLock(path, thread_local=False)  # entered and left in different threads under asyncio
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return None
    return lock.release
