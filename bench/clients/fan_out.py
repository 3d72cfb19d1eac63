"""The same fan-out over tenants, and the same clock, for every client."""

from __future__ import annotations

import asyncio
import resource
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator


CALL = "/subscriptions"
"""The path of an API that the service answers with an empty list."""


def with_peak(numbers: dict[str, float], calls: int, tenants: int) -> dict[str, float]:
    """The numbers of a run with a call in each tenant, and the peak of the process's memory. Raises RuntimeError.

    getrusage(2): Linux gives the maximum resident set size in kibibytes.
    """
    if calls != tenants:
        raise RuntimeError(f"{calls} of {tenants} calls succeeded")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0
    return {**numbers, "calls_per_s": numbers["tokens_per_s"], "bytes": peak}


def tenants(number: int) -> list[str]:
    """The names of so many tenants."""
    return [f"tenant-{place:06d}.example" for place in range(number)]


@contextmanager
def measured(number: int) -> Iterator[dict[str, float]]:
    """Measure the block, which gets `number` tokens; the numbers are complete when the block ends."""
    numbers: dict[str, float] = {}
    cpu, started = cpu_seconds(), time.perf_counter()
    yield numbers
    seconds = time.perf_counter() - started
    numbers["tokens_per_s"] = number / seconds
    numbers["cpu_s_per_1000"] = (cpu_seconds() - cpu) / number * 1000


def in_threads(token: Callable[[str], str], number: int, concurrency: int) -> None:
    """Get every tenant's token from `concurrency` threads. Raises the first error."""
    with ThreadPoolExecutor(concurrency) as pool:
        tokens = list(pool.map(token, tenants(number)))
    _check(tokens, number)


async def in_tasks(token: Callable[[str], Awaitable[str]], number: int, concurrency: int) -> None:
    """Get every tenant's token, `concurrency` at a time. Raises the first error."""
    limit = asyncio.Semaphore(concurrency)

    async def limited(tenant: str) -> str:
        async with limit:
            return await token(tenant)

    _check(await asyncio.gather(*(limited(tenant) for tenant in tenants(number))), number)


def cpu_seconds() -> float:
    """The CPU seconds that this process has used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _check(tokens: list[str], number: int) -> None:
    if len([token for token in tokens if token]) != number:
        raise RuntimeError("not every tenant got a token")
