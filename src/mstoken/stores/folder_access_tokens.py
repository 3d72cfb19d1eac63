"""Access tokens and notes shared by the processes of one user: one file each, named by the digest of its key.

Writing is one rename, so a reader needs no lock and sees the old file or the new one, whole. In memory (tmpfs) the
files are clear; anywhere else they are encrypted with the vault's key. Losing a file costs one request, so no failure
here fails the caller: a token that cannot be written to the folder stays in the process.
"""

from __future__ import annotations

import os
from contextlib import suppress

from mstoken.errors import MstokenError, StoreError
from mstoken.forks import ForkSafe
from mstoken.messages import warn
from mstoken.stores import locks, token_file, user_folders
from mstoken.stores.cleanup import FolderCleaner
from mstoken.stores.digests import digest_of
from mstoken.stores.fallback import FallbackAccessTokens
from mstoken.stores.token_file_reader import MAX_BYTES, NOTE, TOKEN, path_of, read_file
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from mstoken.flows.store_port import CachedTokenInfo, Release, TokenInfo
    from mstoken.stores.cipher import Cipher
    from mstoken.stores.fallback import Dated, Decode, Encode

# One system call each, on the path of every token; pathlib makes several.
# ruff: noqa: PTH105,PTH108,PTH208


class FolderAccessTokens(FallbackAccessTokens, ForkSafe):
    """Access tokens in `folder`, or in the user's own token folder; created at the first save.

    `cipher` returns the vault's cipher if the folder is on a disk; without one, nothing is written there. The
    constructor does no I/O. Threads may share it.
    """

    slow = True
    title = "the user's token folder"

    def __init__(self, folder: str | None = None, cipher: Callable[[], Cipher] | None = None) -> None:
        self._folder, self._cipher_source = folder or "", cipher
        self._cipher: Cipher | None = None
        super().__init__()
        self._is_in_memory: bool | None = None
        self._warned = False
        self._cleaner = FolderCleaner()

    def clear(self) -> int:
        self._remove(NOTE, self._names(NOTE))
        return self._fallback.clear() + self._remove(TOKEN, self._names(TOKEN))

    def forget(self, info: TokenInfo) -> int:
        removed = self._fallback.forget(info)
        return removed + self._remove(TOKEN, [stored.key for stored in self.tokens() if info.covers(stored.info)])

    def _remove(self, kind: str, names: list[str]) -> int:
        """Remove the files and return how many there were. Raises StoreError if one stays."""
        removed, problem = 0, ""
        for name in names:
            try:
                os.unlink(path_of(self._folder_path(), name, kind))
                removed += 1
            except FileNotFoundError:
                pass
            except OSError as error:
                problem = error.strerror or type(error).__name__
        if problem:
            raise StoreError(
                f"Tokens in {self._folder_path()} cannot be removed: {problem}.", "Make the folder writable."
            )
        return removed

    def tokens(self) -> list[CachedTokenInfo]:
        stored = {token.key: token for token in self._fallback.tokens()}
        for name in self._names(TOKEN):
            try:
                token = token_file.decode_info(name, read_file(self._folder_path(), name), self._get_cipher)
            except MstokenError as error:
                self._warn(error)
            else:
                stored |= {name: token} if token else {}
        return [stored[key] for key in sorted(stored)]

    def try_lock(self, key: str) -> Release | None:
        try:
            return locks.try_lock_or_proceed(f"{self._ensure_folder()}/{digest_of(key)}.lock")
        except StoreError:
            return locks.release_nothing

    def _names(self, kind: str) -> list[str]:
        """Return the names of all files of this kind, without the extension. Raises StoreError."""
        folder = self._folder_path()
        try:
            names = os.listdir(folder) if user_folders.is_private(folder) else []
        except OSError as error:
            raise StoreError(f"{folder} cannot be read: {error.strerror}.", "Correct its mode.") from None
        return [name.removesuffix(f".{kind}") for name in names if name.endswith(f".{kind}")]

    def _folder_path(self) -> str:
        if not self._folder:
            self._folder = user_folders.token_folder()
        return self._folder

    def _ensure_folder(self) -> str:
        """Return the folder, after creating it if necessary. Raises StoreError if it is not private."""
        folder = self._folder_path()
        if not user_folders.is_private(folder):
            user_folders.make_private(folder)
        return folder

    def _load(self, kind: str, key: str, decode: Decode[Dated]) -> Dated | None:
        folder, name = self._folder_path(), digest_of(key)
        content = read_file(folder, name, MAX_BYTES, kind) if user_folders.is_private(folder) else b""
        try:
            return decode(name, content, self._get_cipher) if content else None
        except MstokenError as error:
            self._warn(error)
            return None

    def _erase(self, kind: str, key: str) -> None:
        if user_folders.is_private(folder := self._folder_path()):
            with suppress(OSError):
                os.unlink(path_of(folder, digest_of(key), kind))

    def _write(self, kind: str, key: str, expires_on: int, encode: Encode) -> bool:  # noqa: ARG002 - the file says it
        try:
            folder = self._ensure_folder()
            if self._is_in_memory is None:
                self._is_in_memory = user_folders.is_in_memory(folder)
            name = digest_of(key)
            _replace(path_of(folder, name, kind), encode(name, None if self._is_in_memory else self._get_cipher()))
        except (OSError, ValueError, MstokenError) as error:
            self._erase(kind, key)
            self._warn(error)
            return False
        self._cleaner.clean_if_due(folder)
        return True

    def _get_cipher(self) -> Cipher:
        """Return the cipher, fetched once. Raises StoreError, and does not try twice: a keyring may be slow."""
        with self._lock:
            if self._cipher is None:
                source, self._cipher_source = self._cipher_source, None
                if source is None:
                    raise StoreError(f"{self._folder} is on a disk, and there is no key to encrypt tokens with.")
                self._cipher = source()
            return self._cipher

    def _warn(self, error: Exception) -> None:
        if not self._warned:
            self._warned = True
            reason = error.strerror if isinstance(error, OSError) else error  # its file name is a token's digest
            warn(f"Access tokens stay in this process only: {reason}")


def _replace(path: str, content: bytes) -> None:
    """Write the file in one rename. Raises OSError."""
    draft = f"{path.rpartition('.')[0]}.{os.urandom(6).hex()}.tmp"
    try:
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        try:
            user_folders.write_all(file, content)
        finally:
            os.close(file)
        os.replace(draft, path)
    except OSError:
        with suppress(OSError):
            os.unlink(draft)
        raise
