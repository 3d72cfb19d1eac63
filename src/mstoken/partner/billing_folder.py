"""The folder of an export: which of its files are there, and of which version. Everything here may block.

`manifest.json` has the manifest without the signature, and beside it: `export`, what was exported; `files`, the sizes
of the files that are complete; `replaced`, the files of older versions that are still there.
"""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path

from mstoken.errors import UnreadableAnswer, UsageError
from mstoken.partner.billing_manifest import MANIFEST, is_plain
from mstoken.redaction import shown
from mstoken.rest.partial_file import part_of
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mstoken.partner.billing_manifest import Manifest

_PIECE = 1024 * 1024


class ExportFolder:
    """The folder for one export, which is made. `path` is its own, `export` what is exported: kind and parameters.

    The files of an older version are removed when all of the newer one are there: whoever reads the folder would count
    lines twice.
    """

    def __init__(self, folder: str, export: Mapping[str, str]) -> None:
        """Raise UsageError for a folder that cannot be made, or that has another export or somebody's manifest.json."""
        self.path, self._export = Path(folder).expanduser(), dict(export)
        self._state = self._made()
        self._manifest: Manifest | None = None

    def _made(self) -> dict[str, Any]:
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            text = (self.path / MANIFEST).read_bytes()
        except FileNotFoundError:
            return {"eTag": "", "files": {}, "replaced": []}
        except OSError as error:
            told = f"The folder {shown(str(self.path))!r} cannot be used: {error.strerror}."
            raise UsageError(told, "Name another folder.") from None
        state = _parsed(text)
        if state is None or state["export"] != self._export:
            had = "another export" if state else "a manifest.json that is not of mstoken"
            raise UsageError(f"The folder {shown(str(self.path))!r} has {had}.", "Name another folder.")
        return state

    def begin(self, manifest: Manifest) -> tuple[str, ...]:
        """Take the manifest. Return the names of the files that are missing. Raises UsageError."""
        if self._state["eTag"] != manifest.version:
            older = {*self._state["replaced"], *self._state["files"]}
            self._state = {"files": {}, "replaced": sorted(older - set(manifest.names))}
        self._state = {**manifest.content, **self._state, "eTag": manifest.version, "export": self._export}
        sizes, found = self._state["files"], {}
        for name in manifest.names:
            if name in sizes and _size(self.path / name) == sizes[name]:
                found[name] = sizes[name]
        self._state["files"] = found
        self._write()
        return tuple(name for name in manifest.names if name not in found)

    def keep(self, name: str) -> None:
        """Check a file that was downloaded, and note it. Raises UnreadableAnswer for a damaged one, and UsageError."""
        path = self.path / name
        try:
            with gzip.open(path) as file:
                while file.read(_PIECE):
                    pass
        except (OSError, EOFError, zlib.error):
            path.unlink(missing_ok=True)
            told = f"The file {shown(name)!r} is damaged, or not compressed."
            raise UnreadableAnswer(told, "Export again.") from None
        self._state["files"][name] = _size(path)
        self._write()

    def finish(self) -> None:
        """Remove the files of older versions. Raises UsageError."""
        if not self._state["replaced"]:
            return
        try:
            for name in self._state["replaced"]:
                (self.path / name).unlink(missing_ok=True)
        except OSError as error:
            told = f"{str(self.path / name)!r} is of an older version and cannot be removed: {error.strerror}."
            raise UsageError(told, "Remove it.") from None
        self._state["replaced"] = []
        self._write()

    def _write(self) -> None:
        path = self.path / MANIFEST
        try:
            part_of(path).write_text(json.dumps(self._state, indent=2), encoding="utf-8")
            part_of(path).replace(path)
        except OSError as error:
            told = f"{str(path)!r} cannot be written: {error.strerror}."
            raise UsageError(told, "Check the folder, and the space.") from None


def _parsed(text: bytes) -> dict[str, Any] | None:
    """Return what `manifest.json` says, None if it is not one that this module wrote."""
    try:
        state = json.loads(text)
        sizes, older = state["files"], state["replaced"]
        ours = isinstance(state["eTag"], str) and isinstance(sizes, dict) and isinstance(older, list)
        return state if ours and "export" in state and all(map(is_plain, (*sizes, *older))) else None
    except (ValueError, LookupError, TypeError, RecursionError):
        return None


def _size(path: Path) -> int:
    """Return the size of a file in bytes, -1 if it is not there."""
    try:
        return path.stat().st_size
    except OSError:
        return -1
