"""Every measure runs, in a mode so small that its numbers mean nothing, and gives ratios that make sense."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.results import to_json
from bench.run import Bench, Scale
from bench.serving import serving

from bench import measures, page


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A tiny run with a service of its own, without az."""
    with serving(tmp_path) as service:
        yield Bench(Scale.TINY, tmp_path, service, say=lambda _: None)


@pytest.mark.parametrize("measure", measures.ALL, ids=lambda measure: measure.NAME)
def test_a_measure_runs_and_its_ratios_are_sane(measure: object, bench: Bench, tmp_path: Path) -> None:
    """All but az run, every verdict is a finite number inside its spread, and the page can show it."""
    result = measure.run(bench)  # type: ignore[attr-defined]
    assert {one.name for one in result.absent} <= {"az account get-access-token"}
    assert result.verdicts
    for verdict in result.verdicts:
        assert math.isfinite(verdict.number)
        assert 0 <= verdict.low <= verdict.number <= verdict.high
    report = {
        "measures": [to_json(result)],
        "absent": [],
        "started_on": 0,
        "scale": "tiny",
        "versions": {},
        "machine": {},
    }
    page.write(report, tmp_path / "docs")
    shown = (tmp_path / "docs" / "speed.md").read_text(encoding="utf-8")
    assert all(entrant.name in shown for entrant in result.entrants)
    assert all(picture.read_bytes().startswith(b"<?xml") for picture in (tmp_path / "docs" / "speed").iterdir())


def test_the_service_counts_what_it_is_asked(bench: Bench) -> None:
    """One token for each of five tenants is five token requests, no discovery, and counting starts anew after."""
    asked = bench.asking("ours:tenants_by_threads", tenants=5, concurrency=1)
    assert (asked["token_requests"], asked["discovery_requests"]) == (5, 0)
    assert bench.service.counts()["tokens"] == 0
