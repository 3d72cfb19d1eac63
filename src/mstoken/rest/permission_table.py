"""What is known of permissions and roles: the public data sets if the user has fetched them, and our own tables.

`mstoken permissions update` stores the public ones in the folder of the configuration.
"""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path

from mstoken.config.folder import config_folder
from mstoken.messages import warn
from mstoken.permissions.azure_roles import known_roles, read_roles
from mstoken.permissions.requirements import Table, own_table
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mstoken.permissions.azure_roles import Role
    from mstoken.permissions.public_data import Operations

GRAPH_FILE, AZURE_FILE = "graph-permissions.json", "azure-roles.json"
"""The `stored_as` of permissions/sources.toml."""


def stored_file(name: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Where a fetched data set is, whether or not it exists."""
    return Path(config_folder(environ)) / name


def table() -> Table:
    """Return the fetched list and our own table; our own table alone if there is no list or it cannot be read.

    For an operation in both, our own counts: its order, least privileged first, is set by the rules in graph.toml.
    """
    return _table(*_mark(stored_file(GRAPH_FILE)))


def all_roles() -> tuple[Role, ...]:
    """Return our own roles and then those of the fetched list; our own alone if there is no list that can be read."""
    return _roles(*_mark(stored_file(AZURE_FILE)))


@cache
def _table(path: Path, _: int, __: int) -> Table:
    own = own_table()
    try:
        document = _document(path)
        if not document:
            return own
        return Table(
            _merged(document["operations"], own.operations),
            str(document["dated"]),
            {**document["delegated_ids"], **own.delegated_ids},
            {**document["application_ids"], **own.application_ids},
            own.by_users | set(document["by_users"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        _warn(path, error)
        return own


@cache
def _roles(path: Path, _: int, __: int) -> tuple[Role, ...]:
    own = known_roles()
    names = {role.name for role in own}
    try:
        fetched = read_roles(_document(path).get("roles", {}))
    except (OSError, ValueError, TypeError, AttributeError) as error:
        _warn(path, error)
        return own
    return (*own, *(role for role in fetched if role.name not in names))


def _mark(path: Path) -> tuple[Path, int, int]:
    """Return the path with what changes when the file does, so that a file is read once."""
    try:
        found = path.stat()
    except OSError:
        return path, 0, 0
    return path, found.st_mtime_ns, found.st_size


def _document(path: Path) -> dict[str, Any]:
    """Return the stored document; an empty one if there is none."""
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return document


def _warn(path: Path, error: Exception) -> None:
    warn(
        f"{path} cannot be read ({type(error).__name__}), so mstoken's own table is used. To fetch it again: "
        "mstoken permissions update"
    )


def _merged(fetched: Operations, own: Operations) -> Operations:
    return fetched | {path: {**fetched.get(path, {}), **methods} for path, methods in own.items()}
