"""Run the candidates of a benchmark in rounds, one after another, so that other load on the machine affects all."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.results import Measured, Skipped, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bench.results import Kind, Result


@dataclass(frozen=True)
class Candidate:
    """Something to measure: `run` runs it once and returns a number for each quantity. It may raise Unavailable."""

    name: str
    kind: Kind
    run: Callable[[], Mapping[str, float]]


def run_rounds(
    result: Result, candidates: Sequence[Candidate], rounds: int, *, warm_up: bool, log: Callable[[str], None]
) -> None:
    """Run every candidate `rounds` times and add what was measured to `result`; one that is Unavailable is skipped.

    Every second round runs in the opposite order, so that no candidate always follows the same one. A warm-up round
    fills the system's file cache and is not counted.
    """
    samples: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    skipped: set[str] = set()
    for number in range(-1 if warm_up else 0, rounds):
        for candidate in candidates if number % 2 == 0 else reversed(candidates):
            if candidate.name in skipped:
                continue
            try:
                numbers = candidate.run()
            except Unavailable as reason:
                skipped.add(candidate.name)
                result.skipped.append(Skipped(candidate.name, str(reason)))
                continue
            if number >= 0:
                for quantity, value in numbers.items():
                    samples[candidate.name][quantity].append(value)
        log(f"{result.name}: round {number + 1} of {rounds}" if number >= 0 else f"{result.name}: warm-up")
    result.candidates.extend(
        Measured(candidate.name, candidate.kind, dict(samples[candidate.name]))
        for candidate in candidates
        if candidate.name not in skipped
    )
