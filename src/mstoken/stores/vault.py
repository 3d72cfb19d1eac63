"""The vault: refresh tokens, encrypted on disk and never lost.

An entry has the current token and the previous one, encrypted, and in clear its name, authority, tenant, client and
dates, so that users can tell entries apart. Every write is one transaction with compare-and-swap.
"""

from __future__ import annotations

import os
import time

from mstoken.errors import StoreError
from mstoken.flows.store_port import NO_INFO, PROOF_BYTES, SignInInfo, TokenInfo
from mstoken.forks import ForkSafe
from mstoken.model import StoredRefreshToken
from mstoken.stores import user_folders
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite3 import Connection

    from mstoken.stores.cipher import Cipher
    from mstoken.stores.vault_file import VaultFile
    from mstoken.stores.vault_key import VaultKey

_CHECK = b"mstoken vault"

_UPSERT = "INSERT OR REPLACE INTO grants VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?)"
_INFO = "authority, tenant, client_id, username, created_on, renewed_on, renewals, ended_by"
_INFO_1 = _INFO.replace("username", "''")
"""The same of a vault in format 1, which has no user names."""


class Vault(ForkSafe):
    """Refresh tokens in `folder`, or in the user's own folder, created at the first write. The constructor does no I/O.

    Threads and forked children may share it.
    """

    slow = True

    def __init__(self, folder: str | None = None) -> None:
        super().__init__()
        self._folder = folder or ""
        self._verified: tuple[bytes, Cipher] | None = None
        """The key, beside what the vault said to prove it by: a vault that was replaced says something else."""

    def check_writable(self) -> None:
        self._warm_up()
        with self._file().writing() as connection:
            self._cipher_of(connection)
            connection.execute("INSERT OR REPLACE INTO vault VALUES ('proof', ?)", (os.urandom(PROOF_BYTES),))

    def load(self, key: str) -> StoredRefreshToken | None:
        with self._file().reading() as connection:
            row = _row(connection, key) if connection else None
            if connection is None or row is None:
                self._check_absent(connection, key)
                return None
            cipher = self._cipher_of(connection)
            current, previous = (
                self._decrypt(cipher, key, *part) for part in zip(("current", "previous"), row, strict=False)
            )
            sign_in = self._sign_in_info(key, row[2:])
            return StoredRefreshToken(current, previous, sign_in.ended_by, sign_in.info.authority)

    def replace(self, key: str, old: str, new: str) -> None:
        self._warm_up()
        with self._file().writing() as connection:
            cipher = self._cipher_of(connection)
            row, now = _row(connection, key), int(time.time())
            if row is None:
                self._check_absent(connection, key)
                self._store(connection, key, (new, old), SignInInfo(NO_INFO, now, now))
            elif self._decrypt(cipher, key, "current", row[0]) == old:
                self._store(connection, key, (new, old), self._sign_in_info(key, row[2:]).renewed(now))

    def put(self, key: str, value: str, info: TokenInfo) -> None:
        self._warm_up()
        now = int(time.time())
        with self._file().writing() as connection:
            self._store(connection, key, (value, ""), SignInInfo(info, now, now))

    def end(self, key: str, value: str, code: int) -> None:
        with self._file().writing() as connection:
            row = _row(connection, key)
            if row and self._decrypt(self._cipher_of(connection), key, "current", row[0]) == value:
                connection.execute("UPDATE grants SET ended_by = ? WHERE key = ?", (code, key))

    def remove(self, key: str) -> bool:
        with self._file().reading() as connection:
            if connection is None or _row(connection, key) is None:
                self._check_absent(connection, key)
                return False
        with self._file().writing() as connection:
            return connection.execute("DELETE FROM grants WHERE key = ?", (key,)).rowcount > 0

    def list_sign_ins(self) -> dict[str, SignInInfo]:
        with self._file().reading() as connection:
            if connection is None:
                return {}
            rows = connection.execute(f"SELECT key, {_info(connection)} FROM grants ORDER BY key")  # noqa: S608
            return {row[0]: self._sign_in_info(row[0], row[1:]) for row in rows}

    def cipher(self) -> Cipher:
        """Return the cipher of this vault; create its key if there is none. Raises StoreError.

        The error says so if the key is missing, or is not the one that the vault was encrypted with.
        """
        with self._file().reading() as connection:
            if connection and _secrets(connection):
                return self._cipher_of(connection)
        with self._file().writing() as connection:
            if not _secrets(connection):
                self._make_key(connection)
            return self._cipher_of(connection)

    def _warm_up(self) -> None:
        """Fetch the key before a transaction that blocks others: a keyring may be slow."""
        if self._verified is None:
            self.cipher()

    def _file(self) -> VaultFile:
        from mstoken.stores.vault_file import VaultFile

        if not self._folder:
            self._folder = user_folders.vault_folder()
        return VaultFile(self._folder)

    @property
    def _key_path(self) -> str:
        return f"{self._folder}/vault.key"

    def _store(self, connection: Connection, key: str, values: tuple[str, str], sign_in: SignInInfo) -> None:
        cipher, info = self._cipher_of(connection), sign_in.info
        current, previous = (
            cipher.encrypt(value.encode(), _purpose(key, part))
            for part, value in zip(("current", "previous"), values, strict=True)
        )
        renewals = " ".join(map(str, sign_in.renewals))
        times = (sign_in.created_on, sign_in.renewed_on, renewals)
        details = (info.authority, info.tenant, info.client_id, info.username)
        connection.execute(_UPSERT, (key, current, previous, *times, *details))

    def _check_absent(self, connection: Connection | None, key: str) -> None:
        """Search the table for rows that the index lacks: a damaged index must not look like a missing sign-in."""
        if connection and connection.execute("SELECT 1 FROM grants NOT INDEXED WHERE key = ?", (key,)).fetchone():
            raise self._damaged("the index of its sign-ins")

    def _decrypt(self, cipher: Cipher, key: str, part: str, encrypted: object) -> str:
        value = cipher.decrypt(encrypted, _purpose(key, part)) if isinstance(encrypted, bytes) else None
        if value is None:
            raise self._damaged(f"the entry {key!r}")
        return value.decode()

    def _sign_in_info(self, key: object, columns: tuple[object, ...]) -> SignInInfo:
        """Return the metadata of a sign-in. SQLite stores any type of value in any column."""
        authority, tenant, client_id, username, created_on, renewed_on, renewals, ended_by = columns
        texts, numbers = (key, authority, tenant, client_id, username, renewals), (created_on, renewed_on, ended_by)
        if not (all(isinstance(text, str) for text in texts) and all(isinstance(text, int) for text in numbers)):
            raise self._damaged("the metadata of a sign-in")
        times = tuple(int(time) for time in str(renewals).split() if time.isascii() and time.isdecimal())
        info = TokenInfo(str(authority), str(tenant), str(client_id), username=str(username))
        return SignInInfo(info, created_on, renewed_on, times, ended_by)  # type: ignore[arg-type] # seen to be numbers

    def _damaged(self, name: str) -> StoreError:
        path = self._file().path
        return StoreError(
            f"The vault {path} is damaged ({name}). It was not changed.",
            f"Restore it from a backup; or move it away (mv {path} {path}.damaged) and sign in again.",
        )

    def _cipher_of(self, connection: Connection) -> Cipher:
        """Return the vault's cipher after checking it. Raises StoreError."""
        secrets = _secrets(connection)
        check = secrets.get("check", b"")
        if self._verified and self._verified[0] == check:
            return self._verified[1]
        with self._lock:
            if not (self._verified and self._verified[0] == check):
                self._verified = (check, self._verify(secrets))
            return self._verified[1]

    def _verify(self, secrets: dict[str, bytes]) -> Cipher:
        from mstoken.stores.cipher import Cipher
        from mstoken.stores.vault_key import describe, existing_key

        try:
            source, name, check = secrets["source"].decode(), secrets["name"].decode(), bytes(secrets["check"])
        except (KeyError, AttributeError, TypeError, UnicodeDecodeError):
            raise self._damaged("the information about its key") from None
        key = existing_key(source, name, self._key_path)
        cipher = Cipher(key.value)
        if cipher.decrypt(check, _purpose("", "check")) != _CHECK:
            raise StoreError(
                f"The key from {key} does not decrypt the vault {self._file().path}. Nothing was changed.",
                f"The vault was encrypted with a key from {describe(source)}: use that key again.",
            )
        return cipher

    def _make_key(self, connection: Connection) -> None:
        """Choose the key within the transaction: one of several processes chooses."""
        from mstoken.stores.cipher import Cipher
        from mstoken.stores.vault_key import new_key

        if connection.execute("SELECT count(*) FROM grants").fetchone() != (0,):
            raise self._damaged("the information about its key")
        key: VaultKey = new_key(self._key_path)
        check = Cipher(key.value).encrypt(_CHECK, _purpose("", "check"))
        connection.executemany(
            "INSERT INTO vault VALUES (?, ?)",
            [("source", key.source.encode()), ("name", key.name.encode()), ("check", check)],
        )


def _info(connection: Connection) -> str:
    """Return the columns of a sign-in's metadata in the vault's own format."""
    return _INFO if connection.execute("PRAGMA user_version").fetchone()[0] > 1 else _INFO_1


def _row(connection: Connection, key: str) -> tuple[object, ...] | None:
    """Return the two tokens, encrypted, and their metadata in clear."""
    row: tuple[object, ...] | None = connection.execute(
        f"SELECT current, previous, {_info(connection)} FROM grants WHERE key = ?",  # noqa: S608
        (key,),
    ).fetchone()
    return row


def _secrets(connection: Connection) -> dict[str, bytes]:
    return dict(connection.execute("SELECT name, value FROM vault"))


def _purpose(key: str, part: str) -> str:
    return f"vault 1 {part} {key}"
