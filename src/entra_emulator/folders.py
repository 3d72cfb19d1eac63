"""Private folders that are removed when their emulator ends, and cleanup of the folders of killed emulators.

The owner holds a lock on a file in its folder. The system releases the lock when the process ends for any reason
(flock(2)). Unlike a process id, a lock is never reused by another process. A folder whose lock can be acquired is
therefore abandoned. It is removed only if it also belongs to this user, is private and has the emulator's marker; in
doubt, it stays.
"""

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

PREFIX = "entra-emulator-"
MEMORY = "/dev/shm"  # noqa: S108 - Linux' own place for memory-backed files; the folder made in it is private
_OWNER = "owner"
_MARK = b"entra_emulator: this folder belongs to the process that holds the lock on this file.\n"
_TO_LOOK = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class PrivateFolder(tempfile.TemporaryDirectory[str]):
    """A folder for this user only (0700), in memory if the system has such a place, so that no token reaches a disk."""

    def __init__(self, prefix: str = PREFIX) -> None:
        memory = os.access(MEMORY, os.W_OK | os.X_OK)
        super().__init__(prefix=prefix, dir=MEMORY if memory else None)
        self._lock: int | None = None
        with suppress(OSError):  # on a file system without locks, no later emulator removes the folder
            self._lock = _own(Path(self.name))

    def cleanup(self) -> None:
        """Remove the folder."""
        lock, self._lock = self._lock, None
        if lock is not None and sys.platform == "win32":  # Windows cannot remove an open file
            os.close(lock)
            lock = None
        super().cleanup()
        if lock is not None:
            os.close(lock)


def remove_dead() -> None:
    """Remove the folders of this user's emulators that were killed. Never raises."""
    for folder in left_here():
        with suppress(OSError):
            _remove_if_dead(folder)


def left_here() -> Iterator[Path]:
    """Yield every folder that has an emulator's form of name, in the places where emulators create theirs."""
    for folder in dict.fromkeys((MEMORY, tempfile.gettempdir())):
        with suppress(OSError):
            yield from sorted(Path(folder).glob(f"{PREFIX}*"))


def is_dead(folder: Path) -> bool:
    """Return whether the folder belongs to an emulator of this user that has ended; False in doubt."""
    try:
        lock = _lock_of_dead(folder)
    except OSError:
        return False
    if lock is not None:
        os.close(lock)
    return lock is not None


def _remove_if_dead(folder: Path) -> None:
    lock = _lock_of_dead(folder)
    if lock is None:
        return
    try:
        if sys.platform != "win32":
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)
    if sys.platform == "win32":
        shutil.rmtree(folder, ignore_errors=True)


def _own(folder: Path) -> int:
    """Lock the folder for this process. The file gets its name after it is locked, so nobody sees it unlocked."""
    draft = folder / f"{_OWNER}.new"
    file = os.open(draft, _TO_LOOK | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(file, _MARK)
        if _locked(file):
            draft.rename(folder / _OWNER)
    except BaseException:
        os.close(file)
        raise
    return file


def _lock_of_dead(folder: Path) -> int | None:
    """Acquire the lock of an abandoned folder; return None if its owner still runs or it may not be an emulator's."""
    if not _is_ours(folder.lstat(), stat.S_ISDIR):
        return None
    file = os.open(folder / _OWNER, _TO_LOOK)
    try:
        is_marked = _is_ours(os.fstat(file), stat.S_ISREG) and os.read(file, len(_MARK) + 1) == _MARK
        if is_marked and _locked(file) and os.fstat(file).st_nlink:
            return file
    except BaseException:
        os.close(file)
        raise
    os.close(file)
    return None


def _is_ours(found: os.stat_result, is_kind: Callable[[int], bool]) -> bool:
    """Return whether it has that kind, is not a link, and is private to this user (not checked on Windows)."""
    if not is_kind(found.st_mode):
        return False
    return not hasattr(os, "getuid") or (found.st_uid == os.getuid() and not found.st_mode & 0o077)


def _locked(file: int) -> bool:
    """Acquire the lock if it is free. Raises OSError on a file system without locks."""
    if sys.platform == "win32":
        import msvcrt

        os.lseek(file, 0, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
