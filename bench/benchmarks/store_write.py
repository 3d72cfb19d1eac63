"""Storing one more token in a store of 10,000 that processes share."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from bench.results import Goal, Result
from bench.rounds import Candidate, run_rounds

if TYPE_CHECKING:
    from bench.run import Bench

NAME = "store-write"
OURS, MSAL = "mstoken, the folder of tokens", "msal-extensions, a file"
VAULT = "mstoken, the vault of refresh tokens"


def run(bench: Bench) -> Result:
    entries = bench.pick(tiny=20, quick=2000, full=10_000)
    result = Result(
        NAME,
        f"One write to a store of {entries:,} tokens",
        "The time to store one more token, as the median of several in a new process; all folders are in memory. The "
        "vault encrypts and waits until the data is on disk; the file of msal-extensions is not encrypted here.",
    )
    folder = bench.folder / "stores"
    folder.mkdir(mode=0o700)
    candidates = [
        Candidate(OURS, "ours", lambda: _write(bench, "stores:folder", entries)),
        Candidate(VAULT, "ours", lambda: _write(bench, "stores:vault", entries)),
        Candidate(MSAL, "peer", lambda: _write(bench, "stores:msal_extensions", entries)),
    ]
    run_rounds(result, candidates, bench.pick(tiny=1, quick=3, full=7), warm_up=True, log=bench.log)
    result.ratio(Goal("one more access token", "seconds", "at least", 100), OURS, MSAL, inverse=True)
    result.ratio(Goal("one rotated refresh token", "seconds", "at least", 100), VAULT, MSAL, inverse=True)
    shutil.rmtree(folder)
    return result


def _write(bench: Bench, target: str, entries: int) -> dict[str, float]:
    """The warm-up fills the store; each round finds it filled, as the next process would."""
    return bench.run_client(target, folder=str(bench.folder / "stores"), entries=entries)
