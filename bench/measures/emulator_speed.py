"""How many tokens the local Entra ID signs on one core, beside a bare loop of RSA signatures."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bench.racing import Contender, race
from bench.results import Goal, Result

if TYPE_CHECKING:
    from bench.run import Bench

NAME = "emulator-speed"
OURS, BARE = "entra_emulator, client credentials", "bare RSA signatures"
LEAST = 500


def run(bench: Bench) -> Result:
    count = bench.pick(tiny=40, quick=400, full=2000)
    result = Result(
        NAME,
        "Tokens from the local Entra ID",
        f"{count:,} tokens over TLS, asked for by another process on a few connections. Counted by the emulator's own "
        "CPU seconds, so by what one core gives; each token has one RS256 signature of a 2048-bit key. The floor is "
        "that signature alone, in a loop.",
    )
    contenders = [
        Contender(OURS, "ours", partial(bench.in_process, "emulator:tokens", count=count)),
        Contender(BARE, "floor", partial(bench.in_process, "emulator:signatures", count=count)),
    ]
    race(result, contenders, bench.pick(tiny=1, quick=3, full=7), warm_up=False, say=bench.say)
    result.value(Goal("tokens a second on one core", "tokens_per_s", "at least", LEAST), OURS, beside=BARE)
    return result
