"""A new token, from the shell: start, ask, print, keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.measures import commands
from bench.racing import race
from bench.results import Goal, Result

if TYPE_CHECKING:
    from bench.run import Bench

NAME = "fresh-get"
OURS = "mstoken get graph --fresh"
BUNDLE = "mstoken get graph --fresh, authorities in one file"


def run(bench: Bench) -> Result:
    result = Result(
        NAME,
        "A new token, from the shell",
        "Wall time of whole commands as installed, one token request on loopback over TLS. "
        "The caches of tokens of MSAL and az are removed before each run; what az keeps of discovery stays. "
        "All trust the same authorities, ours as Debian and Ubuntu keep them, in a folder of one file each; beside it "
        "ours with all of them in one file, which requests, below MSAL and az, always reads.",
    )
    contenders = [
        commands.bare(bench),
        commands.ours(bench, OURS, "--fresh", authorities=bench.authorities),
        commands.ours(bench, BUNDLE, "--fresh"),
        commands.msal_script(bench, cached=False),
        commands.az(bench, cached=False),
    ]
    race(result, contenders, bench.pick(tiny=2, quick=7, full=21), warm_up=True, say=bench.say)
    result.ratio(Goal("a new token, from the shell", "seconds", "at most", 5), OURS, commands.BARE)
    result.ratio(Goal("a new token, from the shell", "seconds", "at least", 6), OURS, commands.AZ, inverse=True)
    return result
