"""Shell examples in PowerShell: those whose commands are plain words run there too; the others have a twin."""

from __future__ import annotations

import runpy
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.docs.test_examples import EXAMPLES, ROOT
from tests.support.doc_examples import POWERSHELL, Example, matches, run, transcript
from tests.support.pwsh import needs_pwsh

TOOL = ROOT / "tools" / "check_twins.py"
SEPARATOR = "== end of a command =="


def same(example: Example) -> bool:
    """Whether the tool says that PowerShell takes the example as it is."""
    return bool(_tool()["is_the_same_in_powershell"](example.language, example.code))


@cache
def _tool() -> dict[str, Any]:
    return runpy.run_path(str(TOOL))


SAME = [example for example in EXAMPLES if example.language == "console" and same(example)]


@needs_pwsh
@pytest.mark.parametrize("example", SAME, ids=lambda example: example.id)
def test_an_example_of_plain_words_prints_the_same_in_powershell(example: Example, tmp_path: Path) -> None:
    """Its standard output; a page shows standard error among it, which comes first or last in PowerShell."""
    steps = transcript(example.code)
    script = "".join(f"{command}\n'{SEPARATOR}'\n" for command, _ in steps)
    done = run("powershell", script, tmp_path)
    assert done.returncode == 0, done.stderr
    for (command, shown), printed in zip(steps, done.stdout.split(SEPARATOR), strict=False):
        lines = "\n".join(line for line in shown.splitlines() if not line.startswith("mstoken: "))
        assert matches(lines, printed), f"{command}\nprinted\n{printed}"


def test_there_are_examples_of_plain_words() -> None:
    assert len(SAME) > 10
    assert POWERSHELL.startswith("$ErrorActionPreference = 'Stop'")


def checked(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(TOOL), str(root)], capture_output=True, text=True, check=False)


def test_every_shell_example_has_its_twin() -> None:
    done = checked(ROOT)
    assert (done.returncode, done.stderr) == (0, "")


TWIN = "\n```powershell\n$env:A\n```\n"


@pytest.mark.parametrize(
    ("page", "fits"),
    [
        ("```console\n$ mstoken get graph\neyJ\n```\n", True),
        ("```console\n$ mstoken get graph -q 'a[?b]' | mstoken inspect\n```\n", True),
        ("```console\n$ echo $?\n```\n", False),
        ('```console\n$ mstoken get "$A"\n```\n', False),
        ("```console\n$ mstoken get graph > file\n```\n", False),
        ("```console\n$ mstoken get graph \\\n> --fresh\n```\n", False),
        ("```console\n$ mstoken request -d @file\n```\n", False),
        ("```console\n$ mstoken get graph | jq .\n```\n", False),
        ("```sh\nprintf x | mstoken login\n```\n", False),
        ("```sh\nprintf x | mstoken login\n```\n" + TWIN, True),
        ("```sh\nprintf x | mstoken login\n```\n## Next\n" + TWIN, False),
    ],
)
def test_an_example_without_a_twin_is_found(tmp_path: Path, page: str, fits: object) -> None:
    """Plain words need none; a twin comes before the next heading."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text("# Empty\n")
    (tmp_path / "docs" / "page.md").write_text(page)
    assert (checked(tmp_path).returncode == 0) is fits
