"""What importing costs, in whole processes."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

from bench.racing import Contender, race
from bench.results import Goal, Kind, Result
from bench.run import timed_command

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
        "Wall time of whole processes of the same interpreter, started one after the other.",
    )
    contenders = [bare(bench)]
    for code, kind in _IMPORTS:
        command = [sys.executable, "-c", code]
        contenders.append(Contender(code, kind, partial(timed_command, command, bench.environment())))
    race(result, contenders, bench.pick(tiny=2, quick=11, full=41), warm_up=True, say=bench.say)
    result.ratio(Goal("importing the package", "seconds", "at most", 1.3), "import mstoken", BARE)
    return result


def bare(bench: Bench) -> Contender:
    """The bare interpreter: the floor of every command."""
    command = [sys.executable, "-c", "pass"]
    return Contender(BARE, "floor", partial(timed_command, command, bench.environment()))
