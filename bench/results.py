"""What a run of the bench gives, and its form in bench/results.json.

    {"schema": 1, "started_on": epoch seconds UTC, "scale": "full", "machine": {name: text}, "versions": {name: text},
     "measures": [{
        "name", "title", "method": text,
        "entrants": [{"name", "kind": "ours" | "peer" | "floor", "samples": {quantity: [one number a round]}}],
        "verdicts": [{"what", "ours", "peer" or "", "quantity", "ours_value", "peer_value" or null,
                      "judged": "ratio" | "value", "number": median, "low", "high": smallest and largest of the rounds,
                      "bound": "at most" | "at least", "limit", "reached": true | false, "why": text}],
        "curves": [{"name", "kind", "x": what grows, "quantity", "points": [[x, median], ...]}],
        "absent": [{"name", "why"}]}],
     "absent": [{"name", "why"}]}                                  measures that could not run at all

A value in `samples` belongs to one round; the same place in two lists is the same round, so ratios are made of pairs.
A floor is what nobody can be faster than: the bare interpreter, the bare HTTP client.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = 1

Kind = Literal["ours", "peer", "floor"]
Bound = Literal["at most", "at least"]
Judged = Literal["ratio", "value"]

UNITS = {
    "seconds": "s",
    "tokens_per_s": "tokens/s",
    "cpu_s_per_1000": "s of CPU per 1,000 tokens",
    "token_requests": "token requests",
    "discovery_requests": "discovery requests",
    "connections": "connections",
    "bytes_per_token": "bytes per token",
    "bytes": "bytes",
}
"""Quantity -> unit, as the page writes it."""


class Unavailable(Exception):
    """Something cannot be measured here; the text says why, and the page repeats it."""


@dataclass(frozen=True)
class Entrant:
    """One contender and what it did: for each quantity one number a round."""

    name: str
    kind: Kind
    samples: Mapping[str, list[float]]

    def median(self, quantity: str) -> float:
        return median(self.samples[quantity])


@dataclass(frozen=True)
class Goal:
    """What is to be reached: `limit` of a quantity, or of the ratio of two of them.

    `why` says what stands in the way, for the page to tell where it is missed.
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
    """One target and how far we are: `number` is the median of the judged ratio or value, in its spread."""

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
class Curve:
    """How one contender's median grows with `x`."""

    name: str
    kind: Kind
    x: str
    quantity: str
    points: list[tuple[float, float]]


@dataclass(frozen=True)
class Absent:
    """Who did not run, and why."""

    name: str
    why: str


@dataclass
class Result:
    """One measure: all that ran and what it shows."""

    name: str
    title: str
    method: str
    entrants: list[Entrant] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    absent: list[Absent] = field(default_factory=list)

    def entrant(self, name: str) -> Entrant | None:
        """The entrant of that name, if it ran."""
        return next((one for one in self.entrants if one.name == name), None)

    def ratio(self, goal: Goal, ours: str, peer: str, *, inverse: bool = False) -> None:
        """Judge ours against the peer's, round by round; `inverse` when the peer's number is the larger one."""
        mine, theirs = self.entrant(ours), self.entrant(peer)
        if mine is None or theirs is None:
            return
        pairs = zip(mine.samples[goal.quantity], theirs.samples[goal.quantity], strict=True)
        self._judge(goal, mine, theirs, "ratio", [b / a if inverse else a / b for a, b in pairs])

    def value(self, goal: Goal, ours: str, *, beside: str = "") -> None:
        """Judge our number itself; `beside` names a peer to show next to it."""
        mine = self.entrant(ours)
        if mine is not None:
            self._judge(goal, mine, self.entrant(beside), "value", mine.samples[goal.quantity])

    def _judge(self, goal: Goal, mine: Entrant, theirs: Entrant | None, judged: Judged, numbers: list[float]) -> None:
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
    """Dataclasses as plain values."""
    return asdict(value)


def result_from_json(values: Mapping[str, Any]) -> Result:
    """A Result as `to_json` wrote it."""
    return Result(
        values["name"],
        values["title"],
        values["method"],
        [Entrant(**one) for one in values["entrants"]],
        [Verdict(**one) for one in values["verdicts"]],
        [Curve(**{**one, "points": [(x, y) for x, y in one["points"]]}) for one in values["curves"]],
        [Absent(**one) for one in values["absent"]],
    )
