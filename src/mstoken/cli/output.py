"""Output of the commands: results on standard output, everything else on standard error."""

from __future__ import annotations

import errno
import sys

from mstoken.messages import printable, write_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import TextIO


def write(text: str) -> None:
    """Print a result and a line end on standard output.

    Raises BrokenPipeError if the reader has gone, another OSError if the output cannot be written.
    """
    stream = _stdout()
    write_line(text, stream)
    stream.flush()


def write_bytes(content: bytes) -> None:
    """Print a result byte for byte. Raises as `write`."""
    stream = _stdout()
    stream.flush()
    stream.buffer.write(content)
    stream.buffer.flush()


def write_json(value: object) -> None:
    """Print a result as JSON: indented at a terminal, on one line otherwise.

    Lone surrogates, and characters that would steer a terminal or reverse its text, are escaped (RFC 8259 section 7):
    a program reads the same text from the JSON.
    """
    import json

    indent = 2 if at_terminal() else None
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    if not text.isprintable():
        text = "".join(one if one.isprintable() or one == "\n" else json.dumps(one)[1:-1] for one in text)
    write(text)


def write_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a result as columns, as wide as their content; with headings at a terminal only."""
    lines = [[printable(cell) for cell in row] for row in rows]
    if at_terminal():
        lines.insert(0, list(headings))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        write("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def message(text: str) -> None:
    """Print a message for the user on standard error; further lines are indented under the first."""
    write_line(f"mstoken: {printable(text)}".replace("\n", "\n  "), sys.stderr)


def stderr_line(line: str) -> None:
    """Print a line on standard error as it is."""
    write_line(printable(line), sys.stderr)


def error(problem: str, remedy: str = "", service_message: str = "") -> None:
    """Print what happened and, indented under it, the service's message and what to do next; on standard error."""
    write_line(f"mstoken: error: {printable(problem)}", sys.stderr)
    if service_message:
        write_line(f"  service: {printable(service_message)}", sys.stderr)
    for line in printable(remedy).splitlines():
        write_line(f"  next: {line}", sys.stderr)


def at_terminal() -> bool:
    """Return whether standard output is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def _stdout() -> TextIO:
    if sys.stdout is None:  # closed by the caller (`>&-`)
        raise OSError(errno.EBADF, "Standard output is closed")
    return sys.stdout
