"""A token and one call of an API in each of very many tenants, beside MSAL with threads."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bench.results import Goal, Kind, Result
from bench.rounds import Candidate, run_rounds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.run import Bench

NAME = "many-tenants-calls"
DELAY_IN = 0.1
"""Seconds each way to the distant service."""
OURS, OURS_ASYNC = "mstoken, fleet", "mstoken, fleet under asyncio"
MSAL, MSAL_AS_WRITTEN = "MSAL and requests, one shared session", "MSAL and requests as people write it"
_CANDIDATES: Sequence[tuple[str, Kind, str, float]] = (
    (OURS, "ours", "mstoken_client:calls_in_fleet", 1),
    (OURS_ASYNC, "ours", "mstoken_client:calls_in_async_fleet", 1),
    (MSAL, "peer", "msal_python:calls_by_session", 0.25),
    (MSAL_AS_WRITTEN, "peer", "msal_python:calls_as_written", 0.02),
)
"""Name, kind, function, and the part of the tenants: fewer for MSAL, which would take minutes."""
_SETTINGS = (("", 0.0, 32, 10_000, 4.0, 20.0), (", 100 ms away", DELAY_IN, 64, 2000, 1.4, 2.0))
"""Suffix, delay, tenants at a time, tenants, and the least ratios to both ways to use MSAL."""


def run(bench: Bench) -> Result:
    result = Result(
        NAME,
        "A token and a call in each of 10,000 tenants",
        "Client credentials and one GET in each tenant, over TLS: 10,000 tenants, 32 at a time, at a service that "
        f"answers at once; 2,000 tenants, 64 at a time, through a relay that takes {DELAY_IN * 1000:.0f} ms each way. "
        "A call counts with its token. MSAL gets a quarter of the tenants, and 2 % as people write it. The memory is "
        "the process's peak.",
    )
    for suffix, delay, concurrency, tenants, by_session, as_written in _SETTINGS:
        if delay:
            with bench.service.at_a_distance(delay) as relay:
                _measure(bench, result, relay.url, suffix, (concurrency, tenants))
        else:
            _measure(bench, result, bench.service.url, suffix, (concurrency, tenants))
        for peer, least in ((MSAL, by_session), (MSAL_AS_WRITTEN, as_written)):
            goal = Goal("calls per second", "calls_per_s", "at least", least)
            result.ratio(goal, f"{OURS}{suffix}", f"{peer}{suffix}")
    return result


def _measure(bench: Bench, result: Result, url: str, suffix: str, setting: tuple[int, int]) -> None:
    concurrency, tenants = setting
    at_once = bench.pick(tiny=4, quick=concurrency, full=concurrency)
    number = bench.pick(tiny=8, quick=tenants // 20, full=tenants)
    candidates = [
        Candidate(
            f"{name}{suffix}",
            kind,
            partial(bench.run_counted, target, url, tenants=max(at_once, round(number * part)), concurrency=at_once),
        )
        for name, kind, target, part in _CANDIDATES
    ]
    run_rounds(result, candidates, bench.pick(tiny=1, quick=1, full=5), warm_up=False, log=bench.log)
