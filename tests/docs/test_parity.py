"""The page of parity is held against the tests, and notices what does not fit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tools.check_parity import PAGE, problems

ROOT = Path(__file__).resolve().parents[2]
HEAD = "| behaviour | here | shown by |\n|---|---|---|\n"


def test_the_page_fits() -> None:
    """Every test it names is there, and every behaviour tested is on it."""
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "check_parity.py"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("| a | same | |", "'a': no test shows it"),
        ("| a | perhaps | `clients/test_one` works |", "'a': its second cell begins with none of"),
        ("| a | same | `clients/test_two` |", "'a': there are no tests in clients/test_two"),
        ("| a | same | `clients/test_one` works, flies |", "'a': clients/test_one has no test flies"),
        ("| a | missing | |", "clients/test_one: on no row of the page"),
        ("| a | same | `clients/test_one` works |", "clients/test_one: rests is on no row of the page"),
        ("| a | same | `clients/test_one` |", ""),
    ],
)
def test_what_does_not_fit_is_told(tmp_path: Path, row: str, sentence: str) -> None:
    """A test that is not there, one that is on no row, a row without a test."""
    (tmp_path / "clients").mkdir()
    (tmp_path / "clients" / "test_one.py").write_text("def test_works(): ...\nasync def test_rests(): ...\n")
    found = problems(HEAD + row, tmp_path)
    assert any(one.startswith(sentence) for one in found) if sentence else not found


def test_every_known_difference_has_a_row() -> None:
    """What the comparison with recorded answers lets pass is said on the page."""
    page = PAGE.read_text(encoding="utf-8")
    assert all(word in page for word in ("2019", "70021", "onprem_sid", "error_uri on the requested host"))
