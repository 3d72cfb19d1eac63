"""docs/architecture.md is true to the code: its layers, the files that it names, and the length of its glossary."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def test_the_diagram_shows_the_layers_of_the_import_contract() -> None:
    """The same layers in the same order; siblings stand on one line."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    contract = next(one for one in contracts if one.get("containers") == ["mstoken"])
    layers = [sorted(re.split(r" [|:] ", layer)) for layer in contract["layers"] if layer != "__main__"]
    nodes = re.findall(r'^ +\w+\["([^"<]+)', PAGE, re.MULTILINE)
    assert [sorted(re.sub(r"/|\.py", "", node).split(" · ")) for node in nodes] == layers


def test_each_layer_points_to_the_one_below() -> None:
    """The arrows make one column, so that GitHub draws them in order."""
    names = re.findall(r'^ +(\w+)\["', PAGE, re.MULTILINE)
    assert re.findall(r"--> (\w+)$", PAGE, re.MULTILINE) == names[1:]


def test_the_glossary_is_short() -> None:
    """At most thirty terms, each once."""
    terms = re.findall(r"^\| ([^|]+) \| ", PAGE.partition("## Glossary")[2], re.MULTILINE)[1:]
    assert len(terms) == len(set(terms))
    assert 10 < len(terms) <= 30
