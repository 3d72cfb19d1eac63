"""A running program: a test reads its output and acts on it."""

from __future__ import annotations

import contextlib
import re
import subprocess
import weakref

from tests.support.program import MSTOKEN, Program


class Running:
    """A command that runs while the test acts; its standard error is read as it arrives."""

    def __init__(self, program: Program, *arguments: str, stdin: int = subprocess.DEVNULL) -> None:
        self.process = subprocess.Popen(
            [MSTOKEN, *arguments],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=program.environment,
            cwd=program.folder,
        )
        self.err = ""
        weakref.finalize(self, _end, self.process)  # a test that fails leaves no process and no open pipe behind

    def says(self, pattern: str) -> str:
        """Wait for a line of standard error that matches; return the pattern's first group."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.err += line
            if match := re.search(pattern, line):
                return match[1]
        raise AssertionError(f"the command ended without printing {pattern!r}: {self.err}")

    def end(self) -> tuple[int, str]:
        out, err = self.process.communicate(timeout=60)
        self.err += err
        return self.process.returncode, out


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
