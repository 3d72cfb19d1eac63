"""The flows' tests run against the emulator, which the environment leads to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from entra_emulator import Emulator
from entra_emulator.managed_identity.machine import Machine


@pytest.fixture
def entra(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """A fresh local Entra ID; this process's environment trusts its authority."""
    with Emulator() as emulator:
        for name, value in emulator.environment().items():
            monkeypatch.setenv(name, value)
        yield emulator


@pytest.fixture
def machine(entra: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """A machine with managed identities; Azure Arc's keys are read from its own folder."""
    with entra.machine() as made:
        monkeypatch.setattr("mstoken.protocol.managed_identity.place._ARC_KEYS", str(made.keys))
        yield made
