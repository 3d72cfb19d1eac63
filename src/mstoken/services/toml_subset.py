"""The little TOML that services.toml is written in, read quickly.

Importing tomllib alone costs a third of starting Python, and this data is wanted on the way to a cached token
(docs/decisions/0002). The file therefore keeps to a part of TOML 1.0 that needs no parser: one `key = value` a line;
strings in double quotes without escapes; `true` and `false`; arrays of strings; one level of inline tables of those.
A test reads the file with tomllib too and compares; anybody may edit it as the TOML it is.
"""

from __future__ import annotations

Value = str | bool | tuple[str, ...] | dict[str, "str | tuple[str, ...]"]


def parse_tables(text: str) -> dict[str, dict[str, Value]]:
    """All tables of the text: name -> key -> value. Raises ValueError for a line that is not of the kind above."""
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
    """Every second piece between quotes is a string; what stands before it says whose it is and whether in an array."""
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
