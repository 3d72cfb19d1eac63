"""Every credential is documented, and every way to get a token has tests that exist."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

TOOL = Path(__file__).parent.parent.parent / "tools" / "check_flows.py"
SECRET = "`flows/test_secret_and_refresh_token.py::test_a_secret_gets_tokens_of_the_application`"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    """tools/check_flows.py as a module."""
    spec = importlib.util.spec_from_file_location("check_flows", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_are_true(tool: ModuleType) -> None:
    """Every row's tests are there and run blocking and under asyncio, and every credential has a row."""
    assert tool.problems() == []


@pytest.mark.parametrize(
    ("works", "fails", "word"),
    [
        (SECRET, "`flows/test_none.py::test_x`", "no test test_x in flows/test_none.py"),
        (SECRET[:-2] + "`", SECRET, "no test"),
        (SECRET, "—", "'fails' names no test"),
        (
            "`cli/test_get.py::test_the_cloud_changes_the_resource`",
            SECRET,
            "'works' names no test that runs blocking and",
        ),
    ],
)
def test_a_row_without_proof_is_reported(tool: ModuleType, works: str, fails: str, word: str) -> None:
    """A test that does not exist, none at all, or only a blocking one."""
    assert any(word in problem for problem in tool.bad_cells(["secret", "x", "x", "x", works, fails]))
    assert tool.bad_cells(["secret", "x", "x", "x", SECRET, SECRET]) == []


@pytest.mark.parametrize("name", ["MATRIX", "PAGE"])
def test_a_credential_without_row_is_reported(tool: ModuleType, name: str) -> None:
    """A page that lost a row names the credential that it no longer shows."""
    text = getattr(tool, name).read_text(encoding="utf-8").replace("DeviceCode", "Elsewhere")
    assert tool.without_row(text) == ["no row shows DeviceCode"]
