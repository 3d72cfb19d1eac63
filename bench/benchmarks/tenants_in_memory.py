"""The memory that 100,000 tenants' tokens take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.results import Goal, Result, Series
from bench.rounds import Candidate, run_rounds

if TYPE_CHECKING:
    from bench.run import Bench

NAME = "tenants-in-memory"
OURS, BARE = "mstoken", "the tokens alone, in a dict"
CONCURRENCY = 32
STEPS = 10
MOST_OVER_BARE = 2.0
"""How many times the memory of the tokens alone."""


def run(bench: Bench) -> Result:
    tenants = bench.pick(tiny=200, quick=10_000, full=100_000)
    result = Result(
        NAME,
        f"{tenants:,} tenants in memory",
        "The growth of resident memory while one client gets a token for each tenant, after a garbage collection, not "
        "counting the first requests. The baseline is a plain dict of tokens of the same length.",
    )
    candidates = [
        Candidate(
            OURS,
            "ours",
            lambda: bench.run_counted(
                "mstoken_client:memory_of_tenants", tenants=tenants, concurrency=CONCURRENCY, steps=STEPS
            ),
        ),
        Candidate(BARE, "baseline", lambda: bench.run_client("memory:bare_tokens", tenants=tenants)),
    ]
    run_rounds(result, candidates, bench.pick(tiny=1, quick=1, full=1), warm_up=False, log=bench.log)
    result.ratio(Goal("memory per token", "bytes_per_token", "at most", MOST_OVER_BARE), OURS, BARE)
    ours = result.candidate(OURS)
    if ours is not None:
        sizes = sorted(int(name.removeprefix("bytes_at_")) for name in ours.samples if name.startswith("bytes_at_"))
        points = [(float(size), ours.median(f"bytes_at_{size}")) for size in sizes]
        result.series.append(Series(OURS, "ours", "tenants", "bytes", points))
    return result
