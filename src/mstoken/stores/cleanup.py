"""Keep the token folder small: remove expired tokens and the files of killed writers, a bounded number at a time."""

from __future__ import annotations

import os
import time
from contextlib import suppress

from mstoken.stores.locks import try_lock
from mstoken.stores.token_file import expires_on
from mstoken.stores.token_file_reader import read_file

# One system call each, many times over.
# ruff: noqa: PTH108,PTH208

INTERVAL_IN = 60.0
"""Seconds between two sweeps of one folder, whoever makes them."""

MAX_FILES = 4096
"""Files looked at in one sweep, from a random one on: each comes round sooner or later."""

_STALE_AFTER_IN = 3600.0
_MARKER = "swept"


class FolderCleaner:
    """Cleans the folder from time to time, after a save."""

    def __init__(self) -> None:
        self._not_before = float("-inf")

    def clean_if_due(self, folder: str) -> None:
        """Clean the folder if it is due. Cheap otherwise. Never raises."""
        if time.monotonic() < self._not_before:
            return
        self._not_before = time.monotonic() + INTERVAL_IN
        with suppress(OSError):
            if _claim(folder):
                clean_folder(folder, time.time())


def clean_folder(folder: str, now: float) -> int:
    """Remove files that expired before `now` (epoch seconds). Return their number. Raises OSError for the folder."""
    names = os.listdir(folder)
    start = int.from_bytes(os.urandom(4), "big") % len(names) if len(names) > MAX_FILES else 0
    gone = 0
    for name in (names[start:] + names[:start])[:MAX_FILES]:
        with suppress(OSError):
            gone += _remove_if_expired(folder, name, now)
    return gone


def _claim(folder: str) -> bool:
    """Return whether this process has to clean: no process did recently. A time in the future counts as long ago,
    because clocks change.
    """
    mark = f"{folder}/{_MARKER}"
    try:
        due = abs(time.time() - os.lstat(mark).st_mtime) >= INTERVAL_IN
    except FileNotFoundError:
        due = True
    if due:
        os.close(os.open(mark, os.O_WRONLY | os.O_CREAT, 0o600))
        os.utime(mark)
    return due


def _remove_if_expired(folder: str, name: str, now: float) -> bool:
    path = f"{folder}/{name}"
    stem, _, kind = name.rpartition(".")
    match kind:
        case "token" | "note":
            expiry = expires_on(read_file(folder, stem, 64, kind))
            if expiry is None or expiry > now:  # None: perhaps the format of a later version, so leave it alone
                return False
            os.unlink(path)
        case "tmp":
            if now - os.lstat(path).st_mtime < _STALE_AFTER_IN:
                return False
            os.unlink(path)
        case "lock":
            if now - os.lstat(path).st_mtime < _STALE_AFTER_IN:
                return False
            release = try_lock(path)
            if release is None:
                return False
            release()  # left by a killed holder: letting go removes it
        case _:
            return False
    return True
