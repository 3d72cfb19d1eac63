"""Data files of the package: a fast parser for the subset of TOML that most of them use.

Importing tomllib takes a third of the time that Python takes to start, and a cached token needs this data
(docs/decisions/0002). The file therefore uses a subset of TOML 1.0 that needs no full parser: one `key = value` on each
line; strings in double quotes without escapes; `true` and `false`; arrays of strings; one level of inline tables of
those. A test compares the result with that of tomllib.
"""

from __future__ import annotations

import os

from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

Value = str | bool | tuple[str, ...] | dict[str, "str | tuple[str, ...]"]


def packaged(beside: ModuleSpec, name: str) -> str:
    """Return the text of a data file in the folder of a module, even if the package is in a zip file.

    As pkgutil.get_data does, without importing pkgutil (PEP 302, get_data).
    """
    loader: Any = beside.loader
    data: bytes = loader.get_data(os.path.join(os.path.dirname(beside.origin or ""), name))  # noqa: PTH118, PTH120 - nor pathlib
    return data.decode("utf-8")


def parse_tables(text: str) -> dict[str, dict[str, Value]]:
    """Return the values of all tables, by table name and key. Raises ValueError for a line outside this subset."""
    found: dict[str, dict[str, Value]] = {}
    table: dict[str, Value] = {}
    for line in text.splitlines():
        if line.startswith("["):
            table = found.setdefault(line[1:-1], {})
        elif line and not line.startswith("#"):
            key, equals, value = line.partition(" = ")
            if not equals:
                raise ValueError(f"not a key and a value: {line}")
            table[key] = _value(value)
    return found


def _value(text: str) -> Value:
    first, last = text[0], text[-1]
    if first == last == '"' and text.count('"') == 2 and "\\" not in text:
        return text[1:-1]
    if first == "[" and last == "]" and "\\" not in text:
        return tuple(text.split('"')[1::2])
    if first == "{" and last == "}" and "\\" not in text:
        return _inline(text[1:-1])
    if text in {"true", "false"}:
        return text == "true"
    raise ValueError(f"not a value services.toml may hold: {text}")


def _inline(text: str) -> dict[str, str | tuple[str, ...]]:
    """Return an inline table. Every second piece between quotes is a string; the text before it has its key and `[`."""
    pieces = text.split('"')
    table: dict[str, str | tuple[str, ...]] = {}
    key = ""
    for before, string in zip(pieces[::2], pieces[1::2], strict=False):
        name, equals, opening = before.partition("=")
        if equals:
            key = name.strip(" ,]")
            table[key] = (string,) if "[" in opening else string
        else:
            earlier = table[key]
            table[key] = (*earlier, string) if isinstance(earlier, tuple) else string
    return table
