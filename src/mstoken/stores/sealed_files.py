"""Files of the user that hold a secret for a while: encrypted with the vault's key, in a folder beside the vault."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from mstoken.errors import StoreError
from mstoken.stores import user_folders
from mstoken.stores.locks import try_lock
from mstoken.stores.vault import Vault
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.flows.store_port import Release
    from mstoken.stores.cipher import Cipher

_MAX = 512 * 1024 * 1024


class SealedFiles:
    """The files of one `kind`, such as `uploads`, each by its name: letters and digits.

    All methods raise StoreError.
    """

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._cipher: Cipher | None = None

    @property
    def folder(self) -> str:
        """Where the files are; '' if the user has no home."""
        vault = user_folders.vault_folder()
        return os.path.join(vault, self._kind) if vault else ""  # noqa: PTH118 - '' must stay ''

    def load(self, name: str) -> bytes | None:
        """Return the content; None if there is no such file, or it was encrypted with another key."""
        path = self._path(name)
        if not self.folder or not user_folders.check_folder(self.folder) or not user_folders.check_file(str(path)):
            return None
        try:
            with path.open("rb") as file:
                content = file.read(_MAX)
        except OSError as error:
            raise _failure(path, "read", error) from None
        return self._opened().decrypt(content, self._purpose(name))

    def save(self, name: str, content: bytes) -> None:
        """Replace the file (0600): whole, or not at all."""
        user_folders.make_private(self.folder)
        sealed, path = self._opened().encrypt(content, self._purpose(name)), self._path(name)
        draft = path.with_name(f"{name}.{os.urandom(6).hex()}.tmp")
        try:
            if not user_folders.write_new(str(draft), sealed):
                raise FileExistsError
            draft.replace(path)
        except OSError as error:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            raise _failure(path, "written", error) from None

    def delete(self, name: str) -> None:
        """Delete the file, if there is one."""
        path = self._path(name)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise _failure(path, "deleted", error) from None

    def names(self) -> list[str]:
        """Return the names of the files, the newest first."""
        if not self.folder or not user_folders.check_folder(self.folder):
            return []
        found = list[tuple[int, str]]()
        for path in Path(self.folder).iterdir():
            if path.suffix not in {".tmp", ".lock"}:
                with suppress(FileNotFoundError):  # another process has deleted it just now
                    found.append((path.stat().st_mtime_ns, path.name))
        return [name for _, name in sorted(found, reverse=True)]

    def delete_before(self, time: float) -> int:
        """Delete the files that were written before `time` (epoch seconds). Return how many they were."""
        deleted = 0
        for name in self.names():
            with suppress(OSError):
                if self._path(name).stat().st_mtime < time:
                    self._path(name).unlink(missing_ok=True)
                    deleted += 1
        return deleted

    def lock(self, name: str) -> Release | None:
        """Return a function that unlocks `name`, which need not be a file's; None if another process has the lock."""
        path = self._path(name).with_suffix(".lock")
        user_folders.make_private(self.folder)
        try:
            return try_lock(str(path))
        except OSError as error:
            raise _failure(path, "locked", error) from None

    def _path(self, name: str) -> Path:
        return Path(self.folder, name)

    def _purpose(self, name: str) -> str:
        return f"{self._kind}/{name}"

    def _opened(self) -> Cipher:
        if self._cipher is None:
            self._cipher = Vault().cipher()
        return self._cipher


def _failure(path: Path, what: str, error: OSError) -> StoreError:
    return StoreError(
        f"{path} cannot be {what}: {error.strerror}.",
        f"Check the folder, or set {user_folders.ROOT_VARIABLE} to one of your own.",
    )
