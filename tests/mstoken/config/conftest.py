"""A user's configuration of its own for each test."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty configuration folder and an environment that leads to it."""
    folder = tmp_path / "config"
    folder.mkdir(mode=0o700)
    return Home(folder)
