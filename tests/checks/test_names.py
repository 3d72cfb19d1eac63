"""tools/check_names.py finds names that docs/decisions/0014-names.md replaced."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import pytest
from tools.check_names import ELSEWHERE, FOLDERS, ORDINARY, PAGE, identifiers, old_names, problems

ROOT = Path(__file__).resolve().parents[2]


def planted(root: Path, source: str, file: str = "src/mstoken/planted.py") -> list[str]:
    """What the tool says of a tree with one module."""
    (root / PAGE).parent.mkdir(parents=True)
    shutil.copy(ROOT / PAGE, root / PAGE)
    (root / file).parent.mkdir(parents=True)
    (root / file).write_text(source, encoding="utf-8")
    return problems(root)


def test_this_tree_uses_no_old_name() -> None:
    """What `make check` says of the code as it is."""
    assert problems(ROOT) == []


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("def politely(): ...\ndef ask_as(): ...\n", "ask_as"),
        ("async def patiently(): ...\n", "patiently"),
        ("class Forgetful: ...\n", "Forgetful"),
        ("def f(wishes): ...\n", "wishes"),
        ("def f(*, holder): ...\n", "holder"),
        ("asked = 1\n", "asked"),
        ("class A:\n    patience_in: float\n", "patience_in"),
        ("def f(self):\n    self.untold = True\n", "untold"),
        ("for question in (): ...\n", "question"),
        ("[question for question in ()]\n", "question"),
        ("if (turn := 1): ...\n", "turn"),
        ("try: ...\nexcept OSError as tell: ...\n", "tell"),
        ("match x:\n    case Visit(y) as visit: ...\n", "visit"),
        ("from a import b as Shelf\n", "Shelf"),
    ],
)
def test_an_old_name_is_reported(tmp_path: Path, source: str, name: str) -> None:
    """Wherever a name is given: functions, classes, parameters, variables, attributes, fields, imports."""
    (problem,) = planted(tmp_path, source)
    assert f": {name} is an old name; docs/decisions/0014-names.md has the new one" in problem


@pytest.mark.parametrize(
    "file", ["src/mstoken/flows/kept.py", "src/mstoken/stores/places.py", "tests/support/turns.py"]
)
def test_an_old_file_is_reported(tmp_path: Path, file: str) -> None:
    """A module has a new name too."""
    (problem,) = planted(tmp_path, "", file)
    assert problem.startswith(f"{file}: an old name of a file")


def test_a_word_of_the_emulator_and_the_tests_is_reported_in_the_package(tmp_path: Path) -> None:
    """`ask` may send a request in a test; in the package it named too many things."""
    assert planted(tmp_path / "tests", "def ask(): ...\n", "tests/test_planted.py") == []
    assert len(planted(tmp_path / "package", "def ask(): ...\n")) == 1


def test_ordinary_words_pass(tmp_path: Path) -> None:
    """Also what a string or a comment says."""
    assert planted(tmp_path, 'def read(names): # holder\n    return "wishes"\n') == []


def test_every_exception_is_an_old_name_that_is_in_use() -> None:
    """An exception that is no longer needed is removed."""
    names, _ = old_names((ROOT / PAGE).read_text(encoding="utf-8"))
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py") if "node_modules" not in path.parts]
    used = {name for path in files for name, _ in identifiers(ast.parse(path.read_text(encoding="utf-8")))}
    assert (ORDINARY.keys() | ELSEWHERE.keys()) - names == set()
    assert (ORDINARY.keys() | ELSEWHERE.keys()) - used == set()
    assert ORDINARY.keys() & ELSEWHERE.keys() == set()
