"""A token that is kept already, from the shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.measures import commands
from bench.racing import race
from bench.results import Goal, Result

if TYPE_CHECKING:
    from bench.run import Bench

NAME = "cached-get"
OURS = "mstoken get graph"


def run(bench: Bench) -> Result:
    result = Result(
        NAME,
        "A kept token, from the shell",
        "Wall time of whole commands as installed, each with its own cache between processes, filled before. "
        "MSAL asks for the tenant's OpenID configuration even then.",
    )
    contenders = [
        commands.bare(bench),
        commands.ours(bench, OURS),
        commands.msal_script(bench, cached=True),
        commands.az(bench, cached=True),
    ]
    race(result, contenders, bench.pick(tiny=2, quick=7, full=21), warm_up=True, say=bench.say)
    result.ratio(Goal("a kept token, from the shell", "seconds", "at most", 2), OURS, commands.BARE)
    result.ratio(Goal("a kept token, from the shell", "seconds", "at least", 12), OURS, commands.AZ, inverse=True)
    return result
