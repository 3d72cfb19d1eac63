"""Every example of the README and the docs runs, as it stands, inside the emulator."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
TEST_FILES = {"emulator-in-tests.md"}  # its example is a file of tests, which tests/emulator/test_plugin.py runs
PAGES = [ROOT / "README.md", *(page for page in sorted((ROOT / "docs").glob("*.md")) if page.name not in TEST_FILES)]
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

EXAMPLES = [
    pytest.param(language, code, id=f"{page.name}:{text[: match.start()].count(chr(10)) + 1}")
    for page in PAGES
    for text in [page.read_text(encoding="utf-8")]
    for match in BLOCK.finditer(text)
    for language, code in [match.groups()]
]


def test_the_readme_shows_the_ten_things() -> None:
    """Each of the ten things people do has an example."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    things = re.split(r"^\*\*\d+\. ", text, flags=re.MULTILINE)[1:]
    assert len(things) == 10
    assert all(BLOCK.search(thing) for thing in things)


@pytest.mark.parametrize(("language", "code"), EXAMPLES)
def test_an_example_runs(language: str, code: str, tmp_path: Path) -> None:
    """The block ends with exit code 0 and prints something, with mstoken's own Python first on the path."""
    runner = ["bash", "-euo", "pipefail", "-c"] if language == "sh" else [sys.executable, "-W", "error", "-c"]
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        [sys.executable, "-m", "entra_emulator", "--", *runner, code],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=tmp_path,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
