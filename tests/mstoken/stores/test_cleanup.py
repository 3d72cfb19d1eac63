"""The folder stays small: what has expired goes, what lives stays."""

from __future__ import annotations

import os
import time
from pathlib import Path

from mstoken.model import Note, Token
from mstoken.stores import cleanup
from mstoken.stores.folder_access_tokens import FolderAccessTokens
from mstoken.stores.locks import try_flock

NOW = 1_800_000_000


def _filled(folder: str, expiries: list[int]) -> FolderAccessTokens:
    store = FolderAccessTokens(folder)
    store.save("ff", Token("first", 2**40))  # this one sweeps, and then no save does for a while
    for number, expires_on in enumerate(expiries):
        store.save(f"{number:08x}", Token(f"t{number}", expires_on))
    return store


def test_expired_tokens_are_removed_and_others_stay(memory_folder: str) -> None:
    """Only what has expired is removed, clear or of a later version that says so in its first line."""
    store = _filled(memory_folder, [NOW - 1, NOW, NOW + 1, NOW + 4000])
    (Path(memory_folder) / "aa.token").write_bytes(b"mstoken-token 2 whatever\n")
    assert cleanup.clean_folder(memory_folder, NOW) == 2
    assert [store.load(f"{number:08x}") is not None for number in range(4)] == [False, False, True, True]
    assert (Path(memory_folder) / "aa.token").exists()


def test_expired_notes_are_removed_and_others_stay(memory_folder: str) -> None:
    """The file of a later version stays too."""
    store = _filled(memory_folder, [])
    for number, expires_on in enumerate([NOW - 1, NOW + 1]):
        store.save_note(f"{number:08x}", Note("throttled", NOW - 600, expires_on))
    (Path(memory_folder) / "aa.note").write_bytes(b"mstoken-note 2 whatever\n")
    assert cleanup.clean_folder(memory_folder, NOW) == 1
    assert [store.load_note(f"{number:08x}") is not None for number in range(2)] == [False, True]
    assert (Path(memory_folder) / "aa.note").exists()


def test_one_cleanup_is_bounded_and_several_reach_everything(memory_folder: str) -> None:
    """However many files there are, one sweep looks at so many; the dead all go in the end."""
    most = cleanup.MAX_FILES
    cleanup.MAX_FILES = 20
    try:
        _filled(memory_folder, [NOW - 1] * 60 + [NOW + 1] * 20)
        rounds = [cleanup.clean_folder(memory_folder, NOW) for _ in range(60)]
    finally:
        cleanup.MAX_FILES = most
    assert max(rounds) <= 20
    assert sum(rounds) == 60


def test_saving_cleans_the_folder_from_time_to_time(memory_folder: str) -> None:
    """A save removes expired tokens of others, but not each save, and not while another process just did."""
    _filled(memory_folder, [NOW - 10**8])
    mark = Path(memory_folder) / "swept"
    FolderAccessTokens(memory_folder).save("ee", Token("t", 2**40))
    assert (Path(memory_folder) / f"{0:08x}.token").exists()
    for jumped in (-2 * cleanup.INTERVAL_IN, 10**7):  # long ago, or the clock was set back since
        FolderAccessTokens(memory_folder).save(f"{0:08x}", Token("t", NOW - 10**8))
        os.utime(mark, (time.time() + jumped, time.time() + jumped))
        FolderAccessTokens(memory_folder).save("ee", Token("t", 2**40))
        assert not (Path(memory_folder) / f"{0:08x}.token").exists()


def test_old_temporary_files_of_killed_processes_are_removed(memory_folder: str) -> None:
    """Drafts and lock files go after an hour, but not a lock that is held, however old."""
    _filled(memory_folder, [])
    names = ["new.tmp", "new.lock", "old.tmp", "old.lock", "held.lock"]
    for name in names:
        (Path(memory_folder) / name).touch()
        if not name.startswith("new"):
            os.utime(Path(memory_folder) / name, (1, 1))
    release = try_flock(f"{memory_folder}/held.lock")
    assert release is not None
    cleanup.clean_folder(memory_folder, time.time())
    left = {path.name for path in Path(memory_folder).iterdir()}
    release()
    assert left & set(names) == {"new.tmp", "new.lock", "held.lock"}
