"""No secret in clear in any file, log or repr after the stores were used."""

from __future__ import annotations

import base64
import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mstoken.flows.store_port import TokenInfo
from mstoken.model import Token
from mstoken.stores.folder_access_tokens import FolderAccessTokens
from mstoken.stores.vault import Vault
from mstoken.stores.vault_key import VaultKey

SECRETS = ["hunter2-first", "hunter2-second", "hunter2-third", "eyJ0-hunter2-access"]


def _scan(folder: Path) -> list[str]:
    """The names of files that hold a secret, as it is or as base64."""
    forms = [form for secret in SECRETS for form in (secret.encode(), base64.b64encode(secret.encode())[:-4])]
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    return [path.name for path in files if any(form in path.read_bytes() for form in forms)]


def test_no_file_of_the_vault_or_of_a_folder_on_a_disk_holds_a_secret(
    tmp_path: Path, disk_folder: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Database, write-ahead log, shared memory, sealed tokens, debug logs and reprs, while the database is open."""
    caplog.set_level(logging.DEBUG)
    folder = tmp_path / "vault"
    vault = Vault(str(folder))
    vault.put("account:anna", SECRETS[0], TokenInfo("https://login.microsoftonline.com", "contoso", "app"))
    with closing(sqlite3.connect(folder / "vault.db")) as other:  # keeps the write-ahead log from being folded away
        other.execute("SELECT count(*) FROM grants").fetchone()
        vault.replace("account:anna", SECRETS[0], SECRETS[1])
        vault.replace("account:anna", SECRETS[1], SECRETS[2])
        store = FolderAccessTokens(disk_folder, vault.cipher)
        store.save("ab" * 20, Token(SECRETS[3], 4_000_000_000))
        assert {path.name for path in folder.iterdir()} == {"vault.db", "vault.db-wal", "vault.db-shm", "vault.key"}
        assert (folder / "vault.db-wal").stat().st_size > 0
        assert _scan(folder) == []
    assert _scan(folder) == []
    assert _scan(Path(disk_folder)) == []
    said = " ".join([caplog.text, repr(vault), repr(store), repr(vault.load("account:anna")), repr(vault.cipher())])
    assert not [secret for secret in SECRETS if secret in said]


def test_the_scan_finds_a_planted_secret(memory_folder: str) -> None:
    """In memory a token is clear, and the scan of these tests sees it."""
    FolderAccessTokens(memory_folder).save("ab" * 20, Token(SECRETS[3], 4_000_000_000))
    assert _scan(Path(memory_folder)) == [f"{'ab' * 20}.token"]


def test_the_repr_of_a_key_shows_no_secret(tmp_path: Path) -> None:
    """Neither repr nor str of a key has the key."""
    key = VaultKey(b"\x41" * 32, "file")
    assert "AAAA" not in repr(key) + str(key)


def test_an_encrypted_value_is_decrypted_for_its_own_purpose_only(vault: Vault) -> None:
    """A value moved to another name, or changed by one bit, does not open."""
    cipher = vault.cipher()
    encrypted = cipher.encrypt(b"value", "one")
    assert cipher.decrypt(encrypted, "one") == b"value"
    assert cipher.decrypt(encrypted, "two") is None
    assert cipher.decrypt(encrypted[:-1] + bytes([encrypted[-1] ^ 1]), "one") is None
    assert cipher.decrypt(b"", "one") is None
    assert cipher.encrypt(b"value", "one") != encrypted
