"""`-F name=value` and `-f name=value`: the body of a request as JSON, as `gh api` builds it (cli.github.com/manual)."""

from __future__ import annotations

import re

from mstoken.cli import standard_input
from mstoken.errors import UsageError
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_KEY = re.compile(r"[^\[\]]+(?:\[[^\[\]]*\])*")
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None}
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")


def json_body(typed: Iterable[str], raw: Iterable[str]) -> dict[str, Any] | None:
    """Return the object of `-F` (`typed`) and `-f` (`raw`) options; None without any.

    A typed value that is true, false, null or a whole number has that type; `@FILE` is a file's text, `@-` standard
    input. `a[b]=1` is a member of an object, `a[]=1` an item of a list. Raises UsageError.
    """
    fields = [(text, True) for text in typed] + [(text, False) for text in raw]
    body: dict[str, Any] = {}
    for text, is_typed in fields:
        key, equals, value = text.partition("=")
        if not equals or not _KEY.fullmatch(key):
            raise UsageError(
                f"A field has the form name=value, not {key!r}.", "For example: -F displayName=Nadia, -F 'tags[]=a'"
            )
        path = [part.rstrip("]") for part in key.split("[")]
        _put(body, path, _value(value) if is_typed else value, key)
    return body if fields else None


def _value(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if text == "@-":
        return _decoded(standard_input.read_bytes(), "Standard input")
    if text.startswith("@"):
        from pathlib import Path

        try:
            return _decoded(Path(text[1:]).expanduser().read_bytes(), repr(text[1:]))
        except OSError as error:
            raise UsageError(f"{text[1:]!r} cannot be read: {error.strerror}.", "Check the path after @.") from None
    return text


def _decoded(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{name} is not text in UTF-8.", "Convert it, or send it as the body: -d '@FILE'.") from None


def _put(target: dict[str, Any], path: list[str], value: Any, key: str) -> None:
    """Put the value at the path; '' in it stands for the list's next item, or for the last one if that lacks the name.

    Raises UsageError for a path that meets a value of another kind, or one that is there already.
    """
    name, rest = path[0], path[1:]
    if not rest:
        if name in target:
            raise UsageError(f"The field {key} is given twice.", f"Give it once, or as a list: '{key}[]=…'.")
        target[name] = value
    elif rest[0]:
        _put(_member(target, name, dict, key), rest, value, key)
    else:
        items = _member(target, name, list, key)
        if len(rest) == 1:
            items.append(value)
        elif not rest[1]:
            raise UsageError(f"The field {key} is a list in a list, which cannot be built.", "Use -d with JSON.")
        else:
            last = items[-1] if items and isinstance(items[-1], dict) and rest[1] not in items[-1] else None
            if last is None:
                last = {}
                items.append(last)
            _put(last, rest[1:], value, key)


def _member(target: dict[str, Any], name: str, kind: type[Any], key: str) -> Any:
    found = target.setdefault(name, kind())
    if not isinstance(found, kind):
        raise UsageError(f"The field {key} meets {name}, which is of another kind.", "Give each field one kind.")
    return found
