"""Time calls that are far too short for one reading of the clock."""

from __future__ import annotations

import gc
import random
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

BATCHES = 7
BATCH_IN = 0.05
"""Seconds a batch lasts at least; the median batch counts."""
_SPREAD = 5000


def rate_of_calls(call: Callable[[str], Any], names: Sequence[str]) -> dict[str, float]:
    """Seconds a call of `call(name)` takes, over names drawn at random when there are many."""
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


async def rate_of_awaits(call: Callable[[str], Awaitable[Any]], names: Sequence[str]) -> dict[str, float]:
    """As `rate_of_calls`, each call awaited."""
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
    """Look-ups in a dict, in random order: what the processor's memory alone makes of many entries."""
    names = [f"tenant-{number:06d}.example" for number in range(entries)]
    known = {("scope", name): object() for name in names}
    return rate_of_calls(lambda name: known["scope", name], names)


def _picks(names: Sequence[str]) -> list[str]:
    draw = random.Random(20)  # noqa: S311 - the same order in every round
    return [names[0]] * 10 if len(names) == 1 else draw.sample(names, min(len(names), _SPREAD))


def _rounds(seconds: float) -> int:
    return max(1, round(BATCH_IN / seconds))
