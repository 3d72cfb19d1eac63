"""How many tokens the local Entra ID signs on one core, compared with a loop of RSA signatures."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bench.results import Goal, Result
from bench.rounds import Candidate, run_rounds

if TYPE_CHECKING:
    from bench.run import Bench

NAME = "emulator-speed"
OURS, BARE = "entra_emulator, client credentials", "bare RSA signatures"
LEAST = 0.36
"""Of the rate of bare signatures. It was 0.40 in the run of 25 November 2026; a tenth less is within its spread."""


def run(bench: Bench) -> Result:
    count = bench.pick(tiny=40, quick=400, full=2000)
    result = Result(
        NAME,
        "Tokens from the local Entra ID",
        f"{count:,} tokens over TLS, requested by another process over a few connections. The rate is per CPU second "
        "of the emulator, which is what one core gives. Each token has one RS256 signature with a 2048-bit key; the "
        "baseline is that signature alone.",
    )
    candidates = [
        Candidate(OURS, "ours", partial(bench.run_client, "emulator:tokens", count=count)),
        Candidate(BARE, "baseline", partial(bench.run_client, "emulator:signatures", count=count)),
    ]
    run_rounds(result, candidates, bench.pick(tiny=1, quick=3, full=7), warm_up=False, log=bench.log)
    result.ratio(Goal("tokens per second on one core", "tokens_per_s", "at least", LEAST), OURS, BARE)
    return result
