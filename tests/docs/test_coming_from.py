"""docs/coming-from.md: its table counts the lines that the page shows."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "coming-from.md").read_text(encoding="utf-8")


def test_the_table_has_the_number_of_lines_of_each_program() -> None:
    """Lines with code, imports included, in the order of the columns."""
    rows = re.findall(r"^\| (\d)\. .*? \| (.*) \|$", PAGE, re.MULTILINE)
    assert [number for number, _ in rows] == ["1", "2", "3", "4", "5"]
    for number, cells in rows:
        section = re.split(r"^## ", PAGE, flags=re.MULTILINE)[int(number)]
        blocks = re.findall(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
        counted = [sum(1 for line in block.splitlines() if line.strip()) for block in blocks]
        told = [int(cell.split()[0]) for cell in cells.split(" | ") if cell != "not possible"]
        assert told == counted, number
