"""docs/speed.md is what the bench writes from the committed results, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bench.__main__ import RESULTS
from bench.parameters import ROOT

from bench import page


@pytest.mark.parametrize("results", [path for path in (RESULTS,) if path.exists()], ids=lambda path: path.name)
def test_the_page_is_made_of_the_results(results: Path, tmp_path: Path) -> None:
    """No number in docs/speed.md was written or changed by hand."""
    page.write(json.loads(results.read_text(encoding="utf-8")), tmp_path)
    shown = ROOT / "docs" / "speed.md"
    assert shown.read_text(encoding="utf-8") == (tmp_path / "speed.md").read_text(encoding="utf-8")
