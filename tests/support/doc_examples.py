"""The examples of a page: what to run, and what the page shows as its output.

A `console` block has commands after `$ ` (continued after `> `), each followed by its output, standard output and
standard error as they come at a terminal. A `sh`, `python` or `powershell` block may be followed by a `text` block with
its output.
In an output `…` stands for whatever varies: within a line for any characters, alone on a line for any lines.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.support.pwsh import PWSH

BLOCK = re.compile(
    r"^```(sh|python|console|powershell)\n(.*?)^```$(?:\s*^```text\n(.*?)^```$)?",
    re.MULTILINE | re.DOTALL,
)
POWERSHELL = (
    "$ErrorActionPreference = 'Stop'; $PSNativeCommandUseErrorActionPreference = $true; "
    "$PSStyle.OutputRendering = 'PlainText'"
)
"""An error, or a program's exit code other than 0, ends the block, as `bash -e` does; no colors."""
SEPARATOR = "\x1e"
BASH = {"sh": ["bash", "-euo", "pipefail"], "console": ["bash", "-uo", "pipefail"]}


@dataclass(frozen=True)
class Example:
    """One block of a page: its language, its code and the output shown, None if the page shows none."""

    page: str
    line: int
    language: str
    code: str
    shown: str | None

    @property
    def id(self) -> str:
        return f"{self.page}:{self.line}"


def examples_of(page: Path) -> list[Example]:
    """All examples of a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Example(page.name, text[: match.start()].count("\n") + 1, *match.groups()) for match in BLOCK.finditer(text)
    ]


def transcript(code: str) -> list[tuple[str, str]]:
    """The commands of a `console` block, each with the output shown for it."""
    steps: list[tuple[list[str], list[str]]] = []
    for line in code.splitlines():
        if line.startswith("$ "):
            steps.append(([line[2:]], []))
        elif line.startswith("> ") and steps and not steps[-1][1]:
            steps[-1][0].append(line[2:])
        elif steps:
            steps[-1][1].append(line)
        else:
            raise ValueError(f"output before the first command: {line}")
    return [("\n".join(command), "\n".join(output)) for command, output in steps]


def matches(shown: str, printed: str) -> bool:
    """Whether what was printed is what the page shows."""
    pattern = ""
    for line in shown.strip().splitlines():
        if line.strip() == "…":
            pattern += r"(?:[^\n]*\n)*?"
        else:
            pattern += ".*?".join(re.escape(part) for part in line.rstrip().split("…")) + r"[ ]*\n"
    text = printed.strip()
    return re.fullmatch(pattern, f"{text}\n" if text else "") is not None


def with_python(python: str) -> dict[str, str]:
    """The environment, with `python` and the mstoken command beside it first on the path, without pytest's options."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    return {**inherited, "PATH": f"{Path(python).parent}{os.pathsep}{os.environ['PATH']}"}


def run(language: str, code: str, folder: Path, python: str = sys.executable) -> subprocess.CompletedProcess[str]:
    """Run code inside a new emulator, in an empty folder, with the mstoken that `python` has."""
    if language == "powershell":
        assert PWSH
        script = folder / "example.ps1"
        script.write_text(f"{POWERSHELL}\n{code}", encoding="utf-8")
        command = [PWSH, "-NoProfile", "-NonInteractive", "-File", str(script)]
    elif language == "python":
        command = [python, "-W", "error", "-c", code]
    else:
        command = [*BASH[language], "-c", code]
    return subprocess.run(
        [python, "-m", "entra_emulator", "--", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if language == "console" else subprocess.PIPE,
        text=True,
        check=False,
        timeout=120,
        cwd=folder,
        env=with_python(python),
    )


def problem(example: Example, folder: Path, python: str = sys.executable) -> str:
    """What is wrong with an example; empty if it runs and prints what the page shows."""
    if example.language == "console":
        return _transcript_problem(example, folder, python)
    return _block_problem(example, folder, python)


def _block_problem(example: Example, folder: Path, python: str) -> str:
    done = run(example.language, example.code, folder, python)
    if done.returncode:
        return f"exit code {done.returncode}\n{done.stderr}"
    if not done.stdout.strip():
        return "it prints nothing"
    if example.shown is not None and not matches(example.shown, done.stdout):
        return f"it printed\n{done.stdout}"
    return ""


def _transcript_problem(example: Example, folder: Path, python: str) -> str:
    """A command may fail only if the page shows its exit code by `echo $?` next."""
    steps = transcript(example.code)
    script = ""
    for number, (command, _) in enumerate(steps):
        may_fail = [following for following, _ in steps[number + 1 : number + 2]] == ["echo $?"]
        script += "echo $code" if command == "echo $?" else command
        script += f"\ncode=$?; printf '{SEPARATOR}'\n" + ("" if may_fail else '[ "$code" = 0 ] || exit "$code"\n')
    done = run("console", script, folder, python)
    for (command, shown), printed in zip(steps, done.stdout.split(SEPARATOR), strict=False):
        if not matches(shown, printed):
            return f"$ {command}\nprinted\n{printed}"
    return f"exit code {done.returncode}\n{done.stdout}" if done.returncode else ""
