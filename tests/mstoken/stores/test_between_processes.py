"""The folder between processes: none lost, one at a time, and a dead holder holds nobody up."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from mstoken.model import Token
from mstoken.stores.folder_access_tokens import FolderAccessTokens
from mstoken.stores.locks import try_filelock, try_flock, try_lock, try_lock_or_proceed

KEY = "0" * 40
SECONDS = 30.0 if os.environ.get("MSTOKEN_LONG_TESTS") else 1.5


def _done(process: Any) -> list[str]:
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return str(output).split()


def _names(folder: str) -> list[str]:
    return [path.name for path in Path(folder).iterdir()]


def test_eight_processes_lose_no_token_of_each_other(memory_folder: str, workers: Any) -> None:
    """Each finds all it wrote while the others write, and afterwards everything is there."""
    busy = workers.start_together(8, "write_and_read", memory_folder, SECONDS)
    results = [_done(process) for process in busy]
    assert [missed for _, missed in results] == ["0"] * 8
    store = FolderAccessTokens(memory_folder)
    for worker, (count, _) in enumerate(results):
        assert int(count) > 10
        for number in range(int(count)):
            assert store.load(f"{worker:08x}{number:032x}") == Token(f"t{number}", 4_000_000_000)


def test_a_reader_never_misses_a_token_during_a_write(memory_folder: str, workers: Any) -> None:
    """A token that is rewritten all the time is found at every look, whole, and no other goes meanwhile."""
    store = FolderAccessTokens(memory_folder)
    store.save(KEY, Token("x" * 10, 4_000_000_000))
    store.save("1" * 40, Token("still", 4_000_000_000))
    writer = workers.start("overwrite", memory_folder, KEY, 1)
    looks = 0
    while writer.poll() is None:
        looks += 1
        kept, other = store.load(KEY), store.load("1" * 40)
        assert kept is not None
        assert set(kept.token) == {"x"}
        assert other is not None
    assert int(_done(writer)[0]) > 10
    assert looks > 10
    assert not [name for name in _names(memory_folder) if name.endswith(".tmp")]


def test_sixteen_processes_hold_the_lock_one_at_a_time(memory_folder: str, workers: Any, tmp_path: Path) -> None:
    """Never two at once, and no lock file is left."""
    busy = workers.start_together(16, "take_turns", memory_folder, KEY, tmp_path / "mark", 8)
    assert [_done(process) for process in busy] == [["0"]] * 16
    assert _names(memory_folder) == []


def test_a_lock_stays_exclusive_while_its_file_is_recreated(workers: Any, tmp_path: Path) -> None:
    """Its holder removes the file: who had opened it before must not take the removed file for the lock."""
    busy = workers.start_together(4, "grab", tmp_path / "a.lock", tmp_path / "mark", 0.7)
    results = [_done(process) for process in busy]
    assert [met for _, met in results] == ["0"] * 4
    assert sum(int(taken) for taken, _ in results) > 10


def test_the_lock_of_a_killed_process_is_released(memory_folder: str, workers: Any) -> None:
    """The system frees the lock of a dead process; the file it left is used on, then removed."""
    worker = workers.start("hold", memory_folder, KEY)
    assert worker.stdout.readline() == "held\n"
    assert try_flock(f"{memory_folder}/{KEY}.lock") is None
    worker.kill()
    worker.wait()
    assert _names(memory_folder) == [f"{KEY}.lock"]
    release = try_lock(f"{memory_folder}/{KEY}.lock")
    assert release is not None
    assert try_lock(f"{memory_folder}/{KEY}.lock") is None
    release()
    assert _names(memory_folder) == []


@pytest.mark.parametrize("killed", [False, True])
def test_a_forked_child_does_not_hold_the_lock(memory_folder: str, workers: Any, killed: bool) -> None:  # noqa: FBT001
    """A turn of whoever forked a child is over when its taker says so or dies, and not before, whatever becomes of it.

    The child has the lock file open too, and would end its parent's turn where it runs on to the end of its own.
    """
    worker = workers.start("hold_with_child", memory_folder, KEY)
    child = int(worker.stdout.readline())
    try:
        assert try_flock(f"{memory_folder}/{KEY}.lock") is None
        if killed:
            worker.kill()
            worker.wait()
        else:
            worker.stdin.write("go on\n")
            worker.stdin.flush()
            assert worker.stdout.readline() == "done\n"
        release = try_flock(f"{memory_folder}/{KEY}.lock")
        assert release is not None
        release()
    finally:
        os.kill(child, signal.SIGKILL)


@pytest.mark.parametrize("take", [try_flock, try_filelock])
def test_both_kinds_of_lock_are_exclusive(take: Any, tmp_path: Path) -> None:
    """What Windows uses behaves as what POSIX uses: taken, refused, given back, taken again."""
    path = str(tmp_path / "a.lock")
    release = take(path)
    assert release is not None
    assert take(path) is None
    release()
    again = take(path)
    assert again is not None
    again()


def test_without_file_locks_the_lock_is_acquired_at_once(tmp_path: Path) -> None:
    """A lock saves requests and guards no data: with no folder to put it in, the caller goes on."""
    (tmp_path / "file").write_text("in the way")
    for release in (
        FolderAccessTokens(str(tmp_path / "file")).try_lock(KEY),
        try_lock_or_proceed(str(tmp_path / "none" / "a.lock")),
    ):
        assert release is not None
        release()
