"""Write one profile and keep every other byte of the user's file.

The edit works on the text: the lines of one table are replaced or added to. The result is then parsed, and written only
if it contains the requested settings and no other change. TOML has forms (inline tables, dotted keys, strings of
several lines) that an edit by lines could get wrong.
"""

from __future__ import annotations

import os
import re
import tomllib
from contextlib import suppress

from mstoken.config.folder import config_file, config_folder
from mstoken.config.profiles import names, read_text
from mstoken.errors import StoreError, UsageError
from mstoken.hidden import ENVIRON
from mstoken.redaction import shown
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_HEADER = re.compile(r"\s*\[")
_KEY = re.compile(r"""\s*(?:"([^"\\]*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*=""")


def check_name(name: str) -> None:
    """Raise UsageError for an invalid profile name: the name appears in a file, in commands and in messages."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{shown(name)!r} cannot be the name of a profile.",
            "Use up to 64 letters, digits and _ . @ -, such as work.",
        )


def write_profile(
    name: str, values: Mapping[str, str | bool], without: Iterable[str] = (), environ: Mapping[str, str] = ENVIRON
) -> None:
    """Set `values` in the profile `name`, creating it if necessary, and remove the settings `without` from it.

    Raises UsageError if the file cannot be used or edited safely, StoreError if it cannot be written.
    """
    check_name(name)
    names(environ)  # an unusable file is not written to either, and the error says why
    path, text = config_file(environ), read_text(environ)
    edited = _edited(text, name, values, frozenset(without))
    if _parsed(edited) != _wanted(tomllib.loads(text), name, values, frozenset(without)):
        lines = "\n".join(_line(key, value) for key, value in values.items())
        raise UsageError(
            f"{path} has the profile {name} in a form that cannot be edited safely.",
            f"Add these lines to it yourself:\n{lines}",
        )
    replace_file(path, edited, environ)


def _edited(text: str, name: str, values: Mapping[str, str | bool], without: frozenset[str]) -> str:
    lines = _lines(text)
    header = next((number for number, line in enumerate(lines) if _names(line, name)), None)
    if header is None:
        gap = "\n" if text.strip() else ""
        close = "" if text.endswith("\n") or not text else "\n"
        new = "\n".join([f"[profile.{_quoted_key(name)}]", *(_line(*item) for item in values.items())])
        return f"{text}{close}{gap}{new}\n"
    end = next((n for n in range(header + 1, len(lines)) if _HEADER.match(lines[n])), len(lines))
    body, remaining = [], dict(values)
    last = 0  # after the last setting, so that comments above the next table stay with that table
    for line in lines[header + 1 : end]:
        key = _key(line)
        if key in without or (key in values and key not in remaining):
            continue
        body.append(f"{_line(key, remaining.pop(key))}\n" if key in remaining else _ended(line))
        last = len(body) if key else last
    body[last:last] = [f"{_line(*item)}\n" for item in remaining.items()]
    return "".join([*lines[:header], _ended(lines[header]), *body, *lines[end:]])


def _lines(text: str) -> list[str]:
    """Return the lines with their ends. Only a line feed ends one (toml.io/en/v1.0.0#spec): `str.splitlines` would also
    cut a value at U+0085 or U+2028.
    """
    from io import StringIO

    return list(StringIO(text))


def _names(line: str, name: str) -> bool:
    """Return whether the line is the header of the profile's table, in any of TOML's spellings."""
    if not _HEADER.match(line):
        return False
    return _parsed(line) == {"profile": {name: {}}}


def _key(line: str) -> str:
    match = _KEY.match(line)
    return next(filter(None, match.groups()), "") if match else ""


def _ended(line: str) -> str:
    return line if line.endswith("\n") else f"{line}\n"


def _line(key: str, value: object) -> str:
    return f"{key} = {str(value).lower() if isinstance(value, bool) else _quoted(str(value))}"


def _quoted(value: str) -> str:
    """Return a TOML basic string (toml.io/en/v1.0.0#string): JSON's, except for code points above U+FFFF and DEL."""
    import json

    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _quoted_key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _quoted(name)


def _wanted(
    document: dict[str, Any], name: str, values: Mapping[str, str | bool], without: frozenset[str]
) -> dict[str, Any]:
    profiles = document.setdefault("profile", {})
    existing = {key: value for key, value in profiles.get(name, {}).items() if key not in without}
    profiles[name] = {**existing, **values}
    return document


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def replace_file(path: str, text: str, environ: Mapping[str, str]) -> None:
    """Replace the file with one rename, so that readers and crashes see the old or the new file. Its mode is 0600.

    The configuration says where secrets are, so only its owner may read it. A symbolic link is followed: people keep
    their configuration in a repository and link to it.
    """
    from pathlib import Path

    target = Path(os.path.realpath(path))
    draft = target.with_name(f".{target.name}.{os.urandom(6).hex()}")
    try:
        Path(config_folder(environ)).mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(file, "w", encoding="utf-8", newline="") as stream:  # noqa: PTH123 - a descriptor of ours
            stream.write(text)
            stream.flush()
            os.fsync(file)
        draft.replace(target)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise StoreError(
            f"{path} cannot be written: {error.strerror}.",
            "Make the folder writable, or set MSTOKEN_CONFIG_DIR to another folder.",
        ) from None
