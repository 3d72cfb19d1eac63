"""How the bench runs rounds and judges goals, and how the page shows them."""

from __future__ import annotations

import json

import pytest
from bench.results import Goal, Measured, Result, Series, Unavailable, result_from_json, to_json
from bench.rounds import Candidate, run_rounds

from bench import page, units


def result() -> Result:
    """Three rounds of ours and of a peer that takes ten times as long, on a machine that becomes slower."""
    return Result(
        "a-benchmark",
        "A benchmark",
        "By hand.",
        [
            Measured("ours", "ours", {"seconds": [1.0, 2.0, 4.0]}),
            Measured("peer", "peer", {"seconds": [10.0, 20.0, 44.0]}),
        ],
    )


def test_a_ratio_is_computed_round_by_round() -> None:
    """A machine that slows down between rounds does not change the ratio of two runs in the same round."""
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


def test_a_candidate_that_did_not_run_is_not_judged() -> None:
    """Without the peer there is no verdict."""
    judged = result()
    judged.ratio(Goal("speed", "seconds", "at least", 10), "ours", "somebody else")
    assert judged.verdicts == []


def test_every_second_round_runs_in_the_opposite_order() -> None:
    """Every candidate runs once in each round; the warm-up does not count."""
    measured: list[str] = []

    def candidate(name: str) -> Candidate:
        def run() -> dict[str, float]:
            measured.append(name)
            return {"seconds": 1.0}

        return Candidate(name, "peer", run)

    result = Result("r", "", "")
    run_rounds(result, [candidate("a"), candidate("b")], 2, warm_up=True, log=lambda _: None)
    assert "".join(measured) == "baabba"
    assert [len(candidate.samples["seconds"]) for candidate in result.candidates] == [2, 2]


def test_a_candidate_that_cannot_run_is_skipped_with_the_reason() -> None:
    """The other candidates still run."""

    def missing() -> dict[str, float]:
        raise Unavailable("not installed")

    result = Result("r", "", "")
    candidates = [Candidate("gone", "peer", missing), Candidate("here", "ours", lambda: {"seconds": 1.0})]
    run_rounds(result, candidates, 2, warm_up=False, log=lambda _: None)
    assert [(one.name, one.why) for one in result.skipped] == [("gone", "not installed")]
    assert [candidate.name for candidate in result.candidates] == ["here"]


def test_a_result_read_from_json_equals_the_one_written() -> None:
    """The report file loses nothing that was measured."""
    judged = result()
    judged.ratio(Goal("speed", "seconds", "at least", 10), "ours", "peer", inverse=True)
    judged.series.append(Series("ours", "ours", "entries", "seconds", [(1.0, 2.0)]))
    assert result_from_json(json.loads(json.dumps(to_json(judged)))) == judged


def test_the_page_shows_a_missed_goal_with_the_factor() -> None:
    """The table says whether each goal is reached, and by how much."""
    judged = result()
    judged.ratio(Goal("speed", "seconds", "at least", 40), "ours", "peer", inverse=True)
    judged.value(Goal("time", "seconds", "at most", 8), "ours")
    shown = page.table({"benchmarks": [to_json(judged)]})
    assert "**no**, missed by 4 x" in shown
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
def test_a_number_has_the_unit_that_leaves_few_digits(value: float, quantity: str, shown: str) -> None:
    """Times are in seconds, milliseconds or microseconds."""
    assert units.amount(value, quantity) == shown
