"""A vault that cannot be used says so, names its file and what to do, and is left as it is."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.small_disk import small_disk

from mstoken.errors import StoreError
from mstoken.flows.store_port import TokenInfo
from mstoken.model import StoredRefreshToken
from mstoken.stores.vault import Vault
from mstoken.values import as_dict

ACCOUNT = "account:anna"
PAGE = 4096


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a vault of thirty sign-ins, large enough for many pages; made once, as each write is a sync."""
    folder = tmp_path_factory.mktemp("template") / "vault"
    vault = Vault(str(folder))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
        environment.delenv("MSTOKEN_VAULT_KEY", raising=False)
        vault.put(ACCOUNT, "r0", TokenInfo())
        vault.replace(ACCOUNT, "r0", "r1")
        for number in range(30):
            vault.put(f"account:{number}", f"{number} " + "x" * 1500, TokenInfo("a", "t", "c"))
    return folder


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    """A copy of it to harm."""
    return Path(shutil.copytree(template, tmp_path / "vault"))


def _refused(folder: Path) -> str:
    """What reading and writing say; the file stays as it was, to the byte."""
    before = (folder / "vault.db").read_bytes()
    said = set()
    calls: list[Callable[[Vault], object]] = [
        lambda vault: vault.load(ACCOUNT),
        lambda vault: vault.list_sign_ins(),
        lambda vault: vault.replace(ACCOUNT, "r1", "r2"),
        lambda vault: vault.put(ACCOUNT, "r2", TokenInfo()),
        lambda vault: vault.remove(ACCOUNT),
    ]
    for call in calls:
        with pytest.raises(StoreError) as raised:
            call(Vault(str(folder)))
        assert str(folder / "vault.db") in raised.value.message
        assert raised.value.remedy
        said.add(str(raised.value))
    assert (folder / "vault.db").read_bytes() == before
    return "\n".join(said)


@pytest.mark.parametrize("kept", [0.0, 0.001, 0.02, 0.1, 0.3, 0.5, 0.9])
def test_a_truncated_vault_is_never_written_to(folder: Path, kept: float) -> None:
    """With pages missing, it is refused with what to do, and stays for a rescue."""
    whole = (folder / "vault.db").read_bytes()
    (folder / "vault.db").write_bytes(whole[: int(len(whole) * kept)])
    said = _refused(folder)
    assert "damaged" in said
    assert "sign in again" in said


def test_a_vault_cut_within_its_last_page_gives_no_wrong_token(folder: Path) -> None:
    """SQLite fills a part of a page up with zeros: what is read of it is right or refused."""
    whole = (folder / "vault.db").read_bytes()
    right = {f"account:{number}": StoredRefreshToken(f"{number} " + "x" * 1500) for number in range(30)} | {
        ACCOUNT: StoredRefreshToken("r1", "r0")
    }
    refused = 0
    for cut in (1, 300, 2000, 4000):
        (folder / "vault.db").write_bytes(whole[:-cut])
        for key, grant in right.items():
            try:
                assert Vault(str(folder)).load(key) == grant
            except StoreError:
                refused += 1
    assert refused > 0


