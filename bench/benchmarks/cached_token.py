"""A cached token, from the shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.benchmarks import commands
from bench.results import Goal, Result
from bench.rounds import run_rounds

if TYPE_CHECKING:
    from bench.run import Bench

NAME = "cached-token"
OURS = "mstoken get graph"
BESIDE_AZ = "mstoken get graph, with the sign-in of az"


def run(bench: Bench) -> Result:
    result = Result(
        NAME,
        "A cached token, from the shell",
        "The wall time of installed commands whose cache has the token. MSAL reads the tenant's OpenID configuration "
        "even then. One row of mstoken has no identity but the sign-in of az.",
    )
    candidates = [
        commands.bare(bench),
        commands.mstoken(bench, OURS),
        commands.mstoken_beside_az(bench, BESIDE_AZ),
        commands.msal_script(bench, cached=True),
        commands.az(bench, cached=True),
    ]
    run_rounds(result, candidates, bench.pick(tiny=2, quick=7, full=21), warm_up=True, log=bench.log)
    result.ratio(Goal("a cached token, from the shell", "seconds", "at most", 2), OURS, commands.BARE)
    result.ratio(Goal("a cached token, from the shell", "seconds", "at least", 12), OURS, commands.AZ, inverse=True)
    goal = Goal("a cached token of az's own sign-in, from the shell", "seconds", "at least", 15)
    result.ratio(goal, BESIDE_AZ, commands.AZ, inverse=True)
    return result
