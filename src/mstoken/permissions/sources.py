"""The public data sets of permissions and roles: where they are, under which license, and what mstoken makes of them.

A data set becomes one JSON document in the form of our own tables, with its source and license: the MIT license asks
that its notice stays with every copy.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache

from mstoken.errors import UsageError
from mstoken.permissions.public_data import condensed, consented_by_users, permission_ids
from mstoken.permissions.public_roles import condensed_roles
from mstoken.typed import TYPE_CHECKING, Any
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_FILE = 64 * 1024 * 1024
"""Bytes of one public file; the largest has 3 MB."""


@value
class Source:
    """A data set. `folder` ends with a slash; `stored_as` is the name of the file that is made of `files`."""

    name: str
    what: str
    folder: str
    files: tuple[str, ...]
    license: str
    copyright: str
    license_at: str
    stored_as: str


@value
class Fetched:
    """A data set as it was fetched. `addresses` has the address of each file, `contents` its bytes, by file name."""

    source: Source
    addresses: Mapping[str, str]
    contents: Mapping[str, bytes] = field(repr=False)

    def checksums(self) -> dict[str, str]:
        """Return the SHA-256 of each file, in hexadecimal digits."""
        return {name: hashlib.sha256(content).hexdigest() for name, content in self.contents.items()}

    def document(self, day: str) -> dict[str, Any]:
        """Return what is stored; `day` (YYYY-MM-DD) is when it was fetched. Raises UsageError for other files."""
        parsed = {name: _parsed(name, content) for name, content in self.contents.items()}
        return {
            "dated": day,
            "source": {
                "addresses": list(self.addresses.values()),
                "sha256": self.checksums(),
                "license": self.source.license,
                "copyright": self.source.copyright,
                "license_at": self.source.license_at,
            },
            **_FORMS[self.source.name](*(parsed[name] for name in self.source.files)),
        }


@cache
def sources() -> dict[str, Source]:
    """Return the data sets by name."""
    import tomllib
    from pathlib import Path

    tables = tomllib.loads((Path(__file__).parent / "sources.toml").read_text(encoding="utf-8"))
    return {name: Source(name, **{**table, "files": tuple(table["files"])}) for name, table in tables.items()}


def size_of(document: Mapping[str, Any]) -> str:
    """Return in words how much a stored document has."""
    if roles := document.get("roles"):
        return f"{len(roles):,} roles"
    operations = document["operations"]
    return f"{len(operations):,} paths, {sum(map(len, operations.values())):,} operations"


def _graph(permissions: Any, deployments: Any) -> dict[str, Any]:
    return {
        "operations": condensed(permissions),
        "delegated_ids": permission_ids(deployments, permissions, "DelegatedWork"),
        "application_ids": permission_ids(deployments, permissions, "Application"),
        "by_users": consented_by_users(permissions),
    }


def _azure(roles: Any) -> dict[str, Any]:
    return {"roles": condensed_roles(roles)}


_FORMS: dict[str, Callable[..., dict[str, Any]]] = {"graph": _graph, "azure": _azure}


def _parsed(name: str, content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise UsageError(f"{name} is not JSON.", "Fetch the file itself, not the page that shows it.") from None
