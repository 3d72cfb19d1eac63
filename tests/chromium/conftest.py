"""A real browser beside a local Entra ID. One browser for all tests of a process: it takes seconds to start."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.chromium import Chromium
from tests.support.local_entra import entra

from entra_emulator import Emulator

__all__ = ["entra"]


@pytest.fixture(scope="session")
def _browser() -> Iterator[Chromium]:
    with (
        tempfile.TemporaryDirectory(prefix="mstoken-chromium-", ignore_cleanup_errors=True) as folder,
        Emulator() as any_emulator,  # all emulators of a process show the same key
    ):
        browser = Chromium(Path(folder), any_emulator.authority)
        yield browser
        browser.close()


@pytest.fixture
def chromium(_browser: Chromium) -> Chromium:
    """The browser, signed in nowhere."""
    _browser.visit("about:blank")
    _browser.forget()
    return _browser
