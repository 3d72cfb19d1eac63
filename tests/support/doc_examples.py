"""The examples of a page: what to run, and what the page shows as its output.

A `console` block has commands after `$ ` (continued after `> `), each followed by its output, standard output and
standard error as they come at a terminal. A `sh` or `python` block may be followed by a `text` block with its output.
In an output `…` stands for whatever varies: within a line for any characters, alone on a line for any lines.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(
    r"^```(sh|python|console)\n(.*?)^```$(?:\s*^```text\n(.*?)^```$)?",
    re.MULTILINE | re.DOTALL,
)
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


def with_our_python() -> dict[str, str]:
    """The environment, with mstoken's own Python and command first on the path."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def run(language: str, code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run code inside a new emulator, in an empty folder."""
    runner = [sys.executable, "-W", "error", "-c"] if language == "python" else [*BASH[language], "-c"]
    return subprocess.run(
        [sys.executable, "-m", "entra_emulator", "--", *runner, code],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if language == "console" else subprocess.PIPE,
        text=True,
        check=False,
        timeout=120,
        cwd=folder,
        env=with_our_python(),
    )


def problem(example: Example, folder: Path) -> str:
    """What is wrong with an example; empty if it runs and prints what the page shows."""
    return _transcript_problem(example, folder) if example.language == "console" else _block_problem(example, folder)


def _block_problem(example: Example, folder: Path) -> str:
    done = run(example.language, example.code, folder)
    if done.returncode:
        return f"exit code {done.returncode}\n{done.stderr}"
    if not done.stdout.strip():
        return "it prints nothing"
    if example.shown is not None and not matches(example.shown, done.stdout):
        return f"it printed\n{done.stdout}"
    return ""


def _transcript_problem(example: Example, folder: Path) -> str:
    """A command may fail only if the page shows its exit code by `echo $?` next."""
    steps = transcript(example.code)
    script = ""
    for number, (command, _) in enumerate(steps):
        may_fail = [following for following, _ in steps[number + 1 : number + 2]] == ["echo $?"]
        script += "echo $code" if command == "echo $?" else command
        script += f"\ncode=$?; printf '{SEPARATOR}'\n" + ("" if may_fail else '[ "$code" = 0 ] || exit "$code"\n')
    done = run("console", script, folder)
    for (command, shown), printed in zip(steps, done.stdout.split(SEPARATOR), strict=False):
        if not matches(shown, printed):
            return f"$ {command}\nprinted\n{printed}"
    return f"exit code {done.returncode}\n{done.stdout}" if done.returncode else ""
