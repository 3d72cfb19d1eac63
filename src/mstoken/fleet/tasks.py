"""Drive a schedule with tasks of an event loop."""

from __future__ import annotations

import asyncio
from random import random
from time import monotonic

from mstoken.fleet.schedule import Schedule, Start
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable

    from mstoken.fleet.schedule import Pace, TenantResult


async def run(
    tenants: Iterable[str], work: Callable[[str], Awaitable[Any]], pace: Pace
) -> AsyncGenerator[TenantResult, None]:
    """Await `work` with each tenant in a task; yield the result of each as soon as it is known.

    Who stops reading the results cancels the tenants in progress. An exception of `work` is a result; one that is no
    Exception, such as CancelledError, is raised here.
    """
    schedule, running = Schedule(tenants, pace, random), dict[asyncio.Task[Any], Start]()
    try:
        while (step := schedule.next(monotonic())) is not None:
            if isinstance(step, Start):
                running[asyncio.ensure_future(_awaited(work, step.tenant))] = step
                continue
            finished, _ = await _wait(running, step.within_in)
            for task in finished:
                start = running.pop(task)
                error = task.exception()
                if error is not None and not isinstance(error, Exception):
                    raise error
                result = None if error else task.result()
                if (known := schedule.finished(start, result, error, monotonic())) is not None:
                    yield known
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _awaited(work: Callable[[str], Awaitable[Any]], tenant: str) -> Any:
    return await work(tenant)


async def _wait(
    running: dict[asyncio.Task[Any], Start], within_in: float | None
) -> tuple[set[asyncio.Task[Any]], set[asyncio.Task[Any]]]:
    if not running:  # every tenant waits for its time
        await asyncio.sleep(within_in or 0)
        return set(), set()
    return await asyncio.wait(running, timeout=within_in, return_when=asyncio.FIRST_COMPLETED)
