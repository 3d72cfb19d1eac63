"""How the bench judges, and that a report survives being written and read."""

from __future__ import annotations

import json

import pytest
from bench.racing import Contender, race
from bench.results import Curve, Entrant, Goal, Result, Unavailable, result_from_json, to_json

from bench import page


def result() -> Result:
    """Three rounds of ours and of a peer that needs ten times as long, in a run that got slower and slower."""
    return Result(
        "a-measure",
        "A measure",
        "By hand.",
        [
            Entrant("ours", "ours", {"seconds": [1.0, 2.0, 4.0]}),
            Entrant("peer", "peer", {"seconds": [10.0, 20.0, 44.0]}),
        ],
    )


def test_a_ratio_is_made_round_by_round() -> None:
    """A machine that slows down between rounds does not change the ratio of those who ran side by side."""
    judged = result()
    judged.ratio(Goal("speed", "seconds", "at least", 10), "ours", "peer", inverse=True)
    verdict = judged.verdicts[0]
    assert (verdict.number, verdict.low, verdict.high, verdict.reached) == (10.0, 10.0, 11.0, True)


@pytest.mark.parametrize(("bound", "limit", "reached"), [("at most", 2, True), ("at most", 1.9, False)])
def test_a_value_is_judged_by_its_median(bound: str, limit: float, reached: bool) -> None:  # noqa: FBT001
    """The middle round decides, not the best one."""
    judged = result()
    judged.value(Goal("speed", "seconds", "at most", limit), "ours", beside="peer")
    assert (judged.verdicts[0].bound, judged.verdicts[0].reached) == (bound, reached)


def test_who_did_not_run_is_not_judged() -> None:
    """Without the peer there is no verdict, rather than one about nothing."""
    judged = result()
    judged.ratio(Goal("speed", "seconds", "at least", 10), "ours", "somebody else")
    assert judged.verdicts == []


def test_rounds_take_turns_and_turn_around() -> None:
    """Everyone runs once in every round, every second round in the opposite order; the warm-up does not count."""
    ran: list[str] = []

    def contender(name: str) -> Contender:
        def run() -> dict[str, float]:
            ran.append(name)
            return {"seconds": 1.0}

        return Contender(name, "peer", run)

    raced = Result("r", "", "")
    race(raced, [contender("a"), contender("b")], 2, warm_up=True, say=lambda _: None)
    assert "".join(ran) == "baabba"
    assert [len(entrant.samples["seconds"]) for entrant in raced.entrants] == [2, 2]


def test_who_cannot_run_is_named_with_the_reason() -> None:
    """A contender that is not available is absent with its reason, and the others go on."""

    def missing() -> dict[str, float]:
        raise Unavailable("not installed")

    raced = Result("r", "", "")
    contenders = [Contender("gone", "peer", missing), Contender("here", "ours", lambda: {"seconds": 1.0})]
    race(raced, contenders, 2, warm_up=False, say=lambda _: None)
    assert [(one.name, one.why) for one in raced.absent] == [("gone", "not installed")]
    assert [entrant.name for entrant in raced.entrants] == ["here"]


def test_a_report_survives_being_written() -> None:
    """What is read from the file is what was measured."""
    judged = result()
    judged.ratio(Goal("speed", "seconds", "at least", 10), "ours", "peer", inverse=True)
    judged.curves.append(Curve("ours", "ours", "entries", "seconds", [(1.0, 2.0)]))
    assert result_from_json(json.loads(json.dumps(to_json(judged)))) == judged


def test_the_page_says_what_was_missed_and_by_how_much() -> None:
    """A target that is not reached stands in the table as missed, with the factor."""
    judged = result()
    judged.ratio(Goal("speed", "seconds", "at least", 40), "ours", "peer", inverse=True)
    judged.value(Goal("time", "seconds", "at most", 8), "ours")
    shown = page.table({"measures": [to_json(judged)]})
    assert "**no**, 4 x short of it" in shown
    assert "yes, 4 x better" in shown


@pytest.mark.parametrize(
    ("value", "quantity", "shown"),
    [
        (1.5, "seconds", "1.5 s"),
        (0.0123, "seconds", "12.3 ms"),
        (8e-7, "seconds", "0.8 µs"),
        (4933, "tokens_per_s", "4,933 tokens/s"),
    ],
)
def test_numbers_have_a_unit_people_read(value: float, quantity: str, shown: str) -> None:
    """Times are in seconds, milliseconds or microseconds, whichever leaves few digits."""
    assert page.amount(value, quantity) == shown
