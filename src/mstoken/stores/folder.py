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
from mstoken.forks import HasLock
from mstoken.messages import warn
from mstoken.stores import locks, places, token_file
from mstoken.stores.memory import MemoryAccessTokens
from mstoken.stores.names import digest_of
from mstoken.stores.quick_read import path_of, read_file
from mstoken.stores.sweeping import Sweeper
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from mstoken.flows.store_port import CachedTokenInfo, Release, TokenInfo
    from mstoken.model import Token
    from mstoken.stores.seal import Seal

# One system call each, on the path of every token; pathlib makes several.
# ruff: noqa: PTH105,PTH108,PTH208


class FolderAccessTokens(HasLock):
    """Access tokens in `folder`, or in the user's own place; made at the first save.

    `seal` gives the vault's seal when the folder is on a disk; without one nothing is written there. Constructing it
    does no I/O. Threads may share it.
    """

    slow = True

    def __init__(self, folder: str | None = None, seal: Callable[[], Seal] | None = None) -> None:
        self._folder, self._seal_source = folder or "", seal
        self._seal: Seal | None = None
        super().__init__()
        self._in_memory: bool | None = None
        self._warned = False
        self._unkept = MemoryAccessTokens()
        self._sweeper = Sweeper()

    def load(self, key: str) -> Token | None:
        folder, name = self._place(), digest_of(key)
        content = read_file(folder, name) if places.is_private(folder) else b""
        try:
            kept = token_file.read(name, content, self._opened_seal) if content else None
        except MstokenError as error:
            kept = None
            self._warn(error)
        unkept = self._unkept.load(key)
        return unkept if unkept and (kept is None or kept.expires_on <= unkept.expires_on) else kept

    def save(self, key: str, token: Token, info: TokenInfo = NO_INFO) -> None:
        try:
            folder = self._made()
            self._write(folder, digest_of(key), token, info)
        except (OSError, ValueError, MstokenError) as error:
            self.delete(key)  # what is there is older than what could not be written
            self._unkept.save(key, token, info)
            self._warn(error)
        else:
            self._unkept.delete(key)
            self._sweeper.sweep_if_due(folder)

    def delete(self, key: str) -> None:
        self._unkept.delete(key)
        if places.is_private(folder := self._place()):
            with suppress(OSError):
                os.unlink(path_of(folder, digest_of(key)))

    def clear(self) -> int:
        return self._unkept.clear() + self._remove([key for _, key in self._files()])

    def forget(self, info: TokenInfo) -> int:
        gone = self._unkept.forget(info)
        return gone + self._remove([kept.key for kept in self.tokens() if info.covers(kept.info)])

    def _remove(self, keys: list[str]) -> int:
        """Remove the files; gives how many went. Raises StoreError if one stays."""
        gone, trouble = 0, ""
        for key in keys:
            try:
                os.unlink(path_of(self._place(), key))
                gone += 1
            except FileNotFoundError:
                pass
            except OSError as error:
                trouble = error.strerror or type(error).__name__
        if trouble:
            raise StoreError(f"Tokens in {self._place()} cannot be removed: {trouble}.", "Allow writing there.")
        return gone

    def tokens(self) -> list[CachedTokenInfo]:
        kept = {token.key: token for token in self._unkept.tokens()}
        for folder, key in self._files():
            try:
                token = token_file.read_info(key, read_file(folder, key), self._opened_seal)
            except MstokenError as error:
                self._warn(error)
            else:
                kept |= {key: token} if token else {}
        return [kept[key] for key in sorted(kept)]

    def try_lock(self, key: str) -> Release | None:
        try:
            return locks.try_lock_or_proceed(f"{self._made()}/{digest_of(key)}.lock")
        except StoreError:
            return locks.had_anyway

    def _files(self) -> list[tuple[str, str]]:
        """(folder, key) of every file of a token or a note. Raises StoreError."""
        folder = self._place()
        try:
            names = os.listdir(folder) if places.is_private(folder) else []
        except OSError as error:
            raise StoreError(f"{folder} cannot be read: {error.strerror}.", "Correct its mode.") from None
        return [(folder, name.removesuffix(".token")) for name in names if name.endswith(".token")]

    def _place(self) -> str:
        if not self._folder:
            self._folder = places.token_folder()
        return self._folder

    def _made(self) -> str:
        """The folder, there and ours. Raises StoreError."""
        folder = self._place()
        if not places.is_private(folder):
            places.make_private(folder)
        return folder

    def _write(self, folder: str, name: str, token: Token, info: TokenInfo) -> None:
        if self._in_memory is None:
            self._in_memory = places.memory_backed(folder)
        content = token_file.render(name, token, None if self._in_memory else self._opened_seal(), info)
        draft = f"{folder}/{name}.{os.urandom(6).hex()}.tmp"
        try:
            file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
            try:
                places.write_all(file, content)
            finally:
                os.close(file)
            os.replace(draft, path_of(folder, name))
        except OSError:
            with suppress(OSError):
                os.unlink(draft)
            raise

    def _opened_seal(self) -> Seal:
        """The seal, fetched once. Raises StoreError, and does not try twice: a keyring may be slow."""
        with self._lock:
            if self._seal is None:
                source, self._seal_source = self._seal_source, None
                if source is None:
                    raise StoreError(f"{self._folder} is on a disk, and there is no key to seal tokens with.")
                self._seal = source()
            return self._seal

    def _warn(self, error: Exception) -> None:
        if not self._warned:
            self._warned = True
            said = error.strerror if isinstance(error, OSError) else error  # a file name there is a token's digest
            warn(f"Access tokens stay with this process only: {said}")
