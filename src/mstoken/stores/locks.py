"""One at a time for a name, among processes and threads. The system gives the lock back when its holder dies.

On POSIX this is flock(2) on a file that the holder removes before letting go, so none are left lying about; whoever
waited on the removed file sees that it has no name any more and starts over. `filelock` leaves its files there, and
importing it takes four times as long as starting Python; it serves where there is no flock: on Windows.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from mstoken.notices import warn

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    Release = Callable[[], None]

WAIT_IN = 120.0
"""Seconds to wait for another at most. Then go on without: asking twice is better than never."""

_SHORTEST_NAP_IN, _LONGEST_NAP_IN = 0.001, 0.02
_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class FileTurn:
    """A turn at the file `path`: a context manager, entered and left once, from any thread.

    Where the file cannot be made or locked, the turn is had at once: a lock saves requests, it does not guard data.
    """

    def __init__(
        self, path: str, *, wait_in: float = WAIT_IN, take: Callable[[str], Release | None] | None = None
    ) -> None:
        self._path, self._wait_in = path, wait_in
        self._take = take or try_lock
        self._release: Release | None = None

    def __enter__(self) -> None:
        deadline = time.monotonic() + self._wait_in
        nap = _SHORTEST_NAP_IN
        with suppress(OSError):
            while (release := self._take(self._path)) is None:
                if time.monotonic() >= deadline:
                    _say_that_waiting_ends(self._wait_in)
                    return
                time.sleep(nap)
                nap = min(nap * 1.5, _LONGEST_NAP_IN)
            self._release = release

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        release, self._release = self._release, None
        if release is not None:
            release()


def _say_that_waiting_ends(waited_in: float) -> None:
    warn(f"Another process has been asking for the same token for {waited_in:.0f} s; going on without it.")


def try_lock(path: str) -> Release | None:
    """Lock the file and give what unlocks it; None when somebody else has it. Raises OSError."""
    return take_by_filelock(path) if os.name == "nt" else take_by_flock(path)


def take_by_flock(path: str) -> Release | None:
    """`try_lock` by flock(2); letting go removes the file."""
    import fcntl

    file = os.open(path, _FLAGS, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(file).st_nlink:
            return lambda: _let_go(file, path)
    except BlockingIOError:
        pass
    except BaseException:
        os.close(file)
        raise
    os.close(file)
    return None


def _let_go(file: int, path: str) -> None:
    """Remove the name first: while only its holder does, the name and the lock belong together."""
    import fcntl

    try:
        with suppress(OSError):
            if os.fstat(file).st_nlink:
                os.unlink(path)  # noqa: PTH108
        fcntl.flock(file, fcntl.LOCK_UN)  # and not only close: a forked child may have the file open too
    finally:
        os.close(file)


def take_by_filelock(path: str) -> Release | None:
    """`try_lock` by whatever the system has."""
    from filelock import FileLock, Timeout

    lock = FileLock(path, thread_local=False)  # entered and left in different threads under asyncio
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return None
    return lock.release
