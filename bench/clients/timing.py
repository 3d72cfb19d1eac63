"""Time calls that are too short for one reading of the clock."""

from __future__ import annotations

import gc
import random
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

BATCHES = 7
BATCH_IN = 0.05
"""The least number of seconds that a batch lasts; the median batch counts."""
_SPREAD = 5000


def seconds_per_call(call: Callable[[str], Any], names: Sequence[str]) -> dict[str, float]:
    """The seconds that `call(name)` takes, over names in random order if there are several."""
    picks = _picks(names)

    def batch(rounds: int) -> float:
        started = time.perf_counter()
        for _ in range(rounds):
            for name in picks:
                call(name)
        return time.perf_counter() - started

    gc.collect()
    rounds = _rounds(batch(1))
    return {"seconds": sorted(batch(rounds) for _ in range(BATCHES))[BATCHES // 2] / rounds / len(picks)}


async def seconds_per_await(call: Callable[[str], Awaitable[Any]], names: Sequence[str]) -> dict[str, float]:
    """`seconds_per_call` for a coroutine function."""
    picks = _picks(names)

    async def batch(rounds: int) -> float:
        started = time.perf_counter()
        for _ in range(rounds):
            for name in picks:
                await call(name)
        return time.perf_counter() - started

    gc.collect()
    rounds = _rounds(await batch(1))
    return {"seconds": sorted([await batch(rounds) for _ in range(BATCHES)])[BATCHES // 2] / rounds / len(picks)}


def plain_dict(entries: int) -> dict[str, float]:
    """Look-ups in a dict in random order, which show the cost of memory access alone."""
    names = [f"tenant-{number:06d}.example" for number in range(entries)]
    values = {("scope", name): object() for name in names}
    return seconds_per_call(lambda name: values["scope", name], names)


def _picks(names: Sequence[str]) -> list[str]:
    draw = random.Random(20)  # noqa: S311 - the same order in every round
    return [names[0]] * 10 if len(names) == 1 else draw.sample(names, min(len(names), _SPREAD))


def _rounds(seconds: float) -> int:
    return max(1, round(BATCH_IN / seconds))
