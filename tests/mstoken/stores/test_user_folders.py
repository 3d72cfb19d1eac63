"""Where things live, and which places are refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mstoken.errors import StoreError
from mstoken.flows.store_port import TokenInfo
from mstoken.model import StoredRefreshToken, Token
from mstoken.stores import user_folders
from mstoken.stores.folder_access_tokens import FolderAccessTokens
from mstoken.stores.user_stores import user_stores
from mstoken.stores.vault import Vault

KEY = "ab" * 20
TOKEN = Token("eyJ0.access.token", 4_000_000_000)


@pytest.fixture
def at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A user's home and nothing said about where to keep things."""
    monkeypatch.delenv("MSTOKEN_CACHE_DIR")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    return tmp_path


@pytest.fixture
def strangers(tmp_path: Path) -> Path:
    """A folder of another user."""
    if os.geteuid():
        return Path("/proc/1")
    made = tmp_path / "strangers"
    made.mkdir(mode=0o700)
    os.chown(made, 65534, 65534)
    return made


def test_one_variable_moves_every_folder(tmp_path: Path) -> None:
    """Tokens and the vault go below MSTOKEN_CACHE_DIR, and nowhere else."""
    root = str(tmp_path / "cache")
    assert user_folders.token_folder() == f"{root}/tokens"
    assert user_folders.vault_folder() == f"{root}/vault"


