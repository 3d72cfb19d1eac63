"""Client credentials for very many tenants at a service that is far away: 100 ms each way."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bench.results import Goal, Kind, Result
from bench.rounds import Candidate, run_rounds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.run import Bench

NAME = "distant-service"
DELAY_IN = 0.1
"""Seconds each way."""
_SETTINGS = ((64, 2000, 0.9, 3), (512, 8000, 0.74, 5))
"""Requests at a time, tenants, the least ratio to the bare client, and rounds of a full run."""
_CANDIDATES: Sequence[tuple[str, Kind, str, float]] = (
    ("bare http.client, threads", "baseline", "bare_http:http_client_in_threads", 1),
    ("mstoken, threads", "ours", "mstoken_client:tenants_in_threads", 1),
    ("bare http.client, asyncio", "baseline", "bare_http:http_client_in_tasks", 1),
    ("mstoken, asyncio", "ours", "mstoken_client:tenants_in_tasks", 1),
    ("MSAL, one shared session", "peer", "msal_python:tenants_by_session", 0.25),
)
"""Name, kind, function, and the part of the tenants: fewer for MSAL, which would take minutes."""
_WHY = (
    "With so many requests in flight the client's CPU is the limit, and above the bare client stands what makes a "
    "token safe to share: its cache key, single flight, the store and the checks of the response."
)


def run(bench: Bench) -> Result:
    sizes = " and ".join(f"{tenants:,} tenants {concurrency} at a time" for concurrency, tenants, _, _ in _SETTINGS)
    result = Result(
        NAME,
        "Many tenants at a distant service",
        f"{sizes}, through a relay that takes {DELAY_IN * 1000:.0f} ms each way, TCP handshake included. The delay "
        "alone limits the rate to 320 and 2,560 tokens/s. Each client runs in a new process and opens its connections "
        "during the measurement. MSAL gets tokens for a quarter of the tenants.",
    )
    with bench.service.at_a_distance(DELAY_IN) as relay:
        for concurrency, tenants, least, rounds in _SETTINGS:
            _measure(bench, result, relay.url, (concurrency, tenants, rounds))
            goal = Goal("tokens per second at a distance", "tokens_per_s", "at least", least, _WHY)
            for world in ("threads", "asyncio"):
                ours, bare = (_named(f"{name}, {world}", concurrency) for name in ("mstoken", "bare http.client"))
                result.ratio(goal, ours, bare)
    return result


def _measure(bench: Bench, result: Result, url: str, setting: tuple[int, int, int]) -> None:
    concurrency, tenants, rounds = setting
    at_once = bench.pick(tiny=4, quick=concurrency, full=concurrency)
    number = bench.pick(tiny=8, quick=4 * concurrency, full=tenants)
    get_tokens = partial(_get_tokens, bench, url=url, concurrency=at_once)
    candidates = [
        Candidate(_named(name, concurrency), kind, partial(get_tokens, target, tenants=round(number * part)))
        for name, kind, target, part in _CANDIDATES
    ]
    run_rounds(result, candidates, bench.pick(tiny=1, quick=2, full=rounds), warm_up=False, log=bench.log)


def _get_tokens(bench: Bench, target: str, *, url: str, tenants: int, concurrency: int) -> dict[str, float]:
    return bench.run_counted(target, url, tenants=tenants, concurrency=concurrency)


def _named(name: str, concurrency: int) -> str:
    return f"{name}, {concurrency} at a time"
