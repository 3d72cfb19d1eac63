"""Secrets that a `repr` does not show: in the local variables of a traceback, in a debugger, in a dictionary.

    >>> {"client_secret": HiddenText("s3cret")}
    {'client_secret': '…'}

They are text, bytes and dictionaries in every other respect. What is made of them, by a slice or a format, is ordinary
again and shows.
"""

from __future__ import annotations

import os
from _collections_abc import Mapping  # os has loaded it; `collections` would load more

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


class HiddenText(str):
    """Text whose repr is `'…'`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'…'" if self else "''"


class HiddenBytes(bytes):
    """Bytes whose repr is `b'…'`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "b'…'" if self else "b''"


class HiddenDict(dict):  # type: ignore[type-arg] # of any keys and values
    """A dictionary whose repr is `{…}`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "{…}" if self else "{}"


class Environment(Mapping):  # type: ignore[type-arg] # of texts
    """This process's environment, as it is at each look; its repr shows nothing of it."""

    __slots__ = ()

    def __getitem__(self, name: str) -> str:
        return os.environ[name]

    def __iter__(self) -> Iterator[str]:
        return iter(os.environ)

    def __len__(self) -> int:
        return len(os.environ)

    def __repr__(self) -> str:
        return "<the environment>"


ENVIRON: Mapping[str, str] = Environment()


def hidden(secret: Any) -> Any:
    """The same text, bytes or dictionary, with a repr that does not show it; anything else as it is."""
    kind = _HIDDEN.get(type(secret))
    return kind(secret) if kind else secret


_HIDDEN: dict[type, Any] = {str: HiddenText, bytes: HiddenBytes, dict: HiddenDict}
