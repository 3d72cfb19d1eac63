"""Client credentials for very many tenants, as partners and platforms need them every hour."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bench.results import Goal, Kind, Result, Series
from bench.rounds import Candidate, run_rounds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.run import Bench

NAME = "many-tenants"
CONCURRENCY = 32
OURS, OURS_THREADS = "mstoken, asyncio", "mstoken, threads"
BARE, BARE_THREADS = "bare http.client, asyncio", "bare http.client, threads"
MSAL, MSAL_AS_WRITTEN = "MSAL, one shared session", "MSAL as people write it"
_CANDIDATES: Sequence[tuple[str, Kind, str, float]] = (
    (BARE, "baseline", "bare_http:http_client_in_tasks", 1),
    (OURS, "ours", "mstoken_client:tenants_in_tasks", 1),
    (BARE_THREADS, "baseline", "bare_http:http_client_in_threads", 1),
    (OURS_THREADS, "ours", "mstoken_client:tenants_in_threads", 1),
    ("bare aiohttp, asyncio", "baseline", "bare_http:aiohttp_in_tasks", 1),
    (MSAL, "peer", "msal_python:tenants_by_session", 0.5),
    (MSAL_AS_WRITTEN, "peer", "msal_python:tenants_as_written", 0.04),
    ("azure-identity, threads", "peer", "azure_identity:tenants_in_threads", 0.1),
    ("azure-identity, asyncio", "peer", "azure_identity:tenants_in_tasks", 0.25),
)
"""Name, kind, function, and the part of the tenants: fewer where the cost per tenant does not depend on it."""
_WHY_BARE = (
    "Above the bare client stands what makes a token safe to share: its cache key, single flight, the store and the "
    "checks of the response. That is Python, and both cores are busy (docs/decisions/0013-many-tokens.md)."
)
_WHY_MSAL = (
    "The bare client itself reaches little more than that; docs/decisions/ has a page about HTTP with the figures."
)
_STEPS = (0.05, 0.25, 1.0, 5.0)


def run(bench: Bench) -> Result:
    tenants = bench.pick(tiny=40, quick=1000, full=2000)
    result = Result(
        NAME,
        f"{tenants:,} tenants by client credentials",
        f"{CONCURRENCY} at a time, over TLS, from a token service that answers at once. Each client runs in a new "
        "process and opens its connections during the measurement; imports are not measured. Slow peers get fewer "
        "tokens: MSAL half of them, and 80 as people write it; azure-identity a tenth in threads and a quarter under "
        "asyncio. The service counts requests and connections.",
    )
    candidates = [
        Candidate(name, kind, partial(_get_tokens, bench, target, _part(bench, tenants, part)))
        for name, kind, target, part in _CANDIDATES
    ]
    run_rounds(result, candidates, bench.pick(tiny=1, quick=2, full=9), warm_up=False, log=bench.log)
    _judge(result)
    if bench.scale:
        _growth(bench, result, tenants)
    return result


def _part(bench: Bench, tenants: int, part: float) -> int:
    return max(_concurrency(bench), round(tenants * part))


def _concurrency(bench: Bench) -> int:
    return bench.pick(tiny=4, quick=CONCURRENCY, full=CONCURRENCY)


def _get_tokens(bench: Bench, target: str, tenants: int) -> dict[str, float]:
    return bench.run_counted(target, tenants=tenants, concurrency=_concurrency(bench))


def _judge(result: Result) -> None:
    rate = "tokens_per_s"
    for ours, bare in ((OURS, BARE), (OURS_THREADS, BARE_THREADS)):
        result.ratio(Goal("tokens per second", rate, "at least", 0.6, _WHY_BARE), ours, bare)
        result.ratio(Goal("tokens per second", rate, "at least", 8, _WHY_MSAL), ours, MSAL)
        result.ratio(Goal("tokens per second", rate, "at least", 40, _WHY_MSAL), ours, MSAL_AS_WRITTEN)
        result.ratio(Goal("CPU", "cpu_s_per_1000", "at most", 1.7, _WHY_BARE), ours, bare)
        result.value(Goal("discovery", "discovery_requests", "at most", 0), ours, beside=MSAL)
        result.value(Goal("connections", "connections", "at most", CONCURRENCY), ours, beside=bare)


def _growth(bench: Bench, result: Result, tenants: int) -> None:
    """How the rate changes with the number of tenants."""
    grown = Result(f"{NAME}, growth", "", "")
    steps = [_part(bench, tenants, step) for step in _STEPS]
    names = [(OURS, "mstoken_client:tenants_in_tasks"), (BARE, "bare_http:http_client_in_tasks")]
    candidates = [
        Candidate(f"{name} {step}", "ours", partial(_get_tokens, bench, target, step))
        for step in steps
        for name, target in names
    ]
    run_rounds(grown, candidates, bench.pick(tiny=1, quick=1, full=3), warm_up=False, log=bench.log)
    for name, _ in names:
        found = [(step, grown.candidate(f"{name} {step}")) for step in steps]
        points = [(float(step), one.median("tokens_per_s")) for step, one in found if one]
        kind: Kind = "ours" if name == OURS else "baseline"
        result.series.append(Series(name, kind, "tenants", "tokens_per_s", points))
