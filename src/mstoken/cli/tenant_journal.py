"""`--resume FILE`: what became of each tenant, a line of JSON each, so that a run can continue where another ended.

The first line says what was requested. A line is appended by one system call, so a process that is killed leaves whole
lines. The last line may be torn by a full disk or a power failure; it is then cut off.
"""

from __future__ import annotations

import json
import os

from mstoken.errors import UsageError
from mstoken.fleet.outcomes import DONE, UNKNOWN
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mstoken.flows.store_port import Release

_FORMAT = "tenants 1"
_CHUNK = 1 << 16


class Journal:
    """The file of a run. `done` are the tenants that need nothing more, `in_doubt` those that nobody knows of:
    a request that must not be sent twice was sent there, and its result is unknown.

    `request` says what is requested. Raises UsageError if the file cannot be used, or belongs to another request.
    """

    def __init__(self, path: str, request: Mapping[str, Any]) -> None:
        self._path, self._request = os.path.expanduser(path), dict(request)  # noqa: PTH111 - a name for os.open
        self.done: set[str] = set()
        self.in_doubt: set[str] = set()
        try:
            self._unlock = self._lock()
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o600)
            self._read()
        except OSError as error:
            raise UsageError(f"{path!r} cannot be used: {error.strerror}.", "Check the path after --resume.") from None

    def _lock(self) -> Release:
        from mstoken.stores.locks import try_lock

        release = try_lock(f"{self._path}.lock")
        if release is None:
            raise UsageError(f"Another run uses {self._path!r}.", "Wait until it ends, or name another file.")
        return release

    def started(self, tenant: str) -> None:
        """Record that a request that must not be sent twice is about to be sent."""
        self._append({"tenant": tenant, "started": True})

    def finished(self, record: Mapping[str, Any]) -> None:
        """Record a result: a line of the output."""
        self._append(record)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)
        self._unlock()

    def _append(self, record: Mapping[str, Any]) -> None:
        line = json.dumps(record).encode() + b"\n"
        while line:
            line = line[os.write(self._file, line) :]

    def _read(self) -> None:
        """Read what is there, a line at a time; begin the file if it is empty."""
        size, whole = os.fstat(self._file).st_size, 0
        with os.fdopen(os.dup(self._file), "rb") as stream:
            stream.seek(0)
            for number, line in enumerate(stream):
                if not line.endswith(b"\n"):
                    break
                whole += len(line)
                self._take(number, line)
        if whole < size:
            os.ftruncate(self._file, whole)
        if not whole:
            self._append({"format": _FORMAT, "request": self._request})

    def _take(self, number: int, line: bytes) -> None:
        try:
            record = json.loads(line)
            if number == 0:
                self._check(record)
                return
            tenant = str(record["tenant"])
        except (ValueError, LookupError, TypeError, RecursionError):
            raise UsageError(
                f"Line {number + 1} of {self._path!r} is not what --resume wrote.", "Name a new file, or that of a run."
            ) from None
        if record.get("started") or record.get("outcome") == UNKNOWN:
            self.in_doubt.add(tenant)
        else:
            self.in_doubt.discard(tenant)
            if record.get("outcome") == DONE:
                self.done.add(tenant)

    def _check(self, header: Any) -> None:
        if header["format"] != _FORMAT:
            raise ValueError
        if header["request"] != self._request:
            was = header["request"]
            raise UsageError(
                f"{self._path!r} has the results of another request: {was.get('method')} {was.get('url')}.",
                "Repeat the command that began it, with the same identity, or name a new file.",
            )
