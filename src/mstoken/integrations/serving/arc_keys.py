"""The key files of Azure Arc's dialect: who can read one is allowed to get a token, once."""

from __future__ import annotations

import os
import secrets
import time
import uuid
from hmac import compare_digest
from pathlib import Path

from mstoken.errors import UsageError
from mstoken.forks import ForkSafe
from mstoken.hidden import HiddenText

AGENT_FOLDER = "/var/opt/azcmagent/tokens"
"""The only folder in which clients on Linux read a key; only root may write there, as a rule."""
LIFE_IN = 60.0
"""Seconds that a key is valid."""
MAX_KEYS = 64
"""Key files at one time: the oldest gives way to a new one."""


class ArcKeys(ForkSafe):
    """Writes key files to a folder, and removes them. Raises UsageError if the folder cannot be used."""

    def __init__(self, folder: str = AGENT_FOLDER) -> None:
        super().__init__()
        self.folder = Path(folder)
        self._keys: dict[Path, tuple[str, float]] = {}
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"The folder {folder} cannot be made: {error.strerror}.", _REMEDY) from None
        if not os.access(self.folder, os.W_OK | os.X_OK):
            raise UsageError(f"Key files cannot be written to {folder}.", _REMEDY)

    def create(self) -> Path:
        """Write a key that only our user can read, and return its path. Raises OSError."""
        path, key = self.folder / f"{uuid.uuid4()}.key", HiddenText(secrets.token_urlsafe(48))
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(file, key.encode())
        except OSError:
            path.unlink(missing_ok=True)
            raise
        finally:
            os.close(file)
        now = time.monotonic()
        with self._lock:
            self._keys[path] = (key, now + LIFE_IN)
            old = [one for one, (_, end_on) in self._keys.items() if end_on <= now]
            old += list(self._keys)[: max(0, len(self._keys) - MAX_KEYS)]
            for one in dict.fromkeys(old):
                self._remove(one)
        return path

    def take(self, key: str) -> bool:
        """Return whether this is a valid key, and remove it: each is valid once."""
        now = time.monotonic()
        with self._lock:
            for path, (known, end_on) in list(self._keys.items()):
                if end_on > now and compare_digest(known.encode(), key.encode()):
                    self._remove(path)
                    return True
        return False

    def close(self) -> None:
        """Remove all key files."""
        with self._lock:
            for path in list(self._keys):
                self._remove(path)

    def _remove(self, path: Path) -> None:
        self._keys.pop(path, None)
        path.unlink(missing_ok=True)


_REMEDY = (
    "Start the service as root, or let your user write there. --arc-keys names another folder, which few clients read."
)
