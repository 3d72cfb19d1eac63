"""Client credentials for very many tenants: what a partner or a platform does every hour."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bench.racing import Contender, race
from bench.results import Curve, Goal, Kind, Result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.run import Bench

NAME = "many-tenants"
CONCURRENCY = 32
OURS, OURS_THREADS = "mstoken, asyncio", "mstoken, threads"
BARE, BARE_THREADS = "bare http.client, asyncio", "bare http.client, threads"
MSAL, MSAL_AS_WRITTEN = "MSAL, one shared session", "MSAL as people write it"
_CONTENDERS: Sequence[tuple[str, Kind, str, float]] = (
    (BARE, "floor", "bare:http_client_by_tasks", 1),
    (OURS, "ours", "ours:tenants_by_tasks", 1),
    (BARE_THREADS, "floor", "bare:http_client_by_threads", 1),
    (OURS_THREADS, "ours", "ours:tenants_by_threads", 1),
    ("bare aiohttp", "floor", "bare:aiohttp_by_tasks", 1),
    (MSAL, "peer", "msal_peer:tenants_by_session", 1),
    (MSAL_AS_WRITTEN, "peer", "msal_peer:tenants_as_written", 0.04),
    ("azure-identity, threads", "peer", "azure_peer:tenants_by_threads", 1),
    ("azure-identity, asyncio", "peer", "azure_peer:tenants_by_tasks", 1),
)
"""Name, kind, function, and the part of the tenants that it does: fewer only where a tenant costs the same anyhow."""
_WHY_SLOWER = (
    "Above the bare client stands what makes a token safe to share and to keep: its key, one turn for all who ask, the "
    "store, the checks of the answer. That is Python, and both cores are busy already "
    "(docs/decisions/0013-many-tokens.md says what was saved)."
)
_WHY_NOT_SIXTY = (
    "What MSAL does for each token as people write it, parsing the CA file above all, is work for one core, and this "
    "machine does it quickly: sixty times that is most of what the bare client itself reaches here (both are in the "
    "table)."
)
_WHY_MORE = (
    "While the first connections are being opened, the HTTP client gives a request whichever is ready first, its own "
    "or one that has become free, and its own is opened all the same; later none is added. The bare client does so too."
)
_STEPS = (0.05, 0.25, 1.0, 5.0)


def run(bench: Bench) -> Result:
    tenants = bench.pick(tiny=40, quick=1000, full=2000)
    result = Result(
        NAME,
        f"{tenants:,} tenants by client credentials",
        f"{CONCURRENCY} at a time against a token service that answers at once, in a process of its own, over TLS. "
        "Each contender runs in a fresh process: opening connections is part of it, importing is not. MSAL as people "
        "write it does fewer tenants, as each one costs it a connection of its own anyhow. The service counts requests "
        "and connections.",
    )
    contenders = [
        Contender(name, kind, partial(_ask, bench, target, _part(bench, tenants, part)))
        for name, kind, target, part in _CONTENDERS
    ]
    race(result, contenders, bench.pick(tiny=1, quick=2, full=9), warm_up=False, say=bench.say)
    _judge(result)
    if bench.scale:
        _growth(bench, result, tenants)
    return result


def _part(bench: Bench, tenants: int, part: float) -> int:
    return max(_concurrency(bench), round(tenants * part))


def _concurrency(bench: Bench) -> int:
    return bench.pick(tiny=4, quick=CONCURRENCY, full=CONCURRENCY)


def _ask(bench: Bench, target: str, tenants: int) -> dict[str, float]:
    return bench.asking(target, tenants=tenants, concurrency=_concurrency(bench))


def _judge(result: Result) -> None:
    rate = "tokens_per_s"
    for ours, bare in ((OURS, BARE), (OURS_THREADS, BARE_THREADS)):
        result.ratio(Goal("tokens a second", rate, "at least", 0.6, _WHY_SLOWER), ours, bare)
        result.ratio(Goal("tokens a second", rate, "at least", 8, _WHY_SLOWER), ours, MSAL)
        result.ratio(Goal("tokens a second", rate, "at least", 60, _WHY_NOT_SIXTY), ours, MSAL_AS_WRITTEN)
        result.value(Goal("CPU", "cpu_s_per_1000", "at most", 0.6), ours, beside=bare)
        result.value(Goal("discovery", "discovery_requests", "at most", 0), ours, beside=MSAL)
        result.value(Goal("connections", "connections", "at most", CONCURRENCY, _WHY_MORE), ours, beside=bare)


def _growth(bench: Bench, result: Result, tenants: int) -> None:
    """How the rate holds as tenants become more, each point one run of a contender whose order alternates."""
    grown = Result(f"{NAME}, growth", "", "")
    steps = [_part(bench, tenants, step) for step in _STEPS]
    names = [(OURS, "ours:tenants_by_tasks"), (BARE, "bare:http_client_by_tasks")]
    contenders = [
        Contender(f"{name} {step}", "ours", partial(_ask, bench, target, step))
        for step in steps
        for name, target in names
    ]
    race(grown, contenders, bench.pick(tiny=1, quick=1, full=3), warm_up=False, say=bench.say)
    for name, _ in names:
        found = [(step, grown.entrant(f"{name} {step}")) for step in steps]
        points = [(float(step), one.median("tokens_per_s")) for step, one in found if one]
        kind: Kind = "ours" if name == OURS else "floor"
        result.curves.append(Curve(name, kind, "tenants", "tokens_per_s", points))
