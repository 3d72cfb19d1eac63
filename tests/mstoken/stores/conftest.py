"""Places to keep things in, one of a kind per test."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mstoken.stores import places
from mstoken.stores.folder import FolderStore
from mstoken.stores.memory import MemoryGrants, MemoryStore
from mstoken.stores.port import GrantStore, TokenStore
from mstoken.stores.vault import Vault


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "keyring_daemon: needs gnome-keyring-daemon and dbus-run-session")


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the machine's user: no keyring, no key, no places; child processes inherit it."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    monkeypatch.delenv("MSTOKEN_VAULT_KEY", raising=False)
    monkeypatch.setenv("MSTOKEN_CACHE_DIR", str(tmp_path / "cache"))


def _folder_where(in_memory: bool, tmp_path: Path) -> Iterator[str]:  # noqa: FBT001
    candidates = [str(tmp_path), "/dev/shm", "/var/tmp", str(Path.home())]  # noqa: S108
    for candidate in candidates:
        if os.access(candidate, os.W_OK) and places.memory_backed(candidate) is in_memory:
            made = tempfile.mkdtemp(dir=candidate, prefix="mstoken-test-")
            yield f"{made}/tokens"
            shutil.rmtree(made)
            return
    pytest.skip(f"no writable folder {'in memory' if in_memory else 'on a disk'} among {candidates}")


@pytest.fixture
def memory_folder(tmp_path: Path) -> Iterator[str]:
    """A folder to be made, in memory."""
    yield from _folder_where(True, tmp_path)


@pytest.fixture
def disk_folder(tmp_path: Path) -> Iterator[str]:
    """A folder to be made, on a disk."""
    yield from _folder_where(False, tmp_path)


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    """A vault that is not made yet."""
    return Vault(str(tmp_path / "vault"))


@pytest.fixture(params=["memory", "clear folder", "sealed folder"])
def tokens(request: pytest.FixtureRequest, vault: Vault) -> TokenStore:
    """Every store of access tokens."""
    match request.param:
        case "memory":
            return MemoryStore()
        case "clear folder":
            return FolderStore(request.getfixturevalue("memory_folder"))
        case _:
            return FolderStore(request.getfixturevalue("disk_folder"), vault.seal)


@pytest.fixture(params=["memory", "vault"])
def grants(request: pytest.FixtureRequest, vault: Vault) -> GrantStore:
    """Every store of refresh tokens."""
    return MemoryGrants() if request.param == "memory" else vault
