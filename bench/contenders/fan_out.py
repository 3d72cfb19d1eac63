"""The same fan-out and the same clock for every contender."""

from __future__ import annotations

import asyncio
import resource
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

SECRET = "not-a-secret"
FORM_TYPE = "application/x-www-form-urlencoded"


def tenants(number: int) -> list[str]:
    """Names of so many tenants."""
    return [f"tenant-{place:06d}.example" for place in range(number)]


@contextmanager
def clocked(number: int) -> Iterator[dict[str, float]]:
    """Time the block, in which `number` tokens are got; the numbers are there when it ends."""
    numbers: dict[str, float] = {}
    busy, started = _cpu(), time.perf_counter()
    yield numbers
    seconds = time.perf_counter() - started
    numbers["tokens_per_s"] = number / seconds
    numbers["cpu_s_per_1000"] = (_cpu() - busy) / number * 1000


def in_threads(ask: Callable[[str], str], number: int, concurrency: int) -> None:
    """Ask for every tenant's token from `concurrency` threads. Raises the first error."""
    with ThreadPoolExecutor(concurrency) as pool:
        got = list(pool.map(ask, tenants(number)))
    _check(got, number)


async def in_tasks(ask: Callable[[str], Awaitable[str]], number: int, concurrency: int) -> None:
    """Ask for every tenant's token, `concurrency` at a time. Raises the first error."""
    turn = asyncio.Semaphore(concurrency)

    async def one(tenant: str) -> str:
        async with turn:
            return await ask(tenant)

    _check(await asyncio.gather(*(one(tenant) for tenant in tenants(number))), number)


def _check(got: list[str], number: int) -> None:
    if len([token for token in got if token]) != number:
        raise RuntimeError("not every tenant got a token")


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
