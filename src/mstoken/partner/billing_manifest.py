"""The manifest of an export: its version, its files, and where they are.

Source: learn.microsoft.com/graph/api/resources/partners-billing-manifest. The files are in a storage account, whose
URLs have a signature (SAS) in the query: whoever has it can read them, so it appears in no message and in no file.
"""

from __future__ import annotations

from mstoken.errors import UnreadableAnswer
from mstoken.typed import TYPE_CHECKING, Any
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Mapping

MANIFEST = "manifest.json"
"""The file that keeps the manifest; no file of an export may have its name."""
_AGAIN = "Export again."
_NOT_IN_NAMES = '/\\:?#%*"<>|'
"""Letters that lead elsewhere in a URL or a path, or that Windows has in no name."""


@value
class Manifest:
    """A manifest. `names` are those of its files, `version` its eTag, `content` all of it except the signature."""

    names: tuple[str, ...]
    version: str
    content: Mapping[str, Any]
    root: str
    signature: str = field(secret=True)

    def url(self, name: str) -> str:
        """Return the URL of a file; it contains the signature."""
        return f"{self.place(name)}?{self.signature}"

    def place(self, name: str) -> str:
        """Return the URL of a file without the signature: it stays the same when the signature is renewed."""
        return f"{self.root}/{name}"


def parse_manifest(document: object) -> Manifest:
    """Return the manifest in a response. Raises UnreadableAnswer for one whose files are not clear."""
    found = document if isinstance(document, dict) else {}
    root, signature, version = (found.get(name) for name in ("rootDirectory", "sasToken", "eTag"))
    if not (isinstance(root, str) and isinstance(signature, str) and isinstance(version, str) and version):
        raise UnreadableAnswer("The finished export has no manifest with its files.", _AGAIN)
    if any(letter in root for letter in "?#"):
        raise UnreadableAnswer("The folder in the manifest has a query of its own.", _AGAIN)
    names = _names(found.get("blobs"))
    if found.get("blobCount", len(names)) != len(names):
        raise UnreadableAnswer(f"The manifest counts {found['blobCount']} files and names {len(names)}.", _AGAIN)
    content = {name: entry for name, entry in found.items() if name != "sasToken" and not name.startswith("@")}
    return Manifest(names, version, content, root.rstrip("/"), signature.lstrip("?"))


def _names(blobs: object) -> tuple[str, ...]:
    listed = blobs if isinstance(blobs, list) else []
    names = [blob.get("name") if isinstance(blob, dict) else None for blob in listed]
    if len({str(name).casefold() for name in names}) != len(names) or not all(map(is_plain, names)):
        raise UnreadableAnswer("The manifest names a file that has no place in a folder.", _AGAIN)
    return tuple(map(str, names))


def is_plain(name: object) -> bool:
    """Return whether `name` is one of a file in this folder, on every system, that hides no other of mstoken's."""
    if not isinstance(name, str) or not name or name.startswith(".") or name.casefold() == MANIFEST:
        return False
    return name.isprintable() and not any(letter in name for letter in _NOT_IN_NAMES)
