"""The data files of this package, parsed once."""

from __future__ import annotations

from functools import cache

from mstoken.services.toml_subset import packaged, parse_tables
from mstoken.typed import Any


@cache
def facts(name: str) -> dict[str, dict[str, Any]]:
    """Return the tables of `NAME.toml` beside this module."""
    return parse_tables(packaged(__spec__, f"{name}.toml"))
