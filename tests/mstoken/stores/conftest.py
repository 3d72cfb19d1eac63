"""Places to keep things in, one of a kind per test."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.redis_server import KEY, RedisServer
from tests.support.vault_api import TOKEN, VaultApi

from mstoken.flows.store_port import AccessTokenStore, RefreshTokenStore
from mstoken.stores import user_folders
from mstoken.stores.folder_access_tokens import FolderAccessTokens
from mstoken.stores.key_vault import KeyVault
from mstoken.stores.key_vault_refresh_tokens import KeyVaultRefreshTokens
from mstoken.stores.memory import MemoryAccessTokens, MemoryRefreshTokens
from mstoken.stores.redis_stores import redis_stores
from mstoken.stores.vault import Vault
from mstoken.transports.blocking import HttpTransport

ROOT = Path(__file__).parents[3]
"""Where `tests` is found as a package."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "keyring_daemon: needs gnome-keyring-daemon and dbus-run-session")


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the machine's user: no keyring, no key, no places; child processes inherit it."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    monkeypatch.delenv("MSTOKEN_VAULT_KEY", raising=False)
    monkeypatch.setenv("MSTOKEN_CACHE_DIR", str(tmp_path / "cache"))


def _folder_where(tmp_path: Path, *, of_memory: bool) -> Iterator[str]:
    candidates = [str(tmp_path), "/dev/shm", "/var/tmp", str(Path.home())]  # noqa: S108
    for candidate in candidates:
        if os.access(candidate, os.W_OK) and user_folders.is_in_memory(candidate) is of_memory:
            made = tempfile.mkdtemp(dir=candidate, prefix="mstoken-test-")
            yield f"{made}/tokens"
            shutil.rmtree(made)
            return
    pytest.skip(f"no writable folder {'in memory' if of_memory else 'on a disk'} among {candidates}")


@pytest.fixture
def memory_folder(tmp_path: Path) -> Iterator[str]:
    """A folder to be made, in memory."""
    yield from _folder_where(tmp_path, of_memory=True)


@pytest.fixture
def disk_folder(tmp_path: Path) -> Iterator[str]:
    """A folder to be made, on a disk."""
    yield from _folder_where(tmp_path, of_memory=False)


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    """A vault that is not made yet."""
    return Vault(str(tmp_path / "vault"))


@pytest.fixture(scope="session")
def redis_of_all() -> Iterator[RedisServer]:
    """One Redis server for the tests of a process that leave it running."""
    server = RedisServer()
    yield server
    server.close()


@pytest.fixture
def redis(redis_of_all: RedisServer) -> RedisServer:
    """That server, empty."""
    redis_of_all.say("FLUSHALL")
    return redis_of_all


@pytest.fixture(params=["memory", "clear folder", "sealed folder", "redis"])
def tokens(request: pytest.FixtureRequest, vault: Vault) -> AccessTokenStore:
    """Every store of access tokens."""
    match request.param:
        case "memory":
            return MemoryAccessTokens()
        case "clear folder":
            return FolderAccessTokens(request.getfixturevalue("memory_folder"))
        case "redis":
            return redis_stores(request.getfixturevalue("redis").url, KEY).access_tokens
        case _:
            return FolderAccessTokens(request.getfixturevalue("disk_folder"), vault.cipher)


@pytest.fixture(params=["memory", "vault", "redis", "key vault"])
def refresh_tokens(request: pytest.FixtureRequest, vault: Vault) -> RefreshTokenStore:
    """Every store of refresh tokens."""
    if request.param == "key vault":
        vault_api = VaultApi(request.getfixturevalue("token_service"))
        return KeyVaultRefreshTokens(KeyVault(vault_api.url, HttpTransport().send, lambda *_: TOKEN))
    if request.param == "redis":
        return redis_stores(request.getfixturevalue("redis").url, KEY).refresh_tokens
    return MemoryRefreshTokens() if request.param == "memory" else vault


class Workers:
    """Starts worker processes and ends those that a test leaves behind."""

    def __init__(self) -> None:
        self._started: list[subprocess.Popen[str]] = []

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        """A running worker with pipes for its input, output and errors."""
        command = [sys.executable, str(Path(__file__).parent / "worker.py"), *map(str, arguments)]
        pipe = subprocess.PIPE
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(command, text=True, stdin=pipe, stdout=pipe, stderr=pipe, env=environment)
        self._started.append(process)
        return process

    def run(self, *arguments: object) -> tuple[str, str]:
        """A worker's output and errors, after it ended well."""
        return finished(self.start(*arguments))

    def start_together(self, many: int, task: str, *arguments: object) -> list[subprocess.Popen[str]]:
        """Workers of one task, each told its number after the arguments, that begin when all of them are there."""
        started = [self.start(task, *arguments, number) for number in range(many)]
        for process in started:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        for process in started:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        return started

    def end(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.communicate()


def finished(process: subprocess.Popen[str]) -> tuple[str, str]:
    """The output and errors of a worker that ends well."""
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return output, errors


@pytest.fixture
def workers() -> Iterator[Workers]:
    """Processes of the test's own."""
    made = Workers()
    yield made
    made.end()


@pytest.fixture
def anyones_folder() -> Iterator[str]:
    """A folder on a disk that a process without root's rights can get to."""
    made = tempfile.mkdtemp(prefix="mstoken-test-")
    yield made
    for path in [Path(made), *Path(made).rglob("*")]:
        if path.is_dir():
            path.chmod(0o700)
    shutil.rmtree(made)
