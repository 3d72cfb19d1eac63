"""Messages to the person who runs the program: warnings, prompts, and the printing of both on standard error."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

_handlers: list[Callable[[str], None]] = []
_audience = ["python"]


def advise_the_shell() -> None:
    """Word advice for the command line from now on, not for a Python program."""
    _audience[:] = ["shell"]


class ShellAdvice:
    """A context manager: advice is worded for the command line, because people start the program that calls here."""

    def __enter__(self) -> None:
        self._before = _audience[:]
        advise_the_shell()

    def __exit__(self, *_: object) -> None:
        _audience[:] = self._before


def advice(*, options: str, python: str) -> str:
    """Return the advice in the words of whoever reads it: options of a command, or arguments of a call."""
    return options if reader_is_at_the_shell() else python


def reader_is_at_the_shell() -> bool:
    """Return whether the command line runs, and not a Python program."""
    return _audience == ["shell"]


def set_handler(handler: Callable[[str], None]) -> None:
    """Pass warnings to `handler` instead of logging them; the command line prints them on standard error."""
    _handlers[:] = [handler]


def warn(text: str) -> None:
    """Warn about something that did not fail the call, in one sentence without secrets; the logger is `mstoken`."""
    text = printable(text)
    if _handlers:
        _handlers[0](text)
        return
    import logging  # takes half as long to import as Python takes to start, and warnings are rare

    logging.getLogger("mstoken").warning("%s", text)


def show(text: str) -> None:
    """Print `text` and a line end on standard error: a prompt that the person has to see now."""
    write_line(printable(text), sys.stderr)
    if sys.stderr is not None:
        sys.stderr.flush()


def printable(text: str) -> str:
    """Replace what is neither visible nor a line end, since a server's words must not steer the terminal.

    That is control characters (C0, C1), format characters that turn text around or hide it (Unicode section 23.2),
    surrogates and unassigned characters. Blanks of other kinds become spaces.
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() or letter == "\n" else _stand_in(letter) for letter in text)


def _stand_in(letter: str) -> str:
    return " " if letter.isspace() and letter >= "\xa0" else "\N{REPLACEMENT CHARACTER}"


def write_line(text: str, stream: TextIO | None) -> None:
    """Write `text` and a line end to `stream`; do nothing for None, a stream that the caller closed."""
    if stream is None:
        return
    try:
        stream.write(text + "\n")
    except UnicodeEncodeError:  # a terminal that is not UTF-8: what it cannot show is escaped, not fatal
        stream.write(text.encode(stream.encoding, "backslashreplace").decode(stream.encoding) + "\n")
