"""Machines, environments and profiles of the flows' tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.default_chain import write_profile
from tests.support.program import UNREACHABLE
from tests.support.scripted_user import ScriptedUser

from entra_emulator import Emulator
from entra_emulator.managed_identity.machine import Machine


@pytest.fixture
def machine(entra: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """A machine with managed identities; Azure Arc's keys are read from its own folder."""
    with entra.machine() as made:
        monkeypatch.setattr("mstoken.protocol.managed_identity.identity_endpoint._ARC_KEYS", str(made.keys))
        yield made


@pytest.fixture
def clean(entra: Emulator, tmp_path: Path) -> dict[str, str]:
    """An environment that speaks of no identity, but of the emulator as the authority."""
    return {
        "AZURE_AUTHORITY_HOST": entra.authority,
        "MSTOKEN_CONFIG_DIR": str(tmp_path),
        "HOME": str(tmp_path),
        "AZURE_POD_IDENTITY_AUTHORITY_HOST": UNREACHABLE,
    }


@pytest.fixture
def profile(entra: Emulator, tmp_path: Path) -> None:
    """A default profile that works."""
    write_profile(entra, tmp_path, entra.sign_in("nadia@northwind-partner.example"))


@pytest.fixture
def nadia(entra: Emulator) -> Iterator[ScriptedUser]:
    """She signs in with a second factor."""
    person = ScriptedUser(entra, "nadia@northwind-partner.example")
    yield person
    person.close()


@pytest.fixture
def otto(entra: Emulator) -> Iterator[ScriptedUser]:
    """He has a password only."""
    person = ScriptedUser(entra, "otto@northwind-partner.example")
    yield person
    person.close()
