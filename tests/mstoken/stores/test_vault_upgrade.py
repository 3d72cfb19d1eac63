"""A vault of format 1, which has no user names: read as it is, brought to format 2 by the next write, nothing lost."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mstoken.errors import MstokenError
from mstoken.model import TokenInfo
from mstoken.stores.vault import Vault

ANNA, BO = "account:anna", "account:bo"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A vault of format 1 with two sign-ins, one of them rolled forward."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    monkeypatch.delenv("MSTOKEN_VAULT_KEY", raising=False)
    vault = Vault(str(tmp_path))
    vault.put(ANNA, "r0", TokenInfo("https://login.example", "t", "c"))
    vault.replace(ANNA, "r0", "r1")
    vault.put(BO, "b0", TokenInfo("https://login.example", "u", "d"))
    with closing(sqlite3.connect(tmp_path / "vault.db")) as connection:
        connection.execute("ALTER TABLE grants DROP COLUMN username")
        connection.execute("PRAGMA user_version = 1")
        connection.commit()
    return tmp_path


def version(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "vault.db")) as connection:
        found: int = connection.execute("PRAGMA user_version").fetchone()[0]
        return found


def tokens(folder: Path) -> list[tuple[str, str]]:
    vault = Vault(str(folder))
    found = [vault.load(ANNA), vault.load(BO)]
    return [(one.current, one.previous) for one in found if one is not None]


def test_reading_leaves_the_vault_in_format_1(folder: Path) -> None:
    """Tokens and metadata are there, without a user's name, and the file stays as it was, to the byte."""
    before = (folder / "vault.db").read_bytes()
    assert tokens(folder) == [("r1", "r0"), ("b0", "")]
    assert [one.info.username for one in Vault(str(folder)).list_sign_ins().values()] == ["", ""]
    assert (folder / "vault.db").read_bytes() == before
    assert version(folder) == 1


def test_the_next_write_upgrades_to_format_2_and_loses_nothing(folder: Path) -> None:
    """Every sign-in keeps its tokens, times and metadata; a new one has its user's name."""
    before = Vault(str(folder)).list_sign_ins()
    Vault(str(folder)).put("account:cy", "c0", TokenInfo("https://login.example", "v", "e", username="cy@example.com"))
    after = Vault(str(folder)).list_sign_ins()
    assert version(folder) == 2
    assert {key: after[key] for key in before} == before
    assert after["account:cy"].info.username == "cy@example.com"
    assert tokens(folder) == [("r1", "r0"), ("b0", "")]


def test_a_write_that_fails_leaves_format_1(folder: Path) -> None:
    """The upgrade and the write are one transaction."""
    with closing(sqlite3.connect(folder / "vault.db")) as connection:
        connection.execute("CREATE TRIGGER no BEFORE INSERT ON grants BEGIN SELECT RAISE(ABORT, 'no'); END")
        connection.commit()
    with pytest.raises(MstokenError):
        Vault(str(folder)).put("account:cy", "c0", TokenInfo())
    assert version(folder) == 1
    assert tokens(folder) == [("r1", "r0"), ("b0", "")]
