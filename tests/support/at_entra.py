"""Fixtures of the program beside a local Entra ID: a conftest.py that wants them imports them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.program import Program

from entra_emulator import Emulator
from mstoken.stores.user_folders import is_in_memory

NADIA = "nadia@northwind-partner.example"
VISUAL_STUDIO = "872cd9fa-d31f-45e0-9eab-6e460a02d1f1"


def sign_in(program: Program, entra: Emulator) -> None:
    """Sign Nadia in with Visual Studio's public client, which needs no consent, as the default profile."""
    refresh_token = entra.sign_in(NADIA, VISUAL_STUDIO)
    options = ("--client-id", "visual-studio", "--tenant", entra.state.default_tenant.id)
    done = program("login", *options, stdin=refresh_token)
    assert done.code == 0, done.err


@pytest.fixture(scope="session")
def entra() -> Iterator[Emulator]:
    """One emulator for all tests of a process; tests count requests from the current number."""
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """A cache folder in memory, where tokens are stored unencrypted, as on most machines."""
    for place in (tmp_path, Path("/dev/shm")):  # noqa: S108
        if os.access(place, os.W_OK) and is_in_memory(str(place)):
            folder = Path(tempfile.mkdtemp(dir=place, prefix="mstoken-test-"))
            yield folder
            shutil.rmtree(folder)
            return
    pytest.skip("no memory-backed folder")


@pytest.fixture
def at_entra(tmp_path: Path, memory: Path, entra: Emulator) -> Program:
    """The program in the emulator's environment, with its own configuration and cache."""
    program = Program(tmp_path)
    program.environment |= entra.environment() | {
        "MSTOKEN_CACHE_DIR": str(memory),
        "MSTOKEN_CONFIG_DIR": str(program.config),
    }
    return program


@pytest.fixture
def anonymous(at_entra: Program) -> Program:
    """The same program, without an identity in the environment."""
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"):
        del at_entra.environment[name]
    return at_entra
