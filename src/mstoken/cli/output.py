"""What a command says: results on standard output, everything else on standard error."""

from __future__ import annotations

import errno
import sys

from mstoken.messages import printable, write_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import TextIO


def write(text: str) -> None:
    """A result: `text` and a line end, on standard output.

    Raises BrokenPipeError when nobody reads any more, another OSError when it cannot be written.
    """
    stream = _stdout()
    write_line(text, stream)
    stream.flush()


def write_bytes(content: bytes) -> None:
    """A result that is passed on byte for byte. Raises as `write`."""
    stream = _stdout()
    stream.flush()
    stream.buffer.write(content)
    stream.buffer.flush()


def write_json(value: object) -> None:
    """A result as JSON: indented for a person at a terminal, one line for a program.

    Characters that would steer a terminal or turn its text around are escaped (RFC 8259 section 7), and so are lone
    surrogates: a program that reads the JSON gets the same text.
    """
    import json

    indent = 2 if at_terminal() else None
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    if not text.isprintable():
        text = "".join(one if one.isprintable() or one == "\n" else json.dumps(one)[1:-1] for one in text)
    write(text)


def write_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A result as columns, as wide as their content. Headings are for people: left out when a program reads."""
    lines = [[printable(cell) for cell in row] for row in rows]
    if at_terminal():
        lines.insert(0, list(headings))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        write("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def message(text: str) -> None:
    """Something worth knowing that is no result; on standard error. Further lines are indented under the first."""
    write_line(f"mstoken: {printable(text)}".replace("\n", "\n  "), sys.stderr)


def stderr_line(line: str) -> None:
    """A line for people as it is, on standard error."""
    write_line(printable(line), sys.stderr)


def error(problem: str, remedy: str = "", service_message: str = "") -> None:
    """What happened and, indented under it, what the service said and what to do next; on standard error."""
    write_line(f"mstoken: error: {printable(problem)}", sys.stderr)
    if service_message:
        write_line(f"  service: {printable(service_message)}", sys.stderr)
    for line in printable(remedy).splitlines():
        write_line(f"  next: {line}", sys.stderr)


def at_terminal() -> bool:
    """Whether a person reads standard output."""
    return sys.stdout is not None and sys.stdout.isatty()


def _stdout() -> TextIO:
    if sys.stdout is None:  # closed by the caller (`>&-`)
        raise OSError(errno.EBADF, "Standard output is closed")
    return sys.stdout
