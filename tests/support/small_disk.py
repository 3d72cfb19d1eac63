"""A very small disk, which a test can fill: a tmpfs mount, which requires root."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


class SmallDisk:
    """A folder on it, and a way to fill it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filling = folder / "filling"

    def fill(self, *, leave: int = 0) -> None:
        """Leave room for nothing, or for so many bytes."""
        with self._filling.open("ab", buffering=0) as file:
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"x" * 4096)
            file.truncate(max(0, self._filling.stat().st_size - leave))

    def free(self) -> None:
        """Make room again."""
        self._filling.unlink()


@contextmanager
def small_disk(at: Path, size: str = "512k") -> Iterator[SmallDisk]:
    """Mount it at a new folder. Skip the test if that is not allowed."""
    at.mkdir(mode=0o700)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", str(at)]
    if os.geteuid() or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("a disk cannot be mounted here")
    try:
        yield SmallDisk(at)
    finally:
        subprocess.run(["umount", str(at)], check=True)
