"""The cost of importing the package, in whole processes."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

from bench.processes import timed_command
from bench.results import Goal, Kind, Result
from bench.rounds import Candidate, run_rounds

if TYPE_CHECKING:
    from bench.run import Bench

NAME = "import"
BARE = "python -c pass"
_IMPORTS: tuple[tuple[str, Kind], ...] = (
    ("import mstoken", "ours"),
    ("from mstoken import Client", "ours"),
    ("import msal", "peer"),
    ("import azure.identity", "peer"),
)


def run(bench: Bench) -> Result:
    result = Result(
        NAME,
        "Importing the package",
        "The wall time of whole processes of the same interpreter.",
    )
    candidates = [bare(bench)]
    for code, kind in _IMPORTS:
        command = [sys.executable, "-c", code]
        candidates.append(Candidate(code, kind, partial(timed_command, command, bench.environment())))
    run_rounds(result, candidates, bench.pick(tiny=2, quick=11, full=31), warm_up=True, log=bench.log)
    result.ratio(Goal("importing the package", "seconds", "at most", 1.3), "import mstoken", BARE)
    return result


def bare(bench: Bench) -> Candidate:
    """The bare interpreter, the baseline of every command."""
    command = [sys.executable, "-c", "pass"]
    return Candidate(BARE, "baseline", partial(timed_command, command, bench.environment()))
