"""Every benchmark runs, in a mode so small that its numbers mean nothing, and gives ratios that make sense."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.benchmarks import cached_token, commands, powershell
from bench.results import to_json
from bench.run import Bench, Scale
from bench.service import serving
from tests.support.pwsh import NO_PWSH, PWSH

from bench import benchmarks, page


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A tiny run with a service of its own, without az."""
    with serving(tmp_path) as service:
        yield Bench(Scale.TINY, tmp_path, service, log=lambda _: None)


@pytest.mark.parametrize("benchmark", benchmarks.ALL, ids=lambda benchmark: benchmark.NAME)
def test_a_benchmark_runs_and_its_ratios_are_sane(benchmark: object, bench: Bench, tmp_path: Path) -> None:
    """All candidates without az run, every verdict is a finite number inside its spread, and the page can show it."""
    if benchmark is powershell and PWSH is None:
        pytest.skip(NO_PWSH)
    result = benchmark.run(bench)  # type: ignore[attr-defined]
    assert {one.name for one in result.skipped} <= {commands.AZ, cached_token.BESIDE_AZ}
    assert result.verdicts
    for verdict in result.verdicts:
        assert math.isfinite(verdict.number)
        assert 0 <= verdict.low <= verdict.number <= verdict.high
    report = {
        "benchmarks": [to_json(result)],
        "skipped": [],
        "started_on": 0,
        "scale": "tiny",
        "versions": {},
        "machine": {},
    }
    page.write(report, tmp_path / "docs")
    shown = (tmp_path / "docs" / "speed.md").read_text(encoding="utf-8")
    assert all(candidate.name in shown for candidate in result.candidates)
    assert all(
        picture.read_bytes().startswith((b"<?xml", b"<svg")) for picture in (tmp_path / "docs" / "speed").iterdir()
    )


def test_the_service_counts_its_requests(bench: Bench) -> None:
    """A token for each of five tenants takes five token requests and no discovery; then the counts start again."""
    numbers = bench.run_counted("mstoken_client:tenants_in_threads", tenants=5, concurrency=1)
    assert (numbers["token_requests"], numbers["discovery_requests"]) == (5, 0)
    assert bench.service.counts()["tokens"] == 0