def page_numbers(path: Path) -> range:
    return range(path.stat().st_size // PAGE)


def test_a_page_of_zeros_is_damage_and_not_a_missing_sign_in(folder: Path) -> None:
    """Whichever page a disk has lost, each sign-in is read right or the vault is damaged."""
    path = folder / "vault.db"
    whole = path.read_bytes()
    refused = 0
    for number in page_numbers(path):
        path.write_bytes(whole[: number * PAGE] + bytes(PAGE) + whole[(number + 1) * PAGE :])
        for key in (ACCOUNT, "account:0", "account:29"):
            refused += is_refused_or_right(folder, key)
    assert refused > 0


@pytest.mark.parametrize("size", [512, 1024, 2048])
def test_a_sector_of_zeros_is_damage_too(folder: Path, size: int) -> None:
    """Disks lose parts of pages as well; the index of the sign-ins looks intact then, and finds nothing."""
    path = folder / "vault.db"
    whole = path.read_bytes()
    refused = 0
    for start in range(0, len(whole), size):
        path.write_bytes(whole[:start] + bytes(size) + whole[start + size :])
        refused += is_refused_or_right(folder, ACCOUNT)
    assert refused > 0


def is_refused_or_right(folder: Path, key: str) -> bool:
    """Whether loading says that the vault is damaged; otherwise it must have given what was stored."""
    right = ("r1", "r0") if key == ACCOUNT else (f"{key.partition(':')[2]} " + "x" * 1500, "")
    try:
        found = Vault(str(folder)).load(key)
    except StoreError as error:
        return "damaged" in error.message
    assert found is not None
    assert (found.current, found.previous) == right
    return False


def test_a_row_missing_from_the_index_is_not_written_twice(folder: Path) -> None:
    """Renewing and removing see the damage as reading does, and change nothing."""
    path = folder / "vault.db"
    whole = path.read_bytes()
    calls: list[Callable[[Vault], object]] = [
        lambda vault: vault.replace(ACCOUNT, "r1", "r2"),
        lambda vault: vault.remove(ACCOUNT),
    ]
    for start in range(0, len(whole), 512):
        damaged = whole[:start] + bytes(512) + whole[start + 512 :]
        path.write_bytes(damaged)
        try:
            there = Vault(str(folder)).load(ACCOUNT) is not None
        except StoreError as error:
            there = "index" not in error.message
        if there:
            continue
        for call in calls:
            with pytest.raises(StoreError, match="damaged"):
                call(Vault(str(folder)))
        assert path.read_bytes() == damaged
        return
    raise AssertionError("no sector of the index was found")


def test_a_missing_sign_in_is_not_damage(folder: Path) -> None:
    """In a whole vault, nothing is found under another name."""
    assert Vault(str(folder)).load("account:nobody") is None
    assert not Vault(str(folder)).remove("account:nobody")


def test_a_file_that_is_no_database_is_not_overwritten(folder: Path) -> None:
    """Whatever stands in the vault's place is somebody's."""
    (folder / "vault.db").write_bytes(b"Dear diary, " * 1000)
    assert "damaged" in _refused(folder)


def test_a_database_of_another_program_is_not_used(folder: Path) -> None:
    """A SQLite file without our mark gets no table of ours."""
    (folder / "vault.db").unlink()
    with closing(sqlite3.connect(folder / "vault.db")) as connection:
        connection.execute("CREATE TABLE photos (name TEXT)")
        connection.commit()
    (folder / "vault.db").chmod(0o600)
    assert "not a vault of mstoken" in _refused(folder)


def test_a_vault_of_a_newer_version_is_not_changed(folder: Path) -> None:
    """The error asks to upgrade; an older program must not write what it does not understand."""
    with closing(sqlite3.connect(folder / "vault.db")) as connection:
        connection.execute("PRAGMA user_version = 3")
        connection.commit()
    assert "pip install --upgrade mstoken" in _refused(folder)


@pytest.mark.parametrize(
    "harm",
    [
        "DELETE FROM vault",
        "DELETE FROM vault WHERE name = 'check'",
        "UPDATE vault SET value = 7",
        "UPDATE vault SET value = 'text'",
        "UPDATE vault SET value = zeroblob(40) WHERE name = 'check'",
        "DROP TABLE vault",
        "DROP TABLE grants",
        "UPDATE grants SET current = 'text'",
        "UPDATE grants SET current = 5",
        "UPDATE grants SET current = zeroblob(3)",
        "UPDATE grants SET current = previous",
        "UPDATE grants SET current = (SELECT current FROM grants WHERE key = 'account:1') WHERE key = 'account:anna'",
        "UPDATE grants SET created_on = 'yesterday'",
        "UPDATE grants SET renewed_on = 1e300",
        "UPDATE grants SET ended_by = x'00'",
        "UPDATE grants SET authority = x'ff'",
        "UPDATE grants SET renewals = x'ff'",
    ],
)
def test_a_vault_with_wrong_content_is_refused(folder: Path, harm: str) -> None:
    """Rows lost, changed, of another kind or moved to another name are errors: never another token, never a new key."""
    with closing(sqlite3.connect(folder / "vault.db")) as connection:
        connection.execute(harm)
        connection.commit()
    key = (folder / "vault.key").read_bytes()
    with pytest.raises(StoreError) as reading:
        Vault(str(folder)).load(ACCOUNT)
    with pytest.raises(StoreError) as writing:
        Vault(str(folder)).replace(ACCOUNT, "r1", "r2")
    assert str(folder) in str(reading.value)
    assert str(folder) in str(writing.value)
    assert (folder / "vault.key").read_bytes() == key


@pytest.mark.parametrize("column", ["key", "authority", "tenant", "client_id", "created_on", "renewed_on", "ended_by"])
@pytest.mark.parametrize("value", ["x'ff'", "'\u00b2'", "1e300"])
def test_a_list_shows_the_sign_ins_or_reports_the_damage(folder: Path, column: str, value: str) -> None:
    """SQLite keeps a value of any kind in any column: none that is of another kind comes out of the vault."""
    with closing(sqlite3.connect(folder / "vault.db")) as connection:
        connection.execute(f"UPDATE grants SET {column} = {value} WHERE key = 'account:anna'")  # noqa: S608
        connection.commit()
    try:
        kept = Vault(str(folder)).list_sign_ins()
    except StoreError as error:
        assert "is damaged (the metadata of a sign-in)" in error.message  # noqa: PT017
    else:
        assert all(isinstance(key, str) for key in kept)
        assert all(isinstance(text, str) for one in kept.values() for text in as_dict(one.info).values())
        assert all(isinstance(number, int) for one in kept.values() for number in (one.renewed_on, one.created_on))


def test_invalid_renewal_times_are_ignored(folder: Path) -> None:
    """They are for people to look at, and nothing depends on them."""
    with closing(sqlite3.connect(folder / "vault.db")) as connection:
        connection.execute("UPDATE grants SET renewals = '12 \u00b2 x -1 34'")
        connection.commit()
    assert Vault(str(folder)).list_sign_ins()[ACCOUNT].renewals == (12, 34)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_flipped_bytes_give_the_token_or_an_error_never_another_token(folder: Path, data: st.DataObject) -> None:
    """What is read is what was written, or nothing; any failure is a StoreError."""
    path = folder / "vault.db"
    whole = path.read_bytes()
    harmed = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        harmed[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(harmed))
    try:
        assert Vault(str(folder)).load(ACCOUNT) in {StoredRefreshToken("r1", "r0"), None}
        Vault(str(folder)).list_sign_ins()
    except StoreError as error:
        assert str(path) in str(error) or "vault" in str(error)  # noqa: PT017
    finally:
        for leftover in folder.glob("vault.db-*"):
            leftover.unlink()
        path.write_bytes(whole)


def test_a_full_disk_loses_no_refresh_token(workers: Any, tmp_path: Path) -> None:
    """A renewal that cannot be written raises, keeps what was there, and works when there is room again."""
    output, _ = workers.run("vault_when_full", tmp_path / "vault")
    first, second = output.splitlines()
    assert first.startswith("True ")
    assert "Free some space" in first
    assert second == "True"


def test_a_vault_that_was_replaced_is_used_with_its_own_key(tmp_path: Path) -> None:
    """A process that knew the old vault's key does not seal for the new vault with it."""
    vault = Vault(str(tmp_path / "vault"))
    vault.put(ACCOUNT, "r0", TokenInfo())
    (tmp_path / "vault").rename(tmp_path / "old")
    Vault(str(tmp_path / "vault")).put("account:ben", "b0", TokenInfo())
    vault.put(ACCOUNT, "r1", TokenInfo())
    assert Vault(str(tmp_path / "vault")).load(ACCOUNT) == StoredRefreshToken("r1")
    assert Vault(str(tmp_path / "old")).load(ACCOUNT) == StoredRefreshToken("r0")


def test_a_store_that_passes_the_write_check_can_save_a_refresh_token(tmp_path: Path) -> None:
    """However little room a disk has left: where the proof is given, a refresh token can be kept."""
    outcomes = set()
    with small_disk(tmp_path / "disk") as disk:
        vault, size = Vault(str(disk.folder / "vault")), 2000
        vault.put(ACCOUNT, "x" * size, TokenInfo())
        for leave in range(0, 120_000, 4096):
            disk.fill(leave=leave)
            try:
                vault.check_writable()
            except StoreError:
                outcomes.add("refused")
            else:
                vault.put(ACCOUNT, "y" * size, TokenInfo())
                outcomes.add("kept")
            disk.free()
    assert outcomes == {"refused", "kept"}


def test_on_a_full_disk_the_vault_can_be_read(tmp_path: Path) -> None:
    """Sign-ins are listed and used, also where SQLite has no room for the files that it makes beside."""
    with small_disk(tmp_path / "disk") as disk:
        vault = Vault(str(disk.folder / "vault"))
        vault.put(ACCOUNT, "r0", TokenInfo())
        disk.fill()
        assert vault.load(ACCOUNT) == StoredRefreshToken("r0")
        assert list(vault.list_sign_ins()) == [ACCOUNT]
        for call in (vault.check_writable, lambda: vault.replace(ACCOUNT, "r0", "r1"), lambda: vault.remove(ACCOUNT)):
            with pytest.raises(StoreError, match="Free some space"):
                call()
        disk.free()
        vault.replace(ACCOUNT, "r0", "r1")
        assert vault.load(ACCOUNT) == StoredRefreshToken("r1", "r0")
