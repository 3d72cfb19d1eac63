"""Check docs/emulator-parity.md against the tests: what it names is there, and what is tested is on it.

A row's last cell names tests: in backticks a module below tests/, then the tests in it without their `test_`.
    | behaviour | here | `clients/test_msal_python` secret, refresh_token; `emulator/login/test_scopes` |
A module alone stands for all its tests. Every row that says `same` or `differs` names a test; `missing` need not. Every
test in tests/clients, and every module below tests/emulator, is named by some row.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "emulator-parity.md"
STATES = ("same", "differs", "missing")
_MODULE = re.compile(r"`([\w/]+)`([^`;]*)")


def tests_in(module: Path) -> set[str]:
    """Names of the test functions that pytest collects from a module, without `test_`."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {one.name.removeprefix("test_") for one in functions if one.name.startswith("test_")}


def rows(page: str) -> list[list[str]]:
    """The cells of every row below a table's head."""
    lines = [line for line in page.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if not row[0].startswith("---") and row[-1] != "shown by"]


def named(cell: str) -> dict[str, set[str]]:
    """The modules a cell names, each with the tests it names there; none of them for all."""
    return {
        module: {name.strip() for name in names.split(",") if name.strip()} for module, names in _MODULE.findall(cell)
    }


def problems(page: str, tests: Path) -> list[str]:
    """What does not fit, one sentence each."""
    found: list[str] = []
    seen: dict[str, set[str]] = {}
    for row in rows(page):
        what, state, cell = row[0], row[1].partition(":")[0], row[-1]
        if state not in STATES:
            found.append(f"'{what}': its second cell begins with none of {', '.join(STATES)}")
        if state != "missing" and not named(cell):
            found.append(f"'{what}': no test shows it")
        for module, names in named(cell).items():
            path = tests / f"{module}.py"
            there = tests_in(path) if path.exists() else set()
            if not there:
                found.append(f"'{what}': there are no tests in {module}")
            found += [f"'{what}': {module} has no test {name}" for name in sorted(names - there)]
            seen.setdefault(module, set()).update(names or there)
    for path in sorted([*(tests / "clients").rglob("test_*.py"), *(tests / "emulator").rglob("test_*.py")]):
        module = path.relative_to(tests).with_suffix("").as_posix()
        if module not in seen:
            found.append(f"{module}: on no row of the page")
        elif module.startswith("clients/"):
            found += [f"{module}: {name} is on no row of the page" for name in sorted(tests_in(path) - seen[module])]
    return found


def main() -> int:
    found = problems(PAGE.read_text(encoding="utf-8"), ROOT / "tests")
    print("\n".join(found) or "parity: every test named is there", file=sys.stderr if found else sys.stdout)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
