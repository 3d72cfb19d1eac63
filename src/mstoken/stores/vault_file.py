"""The vault's SQLite file: created completely or not at all, opened for each operation, checked before use.

A connection lasts for one operation: threads and forked children share nothing, and the last one to close merges the
write-ahead log into the file. FULL means that a commit is on the disk when it returns (sqlite.org/pragma.html,
synchronous).
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from mstoken.errors import StoreError
from mstoken.stores import user_folders
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = 2
_APPLICATION_ID = 0x6D73746B  # "mstk": tells our file from any other SQLite file
_LOCK_TIMEOUT_IN = 30.0
"""Seconds to wait for another writer; longer than a keyring may take to give the first key."""

_SCHEMA = f"""
PRAGMA journal_mode = WAL;
BEGIN;
CREATE TABLE vault (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE grants (
    key TEXT PRIMARY KEY,
    current BLOB NOT NULL,
    previous BLOB NOT NULL,
    created_on INTEGER NOT NULL,
    renewed_on INTEGER NOT NULL,
    renewals TEXT NOT NULL,
    ended_by INTEGER NOT NULL,
    authority TEXT NOT NULL,
    tenant TEXT NOT NULL,
    client_id TEXT NOT NULL,
    username TEXT NOT NULL DEFAULT ''
);
PRAGMA application_id = {_APPLICATION_ID};
PRAGMA user_version = {VERSION};
COMMIT;
"""


class VaultFile:
    """The file `vault.db` in `folder`. The constructor does no I/O."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.path = f"{folder}/vault.db"

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection | None]:
        """Open a read-only connection; None if there is no vault yet. Raises StoreError."""
        if not (user_folders.check_folder(self.folder) and user_folders.check_file(self.path)):
            yield None
            return
        with self._translated_errors(), closing(self._open_to_read()) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Open a connection in an exclusive transaction, durable when the block ends. Raises StoreError."""
        user_folders.make_private(self.folder)
        with self._translated_errors():
            if not user_folders.check_file(self.path):
                self._create()
            with closing(self._open("mode=rw")) as connection:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    _upgrade(connection)
                    yield connection
                    connection.execute("COMMIT")
                except BaseException:
                    with suppress(sqlite3.Error):  # some errors have rolled it back already
                        connection.execute("ROLLBACK")
                    raise

    def _create(self) -> None:
        """Create the file under another name, so that a kill leaves a complete vault or none, and two creators do not
        collide.
        """
        draft = f"{self.path}.{os.urandom(6).hex()}.tmp"
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            with closing(sqlite3.connect(draft, isolation_level=None)) as connection:
                connection.executescript(_SCHEMA)
            content = Path(draft).read_bytes()
        finally:
            Path(draft).unlink()
        user_folders.write_new(self.path, content)

    def _open(self, mode: str) -> sqlite3.Connection:
        address = f"{Path(self.path).as_uri()}?{mode}"
        connection = sqlite3.connect(address, timeout=_LOCK_TIMEOUT_IN, isolation_level=None, uri=True)
        try:
            self._check_format(connection)
            for setting in ("synchronous = FULL", "fullfsync = ON", "checkpoint_fullfsync = ON", "secure_delete = ON"):
                connection.execute(f"PRAGMA {setting}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _open_to_read(self) -> sqlite3.Connection:
        try:
            return self._open("mode=rw")
        except sqlite3.OperationalError as error:
            unwritable = _error_kind(error) in {"CANTOPEN", "READONLY", "FULL", "IOERR"}
            if not unwritable or self._has_log():
                raise
            # Where nothing can be written, SQLite cannot make its shared memory file; with no log there is nothing
            # that the file alone does not say (sqlite.org/wal.html, read-only databases).
            return self._open("mode=ro&immutable=1")

    def _has_log(self) -> bool:
        """Return whether the write-ahead log has content that is not in the file yet."""
        try:
            return Path(f"{self.path}-wal").stat().st_size > 0
        except FileNotFoundError:
            return False

    def _check_format(self, connection: sqlite3.Connection) -> None:
        """Raise StoreError unless the file is a vault of a known version."""
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        if application != _APPLICATION_ID or version < 1:
            raise StoreError(
                f"{self.path} is damaged or is not a vault of mstoken. It was not changed.", self._restore_remedy
            )
        if version > VERSION:
            raise StoreError(
                f"{self.path} was made by a newer mstoken (format {version}, not {VERSION}). It was not changed.",
                "Upgrade: pip install --upgrade mstoken",
            )

    @property
    def _restore_remedy(self) -> str:
        return f"Restore it from a backup; or move it away (mv {self.path} {self.path}.damaged) and sign in again."

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        """Turn errors of SQLite and the system into errors with a remedy."""
        try:
            yield
        except sqlite3.Error as error:
            raise self._store_error(error) from None
        except UnicodeDecodeError:  # sqlite3 quotes the damage in its message, and fails where that is no text
            raise StoreError(f"{self.path} is damaged. It was not changed.", self._restore_remedy) from None
        except OSError as error:
            raise StoreError(f"{self.path} cannot be written: {error.strerror}.", self._space_remedy) from None

    @property
    def _space_remedy(self) -> str:
        return f"Free some space or allow writing, or set {user_folders.ROOT_VARIABLE} to a folder you can write to."

    def _store_error(self, error: sqlite3.Error) -> StoreError:
        match _error_kind(error):
            case "CORRUPT" | "NOTADB":
                return StoreError(f"{self.path} is damaged ({error}). It was not changed.", self._restore_remedy)
            case "BUSY" | "LOCKED":
                return StoreError(
                    f"Another process has been writing to {self.path} for {_LOCK_TIMEOUT_IN:.0f} s.", "Try again."
                )
            case "READONLY" | "CANTOPEN" | "PERM" | "FULL" | "IOERR":
                return StoreError(f"{self.path} cannot be read or written: {error}.", self._space_remedy)
            case _:
                return StoreError(f"{self.path} cannot be used: {error}.", self._restore_remedy)


def _upgrade(connection: sqlite3.Connection) -> None:
    """Upgrade a vault from format 1 to format 2, which has user names, in the caller's transaction."""
    if connection.execute("PRAGMA user_version").fetchone() == (1,):
        connection.execute("ALTER TABLE grants ADD COLUMN username TEXT NOT NULL DEFAULT ''")
        connection.execute(f"PRAGMA user_version = {VERSION}")


def _error_kind(error: sqlite3.Error) -> str:
    """Return SQLite's name of the error without details: SQLITE_IOERR_WRITE becomes IOERR."""
    name: str = getattr(error, "sqlite_errorname", "") or ""
    return name.removeprefix("SQLITE_").partition("_")[0]
