"""The file that is uploaded: read in parts, and watched for changes."""

from __future__ import annotations

import os
from pathlib import Path

from mstoken.errors import UsageError


class UploadFile:
    """An open file. `size` is in bytes, `modified_on` in nanoseconds since the epoch. The constructor opens it."""

    def __init__(self, path: str) -> None:
        """Raise UsageError for a file that cannot be read, or is no regular file."""
        self.path = path
        found = Path(path).expanduser()
        self.name, self.full_path = found.name, os.path.realpath(found)
        if found.exists() and not found.is_file():
            raise UsageError(f"{path!r} is not a regular file.", "Write its content into a file first.")
        try:
            self._file = found.open("rb")
            self.size, self.modified_on = self._state()
        except OSError as error:
            raise UsageError(f"{path!r} cannot be read: {error.strerror}.", "Check its path.") from None

    def read(self, offset: int, length: int) -> bytes:
        """Return `length` bytes from `offset` on. Raises UsageError if the file has changed."""
        try:
            self._file.seek(offset)
            content = self._file.read(length)
            changed = len(content) != length or self._state() != (self.size, self.modified_on)
        except OSError as error:
            raise UsageError(f"{self.path!r} cannot be read: {error.strerror}.", "Check its path.") from None
        if changed:
            raise UsageError(f"{self.path!r} has changed while it was uploaded.", "Upload it when it is complete.")
        return content

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _state(self) -> tuple[int, int]:
        found = os.fstat(self._file.fileno())
        return found.st_size, found.st_mtime_ns