def test_the_runtime_folder_is_used_if_it_is_private(at_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """XDG_RUNTIME_DIR counts only if it is ours and 0700: after `su` it is another user's."""
    runtime = at_home / "run"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    assert user_folders.token_folder().startswith(f"{runtime}/mstoken-")
    runtime.chmod(0o755)
    assert not user_folders.token_folder().startswith(f"{runtime}/")


def test_a_runtime_folder_of_another_user_is_not_used(
    at_home: Path, strangers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its owner could read and plant tokens."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(strangers))
    assert str(strangers) not in user_folders.token_folder()


def test_a_link_in_the_runtime_folder_is_not_used(at_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link could lead to a disk or to somebody else."""
    runtime = at_home / "run"
    runtime.mkdir(mode=0o700)
    (at_home / "elsewhere").mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    Path(user_folders.token_folder()).symlink_to(at_home / "elsewhere")
    assert not user_folders.token_folder().startswith(str(runtime))


def test_shared_memory_is_used_without_a_runtime_folder(at_home: Path) -> None:
    """With no runtime folder, a folder of the user's own in /dev/shm; without that, beside the vault."""
    expected = f"/dev/shm/mstoken-{os.geteuid()}-"  # noqa: S108
    if not os.access("/dev/shm", os.W_OK):  # noqa: S108
        expected = f"{at_home}/.local/share/mstoken/tokens"
    assert user_folders.token_folder().startswith(expected)


def test_each_vault_has_its_own_tokens(at_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An account's name means somebody only in its own vault: two vaults never share what was got with it."""
    before = user_folders.token_folder()
    monkeypatch.setenv("XDG_DATA_HOME", f"{at_home}/other")
    assert user_folders.token_folder() != before


def test_the_vault_is_in_the_users_data_folder(at_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """XDG_DATA_HOME where it is an absolute path, else ~/.local/share; the same that platformdirs says."""
    assert user_folders.vault_folder() == f"{at_home}/.local/share/mstoken"
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    assert user_folders.vault_folder() == f"{at_home}/.local/share/mstoken"
    monkeypatch.setenv("XDG_DATA_HOME", f"{at_home}/data")
    assert user_folders.vault_folder() == f"{at_home}/data/mstoken"


def test_new_folders_are_private(tmp_path: Path) -> None:
    """Folders 0700 and files 0600, whatever the umask."""
    before = os.umask(0)
    try:
        vault = Vault(str(tmp_path / "a" / "vault"))
        vault.put("account:anna", "r0", TokenInfo())
        FolderAccessTokens(str(tmp_path / "a" / "tokens"), vault.cipher).save(KEY, TOKEN)
    finally:
        os.umask(before)
    made = [path for path in (tmp_path / "a").rglob("*") if not path.is_dir()]
    assert {path.name for path in made} >= {"vault.db", "vault.key", f"{KEY}.token"}
    assert {oct(path.stat().st_mode & 0o777) for path in made} == {"0o600"}
    for folder in ("a", "a/vault", "a/tokens"):
        assert oct((tmp_path / folder).stat().st_mode & 0o777) == "0o700"


def _refused(vault: Vault) -> str:
    with pytest.raises(StoreError) as writing:
        vault.replace("account:anna", "r0", "r1")
    with pytest.raises(StoreError) as reading:
        vault.load("account:anna")
    assert writing.value.remedy
    assert str(reading.value) == str(writing.value)
    return str(writing.value)


def test_a_vault_folder_of_another_user_is_refused(strangers: Path) -> None:
    """The error names the folder and says what to do."""
    said = _refused(Vault(str(strangers)))
    assert f"{strangers} belongs to another user" in said
    assert "MSTOKEN_CACHE_DIR" in said


def test_a_vault_folder_open_to_others_is_refused(tmp_path: Path) -> None:
    """The error gives the command that closes it."""
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o755)
    assert f"chmod 700 {tmp_path}/open" in _refused(Vault(str(tmp_path / "open")))


@pytest.mark.parametrize("leads", [True, False], ids=["to a folder", "nowhere"])
def test_a_link_for_a_vault_folder_is_refused(tmp_path: Path, leads: bool) -> None:  # noqa: FBT001
    """A link may lead anywhere, also to nowhere yet."""
    if leads:
        (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert "is not a folder, or is a link" in _refused(Vault(str(tmp_path / "link")))


def test_a_file_in_place_of_the_vault_folder_is_refused(tmp_path: Path) -> None:
    """It is not removed to make room."""
    (tmp_path / "file").write_text("mine")
    assert "is not a folder" in _refused(Vault(str(tmp_path / "file")))
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("name", ["vault.db", "vault.key"])
def test_a_link_or_an_open_file_in_the_vault_is_refused(vault: Vault, tmp_path: Path, name: str) -> None:
    """The files are checked like the folder: made open to others, or replaced by links, they are not used."""
    vault.put("account:anna", "r0", TokenInfo())
    path = tmp_path / "vault" / name
    path.chmod(0o644)
    assert f"chmod 600 {path}" in _refused(Vault(str(tmp_path / "vault")))
    path.rename(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").chmod(0o600)
    path.symlink_to(tmp_path / "elsewhere")
    assert f"{path} is not a regular file" in _refused(Vault(str(tmp_path / "vault")))


def test_without_a_home_folder_there_is_a_clear_message(at_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The vault cannot be made; reading finds nothing, writing says what to set."""
    monkeypatch.setenv("HOME", "/dev/null/none")
    vault = Vault()
    assert vault.load("account:anna") is None
    with pytest.raises(StoreError, match="Set MSTOKEN_CACHE_DIR to a folder you can write to"):
        vault.replace("account:anna", "r0", "r1")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can be another user")
def test_an_unknown_user_id_has_no_home_folder(anyones_folder: str, workers: Any) -> None:
    """As in a container that is told a user id: tokens go where the system has memory, a sign-in is told what is
    missing, and nothing is made or looked for in a folder called ~ of the working folder.
    """
    Path(anyones_folder).chmod(0o777)
    output, _ = workers.run("homeless", anyones_folder)
    token, said, *user_folders = output.splitlines()
    assert token == "t"
    assert said.startswith("This user has no home")
    assert "MSTOKEN_CACHE_DIR" in said
    assert user_folders == ["vault ''", "configuration '/nonexistent/mstoken/config.toml'"]
    assert [path.name for path in Path(anyones_folder).iterdir()] == ["before"]


def test_a_token_that_cannot_be_stored_stays_in_memory(
    tmp_path: Path, strangers: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A folder that is refused costs one warning, not the token, and nothing is written there."""
    (tmp_path / "file").write_text("in the way")
    for folder in (tmp_path / "file", strangers):
        caplog.clear()
        store = FolderAccessTokens(str(folder))
        store.save(KEY, TOKEN)
        store.save("cd" * 20, TOKEN)
        assert store.load(KEY) == TOKEN
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert str(folder) in caplog.text
        assert FolderAccessTokens(str(folder)).load(KEY) is None


def test_without_a_cipher_nothing_is_written_to_disk(disk_folder: str, caplog: pytest.LogCaptureFixture) -> None:
    """On a disk, a store that was given no seal keeps its tokens to itself and says so."""
    store = FolderAccessTokens(disk_folder)
    store.save(KEY, TOKEN)
    assert store.load(KEY) == TOKEN
    assert list(Path(disk_folder).iterdir()) == []
    assert "no key to encrypt" in caplog.text


def test_a_newer_token_in_memory_wins_over_an_older_one_in_the_folder(memory_folder: str) -> None:
    """When the folder cannot take a token any more, what it took before does not come back."""
    FolderAccessTokens(memory_folder).save(KEY, TOKEN)
    store = FolderAccessTokens(memory_folder)
    odd = Token("with a\nline break", 4_000_000_000)
    store.save(KEY, odd)
    assert store.load(KEY) == odd


def test_a_full_disk_does_not_fail_the_call(memory_folder: str, workers: Any) -> None:
    """When files cannot grow, the caller has the tokens, is warned once, and nothing half written is left."""
    output, errors = workers.run("kept_when_full", memory_folder)
    assert output == "after another ['swept']\n"
    assert errors.count("Access tokens stay in this process only") == 1


def test_a_read_only_folder_can_still_be_read(anyones_folder: str, workers: Any) -> None:
    """On a read-only home kept tokens and sign-ins work; renewing and clearing say that they cannot."""
    output, errors = workers.run("read_only", anyones_folder)
    tokens, vault, said, cleared = output.splitlines()
    assert tokens == "t u"
    assert vault == "True ['account:anna']"
    assert "cannot be read or written" in said
    assert "MSTOKEN_CACHE_DIR" in said
    assert "cannot be removed" in cleared
    assert errors.count("Access tokens stay in this process only") == 1


def test_the_users_stores_open_nothing_until_they_are_used(tmp_path: Path) -> None:
    """Making them touches no disk and imports neither a database nor cryptography."""
    program = (
        "import sys; from mstoken.stores.user_stores import user_stores; stores = user_stores(); print(stores)\n"
        "slow = {'sqlite3', 'cryptography', 'keyring', 'platformdirs', 'filelock', 'asyncio'}\n"
        "print(sorted(slow & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[1] == "[]"
    assert not (tmp_path / "cache").exists()


def test_stores_of_one_location_are_shared(tmp_path: Path) -> None:
    """What one process keeps, the next finds."""
    user_stores().access_tokens.save(KEY, TOKEN)
    user_stores().refresh_tokens.replace("account:anna", "r0", "r1")
    again = user_stores()
    assert again.access_tokens.load(KEY) == TOKEN
    assert again.refresh_tokens.load("account:anna") == StoredRefreshToken("r1", "r0")
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == ["tokens", "vault"]
