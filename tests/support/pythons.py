"""The supported Pythons of this machine, each with mstoken's dependencies."""

from __future__ import annotations

import functools
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import requires
from pathlib import Path

from filelock import FileLock

ROOT = Path(__file__).parents[2]
FIRST, LAST = 11, 14
"""The minor versions of Python 3 that are looked for: from the first one we support to the newest release."""
_PINS = ROOT / "requirements" / "dev.txt"
_CACHE = ROOT / ".make" / "pythons"
EXTRA = ("anyio", "h11", "starlette", "uvicorn")
"""What the programs that use mstoken need besides; all of it is pure Python."""


@dataclass(frozen=True)
class Python:
    """One installed Python; `version` is such as `3.12`."""

    version: str
    command: str

    @property
    def is_this(self) -> bool:
        """True for the version that runs the tests, which has all their dependencies."""
        return self.version == f"3.{sys.version_info.minor}"

    def path(self) -> str:
        """PYTHONPATH with our code and, for another version than this one, its own copies of the dependencies."""
        ours = f"{ROOT / 'src'}{os.pathsep}{ROOT}"
        return ours if self.is_this else f"{ours}{os.pathsep}{_dependencies_for(self)}"


@functools.cache
def installed() -> tuple[Python, ...]:
    """One Python for each minor version: this one, those on PATH, and pyenv's."""
    found = {}
    for minor in range(FIRST, LAST + 1):
        version = f"3.{minor}"
        if sys.version_info[:2] == (3, minor):
            found[version] = Python(version, sys.executable)
        elif command := next(_candidates(version), None):
            found[version] = Python(version, command)
    return tuple(found.values())


def absent() -> list[str]:
    """The versions that are not installed."""
    have = {python.version for python in installed()}
    return [f"3.{minor}" for minor in range(FIRST, LAST + 1) if f"3.{minor}" not in have]


def _candidates(version: str) -> Iterator[str]:
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for command in (*sorted(pyenv.glob(f"{version}.*/bin/python")), shutil.which(f"python{version}")):
        if command and _is(str(command), version):
            yield str(command)


def _is(command: str, version: str) -> bool:
    """Return whether the command works: pyenv has shims for unused versions too."""
    code = "import ssl, sys, ensurepip; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([command, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    return done.returncode == 0 and done.stdout.strip() == version


def _dependencies_for(python: Python) -> Path:
    """A folder with the pinned dependencies for this Python, made once."""
    pins = _pins_of(_closure(["mstoken", *EXTRA]))
    digest = hashlib.sha256(f"{python.command}\n{pins}".encode()).hexdigest()[:16]
    folder = _CACHE / f"{python.version}-{digest}"
    _CACHE.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            making, listed = folder.with_suffix(".new"), folder.with_suffix(".txt")
            shutil.rmtree(making, ignore_errors=True)
            listed.write_text(pins, encoding="utf-8")
            command = [python.command, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            command += ["--require-hashes", "--no-deps", "--target", str(making), "-r", str(listed)]
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=600)
            making.rename(folder)
    return folder


def _closure(names: list[str]) -> set[str]:
    """Return the names of these packages' dependencies on all platforms, without extras."""
    found: set[str] = set()
    while names:
        name = _normal(names.pop())
        if name in found:
            continue
        found.add(name)
        for requirement in requires(name) or ():
            wanted, _, marker = requirement.partition(";")
            if "extra" not in marker and (match := re.match(r"[\w.-]+", wanted)) and _is_here(match[0]):
                names.append(match[0])
    return found - {"mstoken"}


def _is_here(name: str) -> bool:
    try:
        requires(name)
    except ImportError:
        return False
    return True


def _pins_of(names: set[str]) -> str:
    """These packages' part of requirements/dev.txt, hashes included."""
    kept, keeps = [], False
    for line in _PINS.read_text(encoding="utf-8").splitlines():
        if not line.startswith((" ", "#")):
            keeps = _normal(line.partition("==")[0]) in names
        if keeps:
            kept.append(line)
    return "\n".join(kept) + "\n"


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
