"""Everybody wants the same token at once, and nobody has it: how often is the service asked?"""

from __future__ import annotations

import tempfile
from functools import partial
from typing import TYPE_CHECKING

from bench.racing import Contender, race
from bench.results import Goal, Kind, Result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.run import Bench

NAME = "asked-once"
THREADS, TASKS, PROCESSES = 200, 200, 16
MACHINES = "mstoken, machines with a Redis"
DELAY_IN = 0.1
"""Seconds the service takes to answer: about as long as Entra."""
_CONTENDERS: Sequence[tuple[str, Kind, str, int]] = (
    ("mstoken, threads", "ours", "herd:ours_threads", THREADS),
    ("MSAL, threads", "peer", "herd:msal_threads", THREADS),
    ("azure-identity, threads", "peer", "herd:azure_threads", THREADS),
    ("mstoken, tasks", "ours", "herd:ours_tasks", TASKS),
    ("azure-identity, tasks", "peer", "herd:azure_tasks", TASKS),
    ("mstoken, processes", "ours", "herd:ours_processes", PROCESSES),
    ("MSAL and msal-extensions, processes", "peer", "herd:msal_processes", PROCESSES),
    (MACHINES, "ours", "herd:ours_machines", PROCESSES),
)
_BESIDE = {
    "mstoken, threads": "MSAL, threads",
    "mstoken, tasks": "azure-identity, tasks",
    "mstoken, processes": "MSAL and msal-extensions, processes",
    MACHINES: "MSAL and msal-extensions, processes",
}


def run(bench: Bench) -> Result:
    result = Result(
        NAME,
        "The same token for many at once, cold",
        f"{THREADS} threads or {TASKS} tasks share one client or credential; {PROCESSES} processes share a cache, or, "
        f"each with a home of its own, a Redis, as machines do. All "
        f"start together; the service takes {DELAY_IN:g} s to answer and counts token requests.",
    )
    bench.service.delay(DELAY_IN)
    try:
        share = bench.pick(tiny=0.05, quick=1.0, full=1.0)
        contenders = [
            Contender(name, kind, partial(_herd, bench, target, max(2, round(callers * share))))
            for name, kind, target, callers in _CONTENDERS
        ]
        race(result, contenders, bench.pick(tiny=1, quick=1, full=3), warm_up=False, say=bench.say)
    finally:
        bench.service.delay(0)
    for ours, peer in _BESIDE.items():
        result.value(Goal("token requests", "token_requests", "at most", 1), ours, beside=peer)
    return result


def _herd(bench: Bench, target: str, callers: int) -> dict[str, float]:
    if not target.endswith(("processes", "machines")):
        return bench.asking(target, callers=callers)
    with tempfile.TemporaryDirectory(dir=bench.folder) as cache:
        return bench.asking(target, callers=callers, cache=cache)
