"""A file that is being downloaded: its content so far, beside its name, and how the rest is requested.

A part is continued only if the server says that the file is still the same: by `If-Range` with a strong ETag (RFC 9110
sections 13.1.5 and 14.2). It then answers 206; else it sends everything again.
"""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import suppress
from pathlib import Path

from mstoken.errors import MstokenError, UnreadableAnswer, UsageError
from mstoken.foreign import ForeignCode
from mstoken.stores.locks import release_nothing, try_lock
from mstoken.typed import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import BinaryIO

    OnBytes = Callable[[int, int | None], object]
    """Called with the bytes so far and their total number, None if it is unknown."""

ON_PROGRESS = ForeignCode("The function on_progress", "Correct the function; the cause is its own error.")
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")


class PartialFile:
    """Receives the file at `url` for `path` (a `protocol.http.BodyReceiver`).

    The content is in `.NAME.part`, and what continues it in `.NAME.part.json`, until `finish`. `offset` is the number
    of bytes so far, `total` that of the file, None if it is unknown. `started` says that the last request's body began.
    """

    def __init__(self, path: str, url: str, on_progress: OnBytes | None, *, resumable: bool) -> None:
        """Take what an earlier download left. Raises UsageError if the file cannot be written."""
        self._path = Path(path).expanduser()
        self._part = part_of(self._path)
        self._notes = self._path.with_name(f".{self._path.name}.part.json")
        self._url = hashlib.sha256(url.encode()).hexdigest()
        self._on_progress, self._resumable = on_progress, resumable
        self._validator = ""
        self._file: BinaryIO | None = None
        self.offset, self.started = 0, False
        self.total: int | None = None
        self._release = release_nothing
        if self._path.exists() and not self._path.is_file():
            raise UsageError(f"{path!r} is not a regular file.", "Name a file, or print the response: > FILE")
        self._lock(path)
        if resumable:
            self._load()

    def _lock(self, path: str) -> None:
        try:
            release = try_lock(f"{self._part}.lock")
        except OSError as error:
            raise self._cannot_write(error) from None
        if release is None:
            raise UsageError(f"Another process is downloading {path!r}.", "Wait for it, or name another file.")
        self._release = release

    def _load(self) -> None:
        try:
            notes = json.loads(self._notes.read_bytes())
            size = self._part.stat().st_size
        except (OSError, ValueError, RecursionError):
            return
        validator = notes.get("etag") if isinstance(notes, dict) and notes.get("url") == self._url else None
        if isinstance(validator, str) and _is_strong(validator):
            self._validator, self.offset = validator, size

    def headers(self) -> dict[str, str]:
        """Return the headers that request the rest; none for the whole file."""
        self.started = False
        if not self.offset or not self._validator:
            return {}
        return {"Range": f"bytes={self.offset}-", "If-Range": self._validator}

    @property
    def can_continue(self) -> bool:
        """Return whether the same download, made again, continues this one."""
        return bool(self._validator) and self.offset > 0

    def accepts(self, status: int, headers: Mapping[str, str]) -> bool:
        """Take the body of a success: the rest, if that was requested and is what came, else the whole file.

        Raises UnreadableAnswer for another part than the rest, and UsageError if the file cannot be written.
        """
        if not 200 <= status < 300:
            return False
        if status == 206 and self._resumable:
            self._continue(headers)
        else:
            self._begin(headers)
        self.started = True
        return True

    def _continue(self, headers: Mapping[str, str]) -> None:
        found = _RANGE.fullmatch(headers.get("content-range", "").strip())
        changed = headers.get("etag", self._validator) != self._validator  # of a server that does not know If-Range
        if found is None or int(found[1]) != self.offset or changed:
            self.forget()
            raise UnreadableAnswer("The server sent another part of the file than the rest.", "Download it again.")
        self.total = None if found[3] == "*" else int(found[3])
        try:
            file = self._opened("r+b")
            file.seek(self.offset)
            file.truncate()
        except OSError as error:
            raise self._cannot_write(error) from None

    def _begin(self, headers: Mapping[str, str]) -> None:
        length, etag = headers.get("content-length", ""), headers.get("etag", "")
        coded = "content-encoding" in headers
        self.offset, self.total = 0, None if coded or not length.isdecimal() else int(length)
        self._validator = etag if self._resumable and _is_strong(etag) and not coded else ""
        try:
            self._notes.unlink(missing_ok=True)
            self._opened("wb")
            if self._validator:
                self._notes.write_text(json.dumps({"url": self._url, "etag": self._validator}))
        except OSError as error:
            raise self._cannot_write(error) from None

    def _opened(self, mode: Literal["r+b", "wb"]) -> BinaryIO:
        self._close_file()
        self._file = self._part.open(mode)
        return self._file

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, piece: bytes) -> None:
        """Append the bytes. Raises UsageError if they cannot be written."""
        assert self._file is not None  # noqa: S101 - `accepts` opened it
        try:
            self._file.write(piece)
        except OSError as error:
            raise self._cannot_write(error) from None
        self.offset += len(piece)
        if self._on_progress is not None:
            with ON_PROGRESS:
                self._on_progress(self.offset, self.total)

    def forget(self) -> None:
        """Begin anew with the next request."""
        self.offset, self._validator = 0, ""

    def finish(self) -> None:
        """Give the file its name: it is complete. Raises UsageError."""
        try:
            self._close_file()
            self._part.replace(self._path)
            self._notes.unlink(missing_ok=True)
        except OSError as error:
            raise self._cannot_write(error) from None

    def close(self) -> None:
        """Keep what a later download can continue; remove the rest. Never raises."""
        with suppress(OSError):
            self._close_file()
        if not self.can_continue:
            with suppress(OSError):
                self._part.unlink(missing_ok=True)
                self._notes.unlink(missing_ok=True)
        self._release()

    def _cannot_write(self, error: OSError) -> MstokenError:
        return UsageError(f"{str(self._path)!r} cannot be written: {error.strerror}.", "Check its path, and the space.")


def _is_strong(etag: str) -> bool:
    """Return whether the ETag says that every byte is the same (RFC 9110 section 8.8.3)."""
    return len(etag) > 2 and etag[0] == etag[-1] == '"' and etag.isascii() and etag.isprintable()


def part_of(path: Path) -> Path:
    """Return where the content so far of the file `path` is."""
    return path.with_name(f".{path.name}.part")
