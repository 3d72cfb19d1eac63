"""docs/architecture.md is true to the code: its layers, the files that it names, and the length of its glossary."""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from tests.support.local_entra import entra
from tools import check_docs

from mstoken import Client

__all__ = ["entra"]

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def test_the_diagram_shows_the_layers_of_the_import_contract(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """tools/check_docs.py, part of make check, reports a layer that the diagram shows otherwise."""
    assert check_docs.stale_diagram() == []
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "architecture.md").write_text(PAGE.replace("forks.py", "spoons.py"), encoding="utf-8")
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    monkeypatch.setattr(check_docs, "ROOT", tmp_path)
    assert ["forks" in problem or "spoons" in problem for problem in check_docs.stale_diagram()] == [True, True]


def test_each_layer_points_to_the_one_below() -> None:
    """The arrows make one column, so that GitHub draws them in order."""
    names = re.findall(r'^ +(\w+)\["', PAGE, re.MULTILINE)
    assert re.findall(r"--> (\w+)$", PAGE, re.MULTILINE) == names[1:]


def test_the_glossary_is_short() -> None:
    """At most thirty terms, each once."""
    terms = re.findall(r"^\| ([^|]+) \| ", PAGE.partition("## Glossary")[2], re.MULTILINE)[1:]
    assert len(terms) == len(set(terms))
    assert 10 < len(terms) <= 30


OTHER_PATHS = {"runtimes/asyncio.py", "transports/asyncio.py", "protocol/refusal.py"}
"""Files that the section names for asyncio, or for a refusal."""


@pytest.mark.usefixtures("entra")
def test_the_path_of_one_call_is_the_one_it_takes() -> None:
    """A call of get_token enters the files of the section in the order in which it names them."""
    steps = re.findall(r"^(?:\d+\.|  ) .*$", PAGE.partition("## The path of one call")[2], re.MULTILINE)
    named = list(dict.fromkeys(re.findall(r"`([\w/]+\.py)`", "\n".join(steps))))
    entered: dict[str, None] = {}

    def record(frame: FrameType, event: str, _: Any) -> None:
        path = Path(frame.f_code.co_filename)
        code = frame.f_code
        body = code.co_flags & inspect.CO_OPTIMIZED and not code.co_name.startswith(("<", "__"))  # of a named function
        if event == "call" and body and "mstoken" in path.parts:
            entered[path.as_posix().rpartition("/mstoken/")[2]] = None

    client = Client.from_env()
    sys.setprofile(record)
    try:
        client.get_token("graph")
    finally:
        sys.setprofile(None)
    wanted = [path for path in named if path not in OTHER_PATHS]
    assert len(wanted) > 10
    found = [path for path in entered if path in wanted]
    assert found == wanted
