"""Keeping one more token where processes share 10,000 of them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from bench.racing import Contender, race
from bench.results import Goal, Result

if TYPE_CHECKING:
    from bench.run import Bench

NAME = "store-write"
OURS, MSAL = "mstoken, the folder of tokens", "msal-extensions, a file"
VAULT = "mstoken, the vault of refresh tokens"


def run(bench: Bench) -> Result:
    entries = bench.pick(tiny=20, quick=2000, full=10_000)
    result = Result(
        NAME,
        f"One write with {entries:,} tokens kept",
        "Seconds to keep one more token, the median of several in a fresh process, in memory-backed folders for all. "
        "The vault encrypts and waits for the disk's word; msal-extensions' file here is in clear.",
    )
    folder = bench.folder / "stores"
    folder.mkdir(mode=0o700)
    contenders = [
        Contender(OURS, "ours", lambda: _write(bench, "stores:folder", entries)),
        Contender(VAULT, "ours", lambda: _write(bench, "stores:vault", entries)),
        Contender(MSAL, "peer", lambda: _write(bench, "stores:msal_extensions", entries)),
    ]
    race(result, contenders, bench.pick(tiny=1, quick=3, full=7), warm_up=True, say=bench.say)
    result.ratio(Goal("one more token kept", "seconds", "at least", 100), OURS, MSAL, inverse=True)
    result.ratio(Goal("one refresh token renewed", "seconds", "at least", 100), VAULT, MSAL, inverse=True)
    shutil.rmtree(folder)
    return result


def _write(bench: Bench, target: str, entries: int) -> dict[str, float]:
    """The warm-up fills the store; the rounds find it filled, as the next process does."""
    return bench.in_process(target, folder=str(bench.folder / "stores"), entries=entries)
