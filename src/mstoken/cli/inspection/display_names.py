"""Display names for numbers and identifiers in tokens, from `display_names.toml`."""

from __future__ import annotations

from functools import cache


def display_name(table: str, key: str) -> str:
    """Return the name of `key` in `table` of `display_names.toml`; '' if it has none."""
    return _tables()[table].get(key.lower(), "")


@cache
def _tables() -> dict[str, dict[str, str]]:
    import tomllib
    from pathlib import Path

    return tomllib.loads(Path(__file__).with_name("display_names.toml").read_text("utf-8"))
