"""Every kind of exception that foreign code may raise."""

from __future__ import annotations

import asyncio
import builtins
import concurrent.futures
import queue
import ssl
from typing import NoReturn

_ARGUMENTS = {
    UnicodeDecodeError: ("utf-8", b"x", 0, 1, "why"),
    UnicodeEncodeError: ("utf-8", "x", 0, 1, "why"),
    UnicodeTranslateError: ("x", 0, 1, "why"),
    ExceptionGroup: ("several", [ValueError("one of them")]),
}


class Unspeakable(Exception):
    """Its `str` and `repr` raise."""

    def __str__(self) -> NoReturn:
        raise RuntimeError("no text")

    __repr__ = __str__


class Uncopyable(Exception):
    """Can be neither copied nor pickled."""

    def __init__(self, one: object, other: object) -> None:
        super().__init__()
        self.one, self.other = one, other

    def __reduce__(self) -> NoReturn:
        raise TypeError("no copies")


class Hostile(Exception):
    """Its text contains characters that a terminal or a log must not receive."""

    def __str__(self) -> str:
        return "\x1b[2J\r\n" + "x" * 100_000


def ordinary() -> list[Exception]:
    """One of each kind: every Exception of the language, some of the standard library's, and hostile ones."""
    kinds = [kind for kind in vars(builtins).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    made = [kind(*_ARGUMENTS.get(kind, ())) for kind in dict.fromkeys(kinds)]
    others = [concurrent.futures.CancelledError(), queue.Empty(), ssl.SSLError(1, "tls"), OSError(2, "no such file")]
    return [*made, *others, Unspeakable(), Uncopyable(1, 2), Hostile()]


class OwnEnd(BaseException):
    """What a host's own supervisor raises to end a call, as gevent and pytest do."""


ENDS: tuple[type[BaseException], ...] = (KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError, OwnEnd)
"""What is not an Exception ends the program or the task, and is nobody's failure."""
