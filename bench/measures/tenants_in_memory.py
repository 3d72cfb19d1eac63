"""What 100,000 tenants' tokens take in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.racing import Contender, race
from bench.results import Curve, Goal, Result

if TYPE_CHECKING:
    from bench.run import Bench

NAME = "tenants-in-memory"
OURS, BARE = "mstoken", "the tokens alone, in a dict"
CONCURRENCY = 32
STEPS = 10
MOST_OVER_BARE = 2.0
"""Bounded is read as: no more than twice what the tokens take without us."""


def run(bench: Bench) -> Result:
    tenants = bench.pick(tiny=200, quick=10_000, full=100_000)
    result = Result(
        NAME,
        f"{tenants:,} tenants in memory",
        "Growth of resident memory while one client gets a token for each tenant, after a collection, from the first "
        "requests on. Beside it a plain dict of tokens of the same length.",
    )
    contenders = [
        Contender(
            OURS,
            "ours",
            lambda: bench.asking("ours:memory_of_tenants", tenants=tenants, concurrency=CONCURRENCY, steps=STEPS),
        ),
        Contender(BARE, "floor", lambda: bench.in_process("memory:bare_tokens", tenants=tenants)),
    ]
    race(result, contenders, bench.pick(tiny=1, quick=1, full=1), warm_up=False, say=bench.say)
    result.ratio(Goal("memory per token", "bytes_per_token", "at most", MOST_OVER_BARE), OURS, BARE)
    ours = result.entrant(OURS)
    if ours is not None:
        sizes = sorted(int(name.removeprefix("bytes_at_")) for name in ours.samples if name.startswith("bytes_at_"))
        points = [(float(size), ours.median(f"bytes_at_{size}")) for size in sizes]
        result.curves.append(Curve(OURS, "ours", "tenants", "bytes", points))
    return result
