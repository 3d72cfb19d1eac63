"""Private folders that go when their emulator ends, and the removal of those that a killed emulator has left behind.

The owner holds a lock on a file in its folder. The system lets go of it when the process dies, however it dies
(flock(2)), and knows nothing of process ids, which other processes get later. So a folder whose lock can be taken is
dead. It is removed only if it is also this user's, private and marked as ours: what is in doubt stays.
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
    """A folder for this user alone (0700); in memory where there is such a place, as tokens should not reach a disk."""

    def __init__(self, prefix: str = PREFIX) -> None:
        memory = os.access(MEMORY, os.W_OK | os.X_OK)
        super().__init__(prefix=prefix, dir=MEMORY if memory else None)
        self._lock: int | None = None
        with suppress(OSError):  # a file system without locks: nobody will remove the folder for us
            self._lock = _own(Path(self.name))

    def cleanup(self) -> None:
        """Remove the folder."""
        lock, self._lock = self._lock, None
        if lock is not None and sys.platform == "win32":  # which removes no open file
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
    """Every folder that may be an emulator's, by its name, in the places where emulators put theirs."""
    for place in dict.fromkeys((MEMORY, tempfile.gettempdir())):
        with suppress(OSError):
            yield from sorted(Path(place).glob(f"{PREFIX}*"))


def is_dead(folder: Path) -> bool:
    """Whether the folder was an emulator's of this user, and its owner lives no more; False when that is in doubt."""
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
    """Lock the folder for this process. The file gets its name once it is locked: nobody sees it unlocked."""
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
    """The lock of a dead emulator's folder, taken; None where its owner lives or it is not surely ours."""
    if not _is_ours(folder.lstat(), stat.S_ISDIR):
        return None
    file = os.open(folder / _OWNER, _TO_LOOK)
    try:
        ours = _is_ours(os.fstat(file), stat.S_ISREG) and os.read(file, len(_MARK) + 1) == _MARK
        if ours and _locked(file) and os.fstat(file).st_nlink:
            return file
    except BaseException:
        os.close(file)
        raise
    os.close(file)
    return None


def _is_ours(found: os.stat_result, is_kind: Callable[[int], bool]) -> bool:
    """Whether it is of that kind, no link, this user's and closed to others (Windows has neither owners nor modes)."""
    if not is_kind(found.st_mode):
        return False
    return not hasattr(os, "getuid") or (found.st_uid == os.getuid() and not found.st_mode & 0o077)


def _locked(file: int) -> bool:
    """Take the lock if nobody has it. Raises OSError where the file system has no locks."""
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
