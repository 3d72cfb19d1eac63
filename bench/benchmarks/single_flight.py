"""Many callers want the same token at once, and no cache has it: how many requests does the service get?"""

from __future__ import annotations

import tempfile
from functools import partial
from typing import TYPE_CHECKING

from bench.results import Goal, Kind, Result
from bench.rounds import Candidate, run_rounds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.run import Bench

NAME = "single-flight"
THREADS, TASKS, PROCESSES = 200, 200, 16
MACHINES = "mstoken, machines with a Redis"
DELAY_IN = 0.1
"""Seconds that the service takes to answer, about as long as Entra."""
_CANDIDATES: Sequence[tuple[str, Kind, str, int]] = (
    ("mstoken, threads", "ours", "single_flight:mstoken_threads", THREADS),
    ("MSAL, threads", "peer", "single_flight:msal_threads", THREADS),
    ("azure-identity, threads", "peer", "single_flight:azure_threads", THREADS),
    ("mstoken, tasks", "ours", "single_flight:mstoken_tasks", TASKS),
    ("azure-identity, tasks", "peer", "single_flight:azure_tasks", TASKS),
    ("mstoken, processes", "ours", "single_flight:mstoken_processes", PROCESSES),
    ("MSAL and msal-extensions, processes", "peer", "single_flight:msal_processes", PROCESSES),
    (MACHINES, "ours", "single_flight:mstoken_machines", PROCESSES),
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
        "The same token for many callers at once",
        f"{THREADS} threads or {TASKS} tasks share a client or credential. {PROCESSES} processes share a cache folder, "
        "or, like separate machines, only a Redis server. All callers start together and no cache has the token. The "
        f"service takes {DELAY_IN:g} s to answer and counts token requests.",
    )
    bench.service.delay(DELAY_IN)
    try:
        share = bench.pick(tiny=0.05, quick=1.0, full=1.0)
        candidates = [
            Candidate(name, kind, partial(_call_together, bench, target, max(2, round(callers * share))))
            for name, kind, target, callers in _CANDIDATES
        ]
        run_rounds(result, candidates, bench.pick(tiny=1, quick=1, full=3), warm_up=False, log=bench.log)
    finally:
        bench.service.delay(0)
    for ours, peer in _BESIDE.items():
        result.value(Goal("token requests", "token_requests", "at most", 1), ours, beside=peer)
    return result


def _call_together(bench: Bench, target: str, callers: int) -> dict[str, float]:
    if not target.endswith(("processes", "machines")):
        return bench.run_counted(target, callers=callers)
    with tempfile.TemporaryDirectory(dir=bench.folder) as cache:
        return bench.run_counted(target, callers=callers, cache=cache)
