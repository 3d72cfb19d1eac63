"""The table of Graph's permissions: the public list if the user has fetched it, else our own.

The file is in the folder of the configuration.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from mstoken.config.folder import config_folder
from mstoken.messages import warn
from mstoken.permissions.requirements import Table, own_table
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mstoken.permissions.public_data import Operations


def table_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the fetched list is, whether or not it exists."""
    return Path(config_folder(environ)) / "graph-permissions.json"


def table() -> Table:
    """Return the fetched list and our own table; our own table alone if there is no list or it cannot be read.

    For an operation in both, our own counts: its order, least privileged first, is set by the rules in graph.toml.
    """
    own = own_table()
    try:
        document = json.loads(table_file().read_text(encoding="utf-8"))
        return Table(
            _merged(document["operations"], own.operations),
            document["dated"],
            {**own.delegated_ids, **document["delegated_ids"]},
            {**own.application_ids, **document["application_ids"]},
            own.by_users | set(document["by_users"]),
        )
    except FileNotFoundError:
        return own
    except (OSError, ValueError, KeyError, TypeError) as error:
        warn(f"{table_file()} cannot be read ({type(error).__name__}). The program's own list is used.")
        return own


def _merged(fetched: Operations, own: Operations) -> Operations:
    return fetched | {path: {**fetched.get(path, {}), **methods} for path, methods in own.items()}
