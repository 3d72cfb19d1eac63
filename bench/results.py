"""The results of a run, and their form in bench/results.json.

    {"schema": 2, "started_on": epoch seconds UTC, "scale": "full", "machine": {name: text}, "versions": {name: text},
     "benchmarks": [{
        "name", "title", "method": text,
        "candidates": [{"name", "kind": "ours" | "peer" | "baseline", "samples": {quantity: [one number per round]}}],
        "verdicts": [{"what", "ours", "peer" or "", "quantity", "ours_value", "peer_value" or null,
                      "judged": "ratio" | "value", "number": median, "low", "high": smallest and largest of the rounds,
                      "bound": "at most" | "at least", "limit", "reached": true | false, "why": text}],
        "series": [{"name", "kind", "x": the quantity that grows, "quantity", "points": [[x, median], ...]}],
        "skipped": [{"name", "why"}]}],
     "skipped": [{"name", "why"}]}                                  benchmarks that could not run at all

Each number in `samples` belongs to one round. The same position in two lists is the same round, so a ratio is computed
from a pair. A baseline is what no client can beat: the bare interpreter, the bare HTTP client.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = 2

Kind = Literal["ours", "peer", "baseline"]
Bound = Literal["at most", "at least"]
Judged = Literal["ratio", "value"]

UNITS = {
    "seconds": "s",
    "tokens_per_s": "tokens/s",
    "calls_per_s": "calls/s",
    "cpu_s_per_1000": "s of CPU per 1,000 tokens",
    "token_requests": "token requests",
    "discovery_requests": "discovery requests",
    "connections": "connections",
    "round_trips": "round trips",
    "bytes_per_token": "bytes per token",
    "bytes": "bytes",
}
"""The unit of each quantity, as the page writes it."""


class Unavailable(Exception):
    """Something cannot be measured on this machine; the text says why, and the page repeats it."""


@dataclass(frozen=True)
class Measured:
    """A candidate that ran, with one number per round for each quantity."""

    name: str
    kind: Kind
    samples: Mapping[str, list[float]]

    def median(self, quantity: str) -> float:
        return median(self.samples[quantity])


@dataclass(frozen=True)
class Goal:
    """The limit of a quantity, or of a ratio of two values of it.

    `why` explains a miss; the page prints it only then.
    """

    what: str
    quantity: str
    bound: Bound
    limit: float
    why: str = ""

    def reached_by(self, number: float) -> bool:
        return number <= self.limit if self.bound == "at most" else number >= self.limit


@dataclass(frozen=True)
class Verdict:
    """One goal and the result: `number` is the median of the ratio or value, `low` and `high` its spread."""

    what: str
    ours: str
    peer: str
    quantity: str
    ours_value: float
    peer_value: float | None
    judged: Judged
    number: float
    low: float
    high: float
    bound: Bound
    limit: float
    reached: bool
    why: str = ""


@dataclass(frozen=True)
class Series:
    """How the median of one candidate changes with `x`."""

    name: str
    kind: Kind
    x: str
    quantity: str
    points: list[tuple[float, float]]


@dataclass(frozen=True)
class Skipped:
    """A candidate or benchmark that did not run, and the reason."""

    name: str
    why: str


@dataclass
class Result:
    """The result of one benchmark."""

    name: str
    title: str
    method: str
    candidates: list[Measured] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    series: list[Series] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)

    def candidate(self, name: str) -> Measured | None:
        """The candidate of that name, or None if it did not run."""
        return next((one for one in self.candidates if one.name == name), None)

    def ratio(self, goal: Goal, ours: str, peer: str, *, inverse: bool = False) -> None:
        """Judge ours / peer, computed round by round; with `inverse`, peer / ours."""
        mine, theirs = self.candidate(ours), self.candidate(peer)
        if mine is None or theirs is None:
            return
        pairs = zip(mine.samples[goal.quantity], theirs.samples[goal.quantity], strict=True)
        self._judge(goal, mine, theirs, "ratio", [b / a if inverse else a / b for a, b in pairs])

    def value(self, goal: Goal, ours: str, *, beside: str = "") -> None:
        """Judge our value itself; `beside` names a candidate to show next to it."""
        mine = self.candidate(ours)
        if mine is not None:
            self._judge(goal, mine, self.candidate(beside), "value", mine.samples[goal.quantity])

    def _judge(self, goal: Goal, mine: Measured, theirs: Measured | None, judged: Judged, numbers: list[float]) -> None:
        number = median(numbers)
        self.verdicts.append(
            Verdict(
                what=goal.what,
                ours=mine.name,
                peer=theirs.name if theirs else "",
                quantity=goal.quantity,
                ours_value=mine.median(goal.quantity),
                peer_value=theirs.median(goal.quantity) if theirs else None,
                judged=judged,
                number=number,
                low=min(numbers),
                high=max(numbers),
                bound=goal.bound,
                limit=goal.limit,
                reached=goal.reached_by(number),
                why=goal.why,
            )
        )


def to_json(value: Any) -> Any:
    """A dataclass as plain values."""
    return asdict(value)


def result_from_json(values: Mapping[str, Any]) -> Result:
    """The Result that `to_json` wrote."""
    return Result(
        values["name"],
        values["title"],
        values["method"],
        [Measured(**one) for one in values["candidates"]],
        [Verdict(**one) for one in values["verdicts"]],
        [Series(**{**one, "points": [(x, y) for x, y in one["points"]]}) for one in values["series"]],
        [Skipped(**one) for one in values["skipped"]],
    )
