"""Races: every contender in every round, one after the other, so that what disturbs the machine disturbs all."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.results import Absent, Entrant, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bench.results import Kind, Result


@dataclass(frozen=True)
class Contender:
    """Who takes part: `run` does it once and gives one number for each quantity. It may raise Unavailable."""

    name: str
    kind: Kind
    run: Callable[[], Mapping[str, float]]


def race(
    result: Result, contenders: Sequence[Contender], rounds: int, *, warm_up: bool, say: Callable[[str], None]
) -> None:
    """Run `rounds` rounds and add an entrant for every contender to `result`; who is Unavailable is said to be absent.

    Every second round runs backwards, so that nobody always comes after the same one. A warm-up round fills the
    system's file cache and is not counted.
    """
    samples: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    out: set[str] = set()
    for number in range(-1 if warm_up else 0, rounds):
        for contender in contenders if number % 2 == 0 else reversed(contenders):
            if contender.name in out:
                continue
            try:
                numbers = contender.run()
            except Unavailable as reason:
                out.add(contender.name)
                result.absent.append(Absent(contender.name, str(reason)))
                continue
            if number >= 0:
                for quantity, value in numbers.items():
                    samples[contender.name][quantity].append(value)
        say(f"{result.name}: round {number + 1} of {rounds}" if number >= 0 else f"{result.name}: warm-up")
    result.entrants.extend(
        Entrant(contender.name, contender.kind, dict(samples[contender.name]))
        for contender in contenders
        if contender.name not in out
    )
