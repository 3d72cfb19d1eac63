"""A new token, from the shell: start, request, print, cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.benchmarks import commands
from bench.results import Goal, Result
from bench.rounds import run_rounds

if TYPE_CHECKING:
    from bench.run import Bench

NAME = "new-token"
OURS = "mstoken get graph --fresh"
BUNDLE = "mstoken get graph --fresh, authorities in one file"


def run(bench: Bench) -> Result:
    result = Result(
        NAME,
        "A new token, from the shell",
        "The wall time of installed commands with one token request on loopback over TLS. The token caches of MSAL "
        "and az are removed before each run; az keeps its other caches. All trust the same authorities: mstoken in a "
        "folder with a file for each, as Debian and Ubuntu have them, and once more in one file, which MSAL and az "
        "always read.",
    )
    candidates = [
        commands.bare(bench),
        commands.mstoken(bench, OURS, "--fresh", authorities=bench.authorities),
        commands.mstoken(bench, BUNDLE, "--fresh"),
        commands.msal_script(bench, cached=False),
        commands.az(bench, cached=False),
    ]
    run_rounds(result, candidates, bench.pick(tiny=2, quick=7, full=21), warm_up=True, log=bench.log)
    result.ratio(Goal("a new token, from the shell", "seconds", "at most", 6), OURS, commands.BARE)
    result.ratio(Goal("a new token, from the shell", "seconds", "at least", 5), OURS, commands.AZ, inverse=True)
    return result
