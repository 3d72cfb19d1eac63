"""Check tests/flows.md and docs/flows.md: each credential is on both pages, and each way to get a token is tested.

The last two columns of each table in tests/flows.md are `works` and `fails`. They name tests as
`folder/test_file.py::test_name`, below tests/mstoken or tests; at least one test of each cell must take the fixture
that runs it blocking and under asyncio.
"""

from __future__ import annotations

import ast
import re
import sys
from functools import cache
from pathlib import Path

import mstoken
from mstoken import credentials

ROOT = Path(__file__).resolve().parent.parent
MATRIX = ROOT / "tests" / "flows.md"
PAGE = ROOT / "docs" / "flows.md"
NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")
NO_FLOW = {
    "AssertionSource",
    "BaseCredential",
    "ChainLink",
    "ClientCredential",
    "Credential",
    "DeveloperTool",
    "DevicePrompt",
    "SignIn",
}
"""Names of `mstoken.credentials` that are types or parts of a credential, and no way to get a token."""


def rows(text: str) -> list[list[str]]:
    """The cells of every row of every table, without headings and rules."""
    lines = [line.strip() for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [row for row in cells if row[-1] != "fails" and not set("".join(row)) <= set("-| ")]


@cache
def tests_of(name: str) -> dict[str, bool]:
    """Test -> whether it takes `runner`, itself or by a fixture of its file; empty if there is no such file."""
    path = next((path for folder in ("tests/mstoken", "tests") if (path := ROOT / folder / name).exists()), None)
    if path is None:
        return {}
    functions = {
        node.name: {argument.arg for argument in node.args.args}
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }

    def takes_runner(taken: set[str]) -> bool:
        return "runner" in taken or any(takes_runner(functions[one] - {one}) for one in taken if one in functions)

    return {one: takes_runner(taken) for one, taken in functions.items() if one.startswith("test_")}


def bad_cells(row: list[str]) -> list[str]:
    """What is wrong with the tests that a row names."""
    problems = []
    for column, cell in (("works", row[-2]), ("fails", row[-1])):
        named = NAMED.findall(cell)
        problems += [f"{row[0]}: no test {test} in {name}" for name, test in named if test not in tests_of(name)]
        if not any(tests_of(name).get(test) for name, test in named):
            problems.append(f"{row[0]}: '{column}' names no test that runs blocking and under asyncio")
    return problems


def without_row(text: str) -> list[str]:
    """Credentials that no row shows."""
    exported = {name for name in credentials.__all__ if name[0].isupper()} | set(mstoken.__all__)
    kinds = {name for name in exported if hasattr(credentials, name)} - NO_FLOW
    shown = " ".join(cell for row in rows(text) for cell in row)
    return [f"no row shows {kind}" for kind in sorted(kinds) if not re.search(rf"\b{kind}\b", shown)]


def problems() -> list[str]:
    """Everything wrong with the two pages, one sentence each."""
    matrix, page = MATRIX.read_text(encoding="utf-8"), PAGE.read_text(encoding="utf-8")
    found = without_row(matrix) + [problem for row in rows(matrix) for problem in bad_cells(row)]
    return [f"tests/flows.md: {problem}" for problem in found] + [f"docs/flows.md: {one}" for one in without_row(page)]


def main() -> int:
    found = problems()
    print(
        "\n".join(found) or "flows: each credential is documented, each row is tested",
        file=sys.stderr if found else sys.stdout,
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
