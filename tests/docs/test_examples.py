"""Every example of the README and the docs runs inside the emulator and prints what the page shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.support.doc_examples import Example, examples_of, matches, problem, transcript
from tests.support.pwsh import NO_PWSH, PWSH, needs_pwsh

ROOT = Path(__file__).parent.parent.parent
TEST_FILES = {
    "emulator-in-tests.md",  # its example is a file of tests, which tests/emulator/test_plugin.py runs
    "powershell-module.md",  # its blocks show cmdlets and no output; tests/powershell runs the cmdlets
}
PAGES = [ROOT / "README.md", *(page for page in sorted((ROOT / "docs").glob("*.md")) if page.name not in TEST_FILES)]
EXAMPLES = [example for page in PAGES for example in examples_of(page)]


def test_the_readme_shows_the_ten_tasks() -> None:
    """Each of the ten tasks has an example, and each example shows its output."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(re.findall(r"^\*\*\d+\. ", text, re.MULTILINE)) == 10
    shown = [example for example in EXAMPLES if example.page == "README.md"]
    assert len(shown) >= 10
    assert all(example.language == "console" or example.shown for example in shown)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.id)
def test_an_example_prints_what_the_page_shows(example: Example, tmp_path: Path) -> None:
    """Its commands succeed, and their output is the one beside them."""
    if example.language == "powershell" and PWSH is None:
        pytest.skip(NO_PWSH)
    assert problem(example, tmp_path) == ""


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a token of … characters", "a token of 1203 characters\n", True),
        ("a token of … characters", "a token of 1203 bytes\n", False),
        ("first\n…\nlast", "first\nsecond\nthird\nlast\n", True),
        ("first\n…\nlast", "first\nlast\n", True),
        ("first\nlast", "first\nsecond\nlast\n", False),
        ("first", "first\nsecond\n", False),
        ("", "anything\n", False),
        ("a.c", "abc\n", False),
    ],
)
def test_output_differs_only_where_the_page_says_so(shown: str, printed: str, same: object) -> None:
    """An ellipsis stands for characters in a line or, alone, for lines; everything else is compared."""
    assert matches(shown, printed) is same


def test_a_transcript_has_commands_and_their_output() -> None:
    """A command goes on after `> `; what follows is its output."""
    steps = transcript("$ mstoken get graph \\\n> -o header\nAuthorization: …\n$ echo $?\n0\n")
    assert steps == [("mstoken get graph \\\n-o header", "Authorization: …"), ("echo $?", "0")]


@pytest.mark.parametrize(
    ("language", "code", "shown", "word"),
    [
        ("console", "$ false\n", None, "exit code 1"),
        ("console", "$ false\n$ echo $?\n2\n", None, "$ echo $?\nprinted\n1"),
        ("console", "$ echo one\ntwo\n", None, "$ echo one\nprinted\none"),
        ("console", "$ echo one\n", None, "$ echo one\nprinted\none"),
        ("sh", "false\n", None, "exit code 1"),
        ("sh", "true\n", None, "it prints nothing"),
        ("python", "print(1)\n", "2\n", "it printed\n1"),
    ],
)
def test_an_example_that_is_not_true_is_found(
    tmp_path: Path, language: str, code: str, shown: str | None, word: str
) -> None:
    """A command that fails unannounced, an exit code or an output other than the page shows, silence."""
    assert word in problem(Example("page.md", 1, language, code, shown), tmp_path)


@needs_pwsh
@pytest.mark.parametrize(
    ("code", "shown", "word"),
    [
        ("mstoken get no-such-service\n'after'\n", None, "exit code"),
        ("throw 'no'\n", None, "exit code 1"),
        ("$null = 1\n", None, "it prints nothing"),
        ("'one'\n", "two\n", "it printed\none"),
    ],
)
def test_an_example_of_powershell_that_is_not_true_is_found(
    tmp_path: Path, code: str, shown: str | None, word: str
) -> None:
    """A program that fails, an exception, silence, another output."""
    assert word in problem(Example("page.md", 1, "powershell", code, shown), tmp_path)
