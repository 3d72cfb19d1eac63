"""Client programs that are compiled: built once into .make, for all test processes and all runs."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).resolve().parent.parent.parent
BUILDS = ROOT / ".make" / "clients"
_ENVIRONMENT = dict(os.environ)  # saved before a test directs it to an emulator, where no registry is available


@dataclass(frozen=True)
class Build:
    """How to build the sources in `folder`. `{output}` in an argument stands for the output folder."""

    name: str
    needs: tuple[str, ...]
    folder: Path
    fetch: Sequence[str]
    build: Sequence[str]
    """A program and its arguments; one with a star stands for the files of that name, as in a shell."""

    def output(self) -> Path:
        """Return the output folder. Skips the test if the compiler or a package is missing; fails on other errors."""
        if missing := [program for program in self.needs if not shutil.which(program)]:
            pytest.skip(f"the clients in {self.name} need {' and '.join(missing)}")
        output = BUILDS / self.name
        output.mkdir(parents=True, exist_ok=True)
        stamp, digest = output / "sources.sha256", self._digest()
        with FileLock(BUILDS / f"{self.name}.lock"):
            if not stamp.exists() or stamp.read_text() != digest:
                fetched = self._run(self.fetch, output)
                if fetched.returncode:
                    pytest.skip(f"the packages for {self.name} could not be downloaded: {fetched.stdout[-300:]}")
                built = self._run(self.build, output)
                assert built.returncode == 0, built.stdout
                stamp.write_text(digest)
        return output

    def _run(self, command: Sequence[str], output: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [file for part in command for file in self._expanded(part.format(output=output))],
            cwd=self.folder,
            env=_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def _expanded(self, part: str) -> list[str]:
        return sorted(map(str, self.folder.glob(part))) if part.startswith("*") else [part]

    def _digest(self) -> str:
        digest = hashlib.sha256(repr((self.fetch, self.build)).encode())
        for path in sorted(self.folder.rglob("*")):
            if path.is_file():
                digest.update(str(path.relative_to(self.folder)).encode() + b"\0" + path.read_bytes() + b"\0")
        return digest.hexdigest()


CLIENTS = ROOT / "tests" / "clients"
GO = Build(
    "Go",
    ("go",),
    CLIENTS / "go",
    ["go", "mod", "download"],
    ["go", "build", "-trimpath", "-mod=readonly", "-o", "{output}/program", "."],
)
JAVA = Build(
    "Java",
    ("mvn", "javac"),
    CLIENTS / "java",
    ["mvn", "-q", "-B", "-C", "dependency:copy-dependencies", "-DoutputDirectory={output}/lib"],
    ["javac", "-encoding", "UTF-8", "-d", "{output}/classes", "-cp", "{output}/lib/*", "*.java"],
)
KUBERNETES = Build(
    "Kubernetes",
    ("go",),
    CLIENTS / "kubernetes",
    ["go", "mod", "download"],
    ["go", "build", "-trimpath", "-mod=readonly", "-o", "{output}/", ".", "github.com/Azure/kubelogin"],
)
