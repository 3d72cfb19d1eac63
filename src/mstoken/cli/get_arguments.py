"""Parse the arguments of `mstoken get` without click, which takes longer to import than a cached token takes to print.

Only unambiguous command lines are parsed here. Click handles everything else (help, mistakes, unusual spellings), so
that all messages come from one place.
"""

from __future__ import annotations

from mstoken.cli.options import DEBUG, GET, IDENTITY, GetArguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from mstoken.cli.options import Option

_BY_FLAG = {flag: option for option in (*IDENTITY, *GET, DEBUG) for flag in option.flags}


_UNUSUAL_ENDS = ("\\", "`", "^", ".", "…")


def parse(arguments: Sequence[str]) -> GetArguments | None:
    """Return the arguments as click would parse them; None if click must do it."""
    if not all(map(_is_usual, arguments)):
        return None
    values: dict[str, Any] = {}
    services: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            services.extend(rest)
        elif not argument.startswith("-"):
            services.append(argument)
        else:
            flag, equals, value = argument.partition("=")
            option = _BY_FLAG.get(flag)
            if option is None or (equals and not flag.startswith("--")):
                return None
            if option.kind == "flag":
                if equals:
                    return None
                values[option.name] = True
            elif not _set_value(option, value if equals else next(rest, ""), values):
                return None
    return GetArguments(services=tuple(services), **values)


def _is_usual(argument: str) -> bool:
    """Return whether the argument is UTF-8 and not mangled (`shell_slips`), without imports in the usual case."""
    if argument[-1:] in _UNUSUAL_ENDS or "System." in argument or argument[:1] in ("{", "@"):
        return False
    if argument.isascii():
        return True
    from mstoken.texts import is_encodable

    return is_encodable(argument)


def _set_value(option: Option, value: str, values: dict[str, Any]) -> bool:
    """Store the value; return False if click must parse it."""
    if not value or value.startswith("-"):
        return False
    match option.kind:
        case "multiple":
            values[option.name] = (*values.get(option.name, ()), value)
        case "seconds":
            if not (value.isascii() and value.isdecimal()):
                return False
            values[option.name] = int(value)
        case "choice" if value not in option.choices:
            return False
        case _:
            values[option.name] = value
    return True
