"""The `entra` fixture of tests whose own process asks it: a conftest.py that wants it imports it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from entra_emulator import Emulator


@pytest.fixture
def entra(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """A fresh local Entra ID; this process's environment trusts its authority."""
    with Emulator() as emulator:
        for name, value in emulator.environment().items():
            monkeypatch.setenv(name, value)
        yield emulator
