"""Access tokens shared by the processes of one user: one file per token, named by the digest of its question.

Writing is one rename, so a reader needs no lock and sees the old token or the new one, whole. In memory (tmpfs) the
files are clear; anywhere else they are sealed with the vault's key. Losing them costs one request each, so nothing
that goes wrong here fails the caller: a token that cannot be kept in the folder stays with the process.
"""

from __future__ import annotations

import os
from contextlib import suppress

from mstoken.errors import MstokenError, StoreError
from mstoken.flows.store_port import NO_INFO
from mstoken.forks import ForkSafe
from mstoken.messages import warn
from mstoken.stores import locks, token_file, user_folders
from mstoken.stores.cleanup import FolderCleaner
from mstoken.stores.digests import digest_of
from mstoken.stores.memory import MemoryAccessTokens
from mstoken.stores.token_file_reader import path_of, read_file
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from mstoken.flows.store_port import CachedTokenInfo, Release, TokenInfo
    from mstoken.model import Token
    from mstoken.stores.cipher import Cipher

# One system call each, on the path of every token; pathlib makes several.
# ruff: noqa: PTH105,PTH108,PTH208


class FolderAccessTokens(ForkSafe):
    """Access tokens in `folder`, or in the user's own place; made at the first save.

    `seal` gives the vault's seal when the folder is on a disk; without one nothing is written there. Constructing it
    does no I/O. Threads may share it.
    """

    slow = True

    def __init__(self, folder: str | None = None, cipher: Callable[[], Cipher] | None = None) -> None:
        self._folder, self._cipher_source = folder or "", cipher
        self._cipher: Cipher | None = None
        super().__init__()
        self._is_in_memory: bool | None = None
        self._warned = False
        self._fallback = MemoryAccessTokens()
        self._cleaner = FolderCleaner()

    def load(self, key: str) -> Token | None:
        folder, name = self._folder_path(), digest_of(key)
        content = read_file(folder, name) if user_folders.is_private(folder) else b""
        try:
            stored = token_file.decode(name, content, self._get_cipher) if content else None
        except MstokenError as error:
            stored = None
            self._warn(error)
        fallback = self._fallback.load(key)
        return fallback if fallback and (stored is None or stored.expires_on <= fallback.expires_on) else stored

    def save(self, key: str, token: Token, info: TokenInfo = NO_INFO) -> None:
        try:
            folder = self._ensure_folder()
            self._write(folder, digest_of(key), token, info)
        except (OSError, ValueError, MstokenError) as error:
            self.delete(key)  # what is there is older than what could not be written
            self._fallback.save(key, token, info)
            self._warn(error)
        else:
            self._fallback.delete(key)
            self._cleaner.clean_if_due(folder)

    def delete(self, key: str) -> None:
        self._fallback.delete(key)
        if user_folders.is_private(folder := self._folder_path()):
            with suppress(OSError):
                os.unlink(path_of(folder, digest_of(key)))

    def clear(self) -> int:
        return self._fallback.clear() + self._remove([key for _, key in self._files()])

    def forget(self, info: TokenInfo) -> int:
        removed = self._fallback.forget(info)
        return removed + self._remove([stored.key for stored in self.tokens() if info.covers(stored.info)])

    def _remove(self, keys: list[str]) -> int:
        """Remove the files; gives how many went. Raises StoreError if one stays."""
        removed, problem = 0, ""
        for key in keys:
            try:
                os.unlink(path_of(self._folder_path(), key))
                removed += 1
            except FileNotFoundError:
                pass
            except OSError as error:
                problem = error.strerror or type(error).__name__
        if problem:
            raise StoreError(f"Tokens in {self._folder_path()} cannot be removed: {problem}.", "Allow writing there.")
        return removed

    def tokens(self) -> list[CachedTokenInfo]:
        stored = {token.key: token for token in self._fallback.tokens()}
        for folder, key in self._files():
            try:
                token = token_file.decode_info(key, read_file(folder, key), self._get_cipher)
            except MstokenError as error:
                self._warn(error)
            else:
                stored |= {key: token} if token else {}
        return [stored[key] for key in sorted(stored)]

    def try_lock(self, key: str) -> Release | None:
        try:
            return locks.try_lock_or_proceed(f"{self._ensure_folder()}/{digest_of(key)}.lock")
        except StoreError:
            return locks.release_nothing

    def _files(self) -> list[tuple[str, str]]:
        """(folder, key) of every file of a token or a note. Raises StoreError."""
        folder = self._folder_path()
        try:
            names = os.listdir(folder) if user_folders.is_private(folder) else []
        except OSError as error:
            raise StoreError(f"{folder} cannot be read: {error.strerror}.", "Correct its mode.") from None
        return [(folder, name.removesuffix(".token")) for name in names if name.endswith(".token")]

    def _folder_path(self) -> str:
        if not self._folder:
            self._folder = user_folders.token_folder()
        return self._folder

    def _ensure_folder(self) -> str:
        """The folder, there and ours. Raises StoreError."""
        folder = self._folder_path()
        if not user_folders.is_private(folder):
            user_folders.make_private(folder)
        return folder

    def _write(self, folder: str, name: str, token: Token, info: TokenInfo) -> None:
        if self._is_in_memory is None:
            self._is_in_memory = user_folders.is_in_memory(folder)
        content = token_file.encode(name, token, None if self._is_in_memory else self._get_cipher(), info)
        draft = f"{folder}/{name}.{os.urandom(6).hex()}.tmp"
        try:
            file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
            try:
                user_folders.write_all(file, content)
            finally:
                os.close(file)
            os.replace(draft, path_of(folder, name))
        except OSError:
            with suppress(OSError):
                os.unlink(draft)
            raise

    def _get_cipher(self) -> Cipher:
        """The seal, fetched once. Raises StoreError, and does not try twice: a keyring may be slow."""
        with self._lock:
            if self._cipher is None:
                source, self._cipher_source = self._cipher_source, None
                if source is None:
                    raise StoreError(f"{self._folder} is on a disk, and there is no key to seal tokens with.")
                self._cipher = source()
            return self._cipher

    def _warn(self, error: Exception) -> None:
        if not self._warned:
            self._warned = True
            said = error.strerror if isinstance(error, OSError) else error  # a file name there is a token's digest
            warn(f"Access tokens stay with this process only: {said}")
