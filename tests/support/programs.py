"""Other programs that tests start."""

from __future__ import annotations

import shutil
import sys

import pytest


def require(program: str) -> None:
    """Skip the test on macOS and Windows if `program` is missing. On Linux, where make installs it, the test fails."""
    if sys.platform in {"darwin", "win32"} and not shutil.which(program):
        pytest.skip(f"{program} is not on this machine")
