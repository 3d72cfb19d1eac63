"""Exclusive locks between processes and threads. The system releases a lock when its owner dies.

On POSIX this is flock(2) on a file that the owner removes before it releases the lock, so no files are left. A process
that had already opened the removed file notices that the file has no name and tries again. `filelock` leaves its files,
and importing it takes four times as long as starting Python; it is used on systems without flock, such as Windows.
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
    """Lock the file `path`. Return a function that releases it from any thread; None while another owner has it.

    If the file cannot be created or locked, the lock counts as acquired: it saves requests and guards no data.
    """
    try:
        return try_lock(path)
    except OSError:
        return release_nothing


def release_nothing() -> None:
    """Release a lock that was not taken."""


def try_lock(path: str) -> Release | None:
    """Lock the file and return a function that unlocks it; None if it is locked already. Raises OSError."""
    return try_filelock(path) if os.name == "nt" else try_flock(path)


def try_flock(path: str) -> Release | None:
    """Try to lock by flock(2). Releasing removes the file."""
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
    """Remove the name first: as long as only the owner does that, name and lock belong together."""
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
    """Close the lock files in a forked child: a lock lasts as long as any process has the file open (flock(2))."""
    os.register_at_fork(after_in_child=_close_parents_locks)


def _close_parents_locks() -> None:
    while _open_locks:
        with suppress(OSError):
            os.close(_open_locks.pop())


def try_filelock(path: str) -> Release | None:
    """Try to lock by the means of this system."""
    from filelock import FileLock, Timeout

    lock = FileLock(path, thread_local=False)  # entered and left in different threads under asyncio
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return None
    return lock.release
