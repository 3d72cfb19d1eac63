"""Every program in examples/ runs inside the emulator and prints the output that its last lines show."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.doc_examples import matches, with_python

FOLDER = Path(__file__).resolve().parents[2] / "examples"
PROGRAMS = sorted(path for path in FOLDER.iterdir() if path.suffix in {".py", ".sh"})
CONFIG = {"on_behalf_of_api.py": ["--config", str(FOLDER / "orders.toml")]}


def output_of(path: Path) -> str:
    """The lines of the comment `# Output:` at the program's end."""
    *_, shown = path.read_text(encoding="utf-8").partition("\n# Output:\n")
    return "\n".join(line.removeprefix("#   ") for line in shown.splitlines())


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.name)
def test_a_program_prints_the_output_that_it_shows(path: Path, tmp_path: Path) -> None:
    """It runs without an error or a warning."""
    python = [sys.executable, "-W", "error"]
    pytest_options = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path)]
    runner = ["bash"] if path.suffix == ".sh" else [*python, *(pytest_options if path.name.startswith("test_") else [])]
    command = [sys.executable, "-m", "entra_emulator", *CONFIG.get(path.name, []), "--", *runner, str(path)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=120, cwd=tmp_path, env=with_python(sys.executable)
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert matches(output_of(path), done.stdout), done.stdout


def test_every_program_is_listed() -> None:
    """examples/README.md links to each of them."""
    listed = set(re.findall(r"\]\((\w+\.(?:py|sh))\)", (FOLDER / "README.md").read_text(encoding="utf-8")))
    assert listed == {path.name for path in PROGRAMS}
