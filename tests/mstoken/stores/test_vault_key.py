"""Where the vault's key comes from, and what is said when it is gone."""

from __future__ import annotations

import base64
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mstoken.errors import StoreError
from mstoken.flows.store_port import TokenInfo
from mstoken.model import StoredRefreshToken
from mstoken.stores.vault import Vault

ACCOUNT = "account:anna"
KEY, OTHER_KEY = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))
SLOW_KEYRING = """
import time
from keyring.backend import KeyringBackend
class Keyring(KeyringBackend):
    priority = 5
    def get_password(self, service, username): time.sleep(60)
    set_password = delete_password = get_password
"""


def test_a_key_file_is_created_once_with_one_warning(
    vault: Vault, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With no keyring the key goes into a 0600 file; the warning comes when it is made and not again."""
    vault.put(ACCOUNT, "r0", TokenInfo())
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("mstoken", logging.WARNING)
    assert str(tmp_path / "vault" / "vault.key") in record.getMessage()
    assert (tmp_path / "vault" / "vault.key").read_text().strip() not in caplog.text
    assert Vault(str(tmp_path / "vault")).load(ACCOUNT) == StoredRefreshToken("r0")
    assert len(caplog.records) == 1


def test_the_variable_comes_first_and_leaves_no_file(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A key from the environment is written nowhere, and there is nothing to warn of."""
    monkeypatch.setenv("MSTOKEN_VAULT_KEY", KEY)
    vault.put(ACCOUNT, "r0", TokenInfo())
    assert Vault(str(tmp_path / "vault")).load(ACCOUNT) == StoredRefreshToken("r0")
    assert [path.name for path in (tmp_path / "vault").iterdir()] == ["vault.db"]
    assert not caplog.records


@pytest.mark.parametrize("text", ["short", "ü" * 44, base64.b64encode(b"x" * 16).decode(), KEY[:-1]])
def test_an_invalid_key_in_the_variable_is_refused(vault: Vault, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what it must be and does not repeat it; nothing else is tried."""
    monkeypatch.setenv("MSTOKEN_VAULT_KEY", text)
    with pytest.raises(StoreError, match="openssl rand -base64 32") as raised:
        vault.put(ACCOUNT, "r0", TokenInfo())
    assert text not in str(raised.value)


def test_a_wrong_key_is_reported_with_its_source(vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another key in the variable than the one the vault was sealed with: both sources are named, nothing changes."""
    vault.put(ACCOUNT, "r0", TokenInfo())
    monkeypatch.setenv("MSTOKEN_VAULT_KEY", OTHER_KEY)
    calls: list[Callable[[Vault], object]] = [
        lambda kept: kept.load(ACCOUNT),
        lambda kept: kept.replace(ACCOUNT, "r0", "r1"),
    ]
    for call in calls:
        with pytest.raises(StoreError) as raised:
            call(Vault(str(tmp_path / "vault")))
        assert "The key from the variable MSTOKEN_VAULT_KEY does not decrypt the vault" in str(raised.value)
        assert "the key file beside it" in str(raised.value)
        assert OTHER_KEY not in str(raised.value)
    monkeypatch.delenv("MSTOKEN_VAULT_KEY")
    assert Vault(str(tmp_path / "vault")).load(ACCOUNT) == StoredRefreshToken("r0")


def test_a_lost_variable_is_not_replaced_by_a_new_key(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A vault sealed from the environment asks for the variable back and makes no key file."""
    monkeypatch.setenv("MSTOKEN_VAULT_KEY", KEY)
    vault.put(ACCOUNT, "r0", TokenInfo())
    monkeypatch.delenv("MSTOKEN_VAULT_KEY")
    with pytest.raises(StoreError, match="the variable MSTOKEN_VAULT_KEY, which is not available any more"):
        Vault(str(tmp_path / "vault")).replace(ACCOUNT, "r0", "r1")
    assert [path.name for path in (tmp_path / "vault").iterdir()] == ["vault.db"]


def test_a_lost_key_file_is_not_replaced_by_a_new_one(vault: Vault, tmp_path: Path) -> None:
    """A new key would make the old tokens unreadable for good if the file came back."""
    vault.put(ACCOUNT, "r0", TokenInfo())
    path = tmp_path / "vault" / "vault.key"
    path.rename(tmp_path / "backup")
    with pytest.raises(StoreError, match=r"restore .*vault\.key from a backup"):
        Vault(str(tmp_path / "vault")).replace(ACCOUNT, "r0", "r1")
    assert not path.exists()
    (tmp_path / "backup").rename(path)
    assert Vault(str(tmp_path / "vault")).load(ACCOUNT) == StoredRefreshToken("r0")


@pytest.mark.parametrize("content", ["", "not a key\n", "\x00" * 45, KEY[:20]])
def test_a_damaged_key_file_is_named(vault: Vault, tmp_path: Path, content: str) -> None:
    """Empty, cut off or overwritten, it is not replaced either."""
    vault.put(ACCOUNT, "r0", TokenInfo())
    path = tmp_path / "vault" / "vault.key"
    path.write_text(content)
    with pytest.raises(StoreError, match=r"vault\.key contains no key"):
        Vault(str(tmp_path / "vault")).replace(ACCOUNT, "r0", "r1")
    assert path.read_text() == content


def test_a_keyring_that_hangs_times_out(tmp_path: Path) -> None:
    """A keyring that hangs costs a bounded wait; the key goes into the file instead."""
    (tmp_path / "slow_keyring.py").write_text(SLOW_KEYRING)
    program = (
        "import sys; from mstoken.stores import vault_key; from mstoken.flows.store_port import TokenInfo\n"
        "from mstoken.stores.vault import Vault\n"
        "vault_key.KEYRING_WAIT_IN = 0.2\n"
        "Vault(sys.argv[1]).put('account:anna', 'r0', TokenInfo())"
    )
    environment = os.environ | {
        "PYTHONPATH": str(tmp_path),
        "PYTHON_KEYRING_BACKEND": "slow_keyring.Keyring",
    }
    command = [sys.executable, "-c", program, str(tmp_path / "vault")]
    subprocess.run(command, check=True, env=environment, timeout=30, capture_output=True)
    assert Vault(str(tmp_path / "vault")).load(ACCOUNT) == StoredRefreshToken("r0")
    assert (tmp_path / "vault" / "vault.key").exists()


needs_a_daemon = pytest.mark.skipif(
    not (shutil.which("gnome-keyring-daemon") and shutil.which("dbus-run-session")),
    reason="needs a Secret Service: apt-get install -y gnome-keyring dbus",
)


@pytest.mark.keyring_daemon
@needs_a_daemon
class TestSecretService:
    """With a real Secret Service daemon (specifications.freedesktop.org/secret-service) on a D-Bus of its own."""

    def _in_session(self, home: Path, *tasks: str) -> list[str]:
        worker = f"{sys.executable} {Path(__file__).parent / 'worker.py'}"
        lines = [
            "printf %s pw | gnome-keyring-daemon --unlock --components=secrets >/dev/null",
            *(f"{worker} {task}" for task in tasks),
        ]
        home.mkdir(mode=0o700, exist_ok=True)
        places = {name: str(home) for name in ("HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME")}
        environment = {**os.environ, **places, "PYTHONPATH": str(Path(__file__).parents[3])}
        del environment["PYTHON_KEYRING_BACKEND"]
        command = ["dbus-run-session", "--", "sh", "-ec", "\n".join(lines)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        assert "No keyring is available" not in done.stderr
        return done.stdout.splitlines()

    def test_the_key_is_in_the_keyring_and_nowhere_else(self, tmp_path: Path) -> None:
        """One process makes the vault, another reads it, also in a later session; there is no key file."""
        vault = tmp_path / "vault"
        shown = self._in_session(tmp_path / "home", f"renew {vault} r0 r1", f"show {vault}")
        assert shown == ["r1"]
        assert [path.name for path in vault.iterdir()] == ["vault.db"]
        assert self._in_session(tmp_path / "home", f"show {vault}") == ["r1"]

    def test_a_lost_keyring_and_a_wrong_key_have_different_errors(self, tmp_path: Path) -> None:
        """Where the keyring has no such entry, or there is none, the error names it and nothing new is made."""
        vault = tmp_path / "vault"
        self._in_session(tmp_path / "home", f"renew {vault} r0 r1")
        (shown,) = self._in_session(tmp_path / "another home", f"show {vault}")
        assert "the system's keyring, which is not available any more" in shown
        with pytest.raises(StoreError, match="unlock the keyring"):
            Vault(str(vault)).replace(ACCOUNT, "r1", "r2")
        assert self._in_session(tmp_path / "home", f"show {vault}") == ["r1"]

    def test_processes_that_create_the_key_at_once_agree(self, tmp_path: Path) -> None:
        """Three at once: one key wins, one token wins, and it can be read."""
        vault = tmp_path / "vault"
        started = [f"renew {vault} r0 new{number} &" for number in range(3)]
        # `wait` is the shell's; the workers' own line ends with it
        (shown,) = self._in_session(tmp_path / "home", *started[:2], f"renew {vault} r0 new2; wait", f"show {vault}")
        assert shown in {"new0", "new1", "new2"}
