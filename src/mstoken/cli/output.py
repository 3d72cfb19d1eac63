"""Output of the commands: results on standard output, everything else on standard error."""

from __future__ import annotations

import errno
import io
import os
import re
import sys

from mstoken.messages import printable, write_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any, TextIO

    from mstoken.errors import MstokenError


_MIN_COLUMN = 8
"""Characters; a column is not wrapped into fewer."""


class _State:
    """How errors are printed, and the messages that wait for one."""

    as_json = False

    def __init__(self) -> None:
        self.held: list[str] = []
        self.on_wait: Callable[[int], None] | None = None


_state = _State()


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
    """Print a result as JSON in ASCII: indented at a terminal, on one line otherwise.

    Every other character is escaped (RFC 8259 section 7). A program reads the same text whatever encoding the output
    has and whatever code page the reader expects, and no character steers a terminal or reverses its text.
    """
    import json

    text = json.dumps(value, indent=2 if at_terminal() else None)
    write(text.replace("\x7f", "\\u007f"))  # the only other control character that json leaves as it is


def write_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a result as columns; at a terminal, with headings and no wider than the terminal."""
    lines = [[printable(cell) for cell in row] for row in rows]
    if at_terminal():
        lines.insert(0, list(headings))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    if at_terminal() and lines:
        lines, widths = _fitted(lines, widths)
    for line in lines:
        write("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _fitted(lines: list[list[str]], widths: list[int]) -> tuple[list[list[str]], list[int]]:
    """Return the lines and widths that fit the terminal: the widest columns are wrapped, nothing is left out."""
    import shutil
    import textwrap
    from itertools import zip_longest

    room = shutil.get_terminal_size().columns - 2 * (len(widths) - 1)
    widths = widths[:]
    while sum(widths) > room and max(widths) > _MIN_COLUMN:
        widths[widths.index(max(widths))] -= 1
    fitted: list[list[str]] = []
    for line in lines:
        cells = [textwrap.wrap(cell, width) or [""] for cell, width in zip(line, widths, strict=True)]
        fitted += [list(row) for row in zip_longest(*cells, fillvalue="")]
    return fitted, widths


def print_errors_as_json() -> None:
    """Print an error as one JSON object from now on. Messages before it wait, so that it stands alone."""
    _state.as_json = True


def print_held_messages() -> None:
    """Print the messages that waited for an error, if none came."""
    _state.as_json, messages = False, _state.held[:]
    _state.held.clear()
    for text in messages:
        message(text)


def escape_unencodable() -> None:
    """Escape characters that standard output cannot encode from now on; Python's own choice is an exception."""
    if sys.stdout is not None and sys.stdout.errors == "strict" and isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def debug(step: str) -> None:
    """Print a step on standard error (`--debug`)."""
    write_line(f"mstoken: debug: {step}", sys.stderr)


LABEL_WIDTH = 13


def write_labelled(label: str, text: str) -> None:
    """Print a label and a text on one line; at a terminal, wrap it and indent the rest."""
    head, text = f"  {label:<{LABEL_WIDTH}}", printable(text).replace("\n", " ")
    if at_terminal():
        import shutil
        import textwrap

        text = textwrap.fill(
            text,
            max(40, shutil.get_terminal_size().columns),
            initial_indent=head,
            subsequent_indent=" " * len(head),
            break_long_words=False,
            break_on_hyphens=False,
        )
    else:
        text = head + text
    write(text)


def message(text: str) -> None:
    """Print a message for the user on standard error; further lines are indented under the first.

    With errors as JSON, it waits for `print_held_messages`; an error contains it.
    """
    if _state.as_json:
        _state.held.append(printable(text))
        return
    write_line(f"mstoken: {printable(text)}".replace("\n", "\n  "), sys.stderr)


def report_waits(handler: Callable[[int], None]) -> None:
    """Pass the seconds of `waiting` to `handler`, which shows progress."""
    _state.on_wait = handler


def waiting(seconds: int) -> None:
    """Report that the command now waits for a person, for so many seconds at most; a terminal shows nothing."""
    if _state.on_wait is not None:
        _state.on_wait(seconds)


def stderr_line(line: str) -> None:
    """Print a line on standard error as it is."""
    write_line(printable(line), sys.stderr)


def failure(problem: MstokenError, exit_code: int) -> None:
    """Print an error of the library on standard error: as `error` does, with its fields in JSON."""
    error(
        problem.message,
        problem.remedy,
        problem.service_message,
        unnamed_id=problem.unnamed_id,
        **_fields_of(problem, exit_code),
    )


def failure_record(problem: MstokenError, exit_code: int) -> dict[str, object]:
    """Return the JSON object that `failure` prints with `-o json`, without messages that waited."""
    return error_record(problem.message, problem.remedy, problem.service_message, **_fields_of(problem, exit_code))


def _fields_of(problem: MstokenError, exit_code: int) -> dict[str, Any]:
    refusal = getattr(problem, "refusal", None)
    codes = refusal.codes if refusal else ()
    permission = getattr(problem, "permission", None)
    return {
        **({"permission": permission} if permission else {}),
        "kind": re.sub("(?<!^)(?=[A-Z])", "_", type(problem).__name__).lower(),
        "code": codes[0] if codes else (refusal.error if refusal else getattr(problem, "code", "")) or None,
        "suberror": (refusal.suberror if refusal else "") or None,
        "correlation_id": (refusal.correlation_id if refusal else "") or problem.request_id or None,
        "retry_in": getattr(problem, "retry_in", None),
        "exit_code": exit_code,
    }


def error(
    problem: str,
    remedy: str = "",
    service_message: str = "",
    *,
    kind: str = "usage_error",
    unnamed_id: str = "",
    **fields: object,
) -> None:
    """Print what happened and, indented under it, the service's message and what to do next; on standard error.

    `unnamed_id` is the request's id if no other text contains it. `kind` and `fields` appear in JSON only.
    """
    if _state.as_json:
        _json_error(kind, problem, remedy, service_message, fields)
        return
    write_line(f"mstoken: error: {printable(problem)}", sys.stderr)
    if service_message:
        write_line(f"  service: {printable(service_message)}", sys.stderr)
    if unnamed_id:
        write_line(f"  client-request-id: {unnamed_id}", sys.stderr)
    for line in printable(remedy).splitlines():
        write_line(f"  next: {line}", sys.stderr)


def _json_error(kind: str, problem: str, remedy: str, service_message: str, fields: Mapping[str, object]) -> None:
    import json

    notes = _state.held[:]
    _state.held.clear()
    record = error_record(problem, remedy, service_message, kind=kind, **fields)
    write_line(json.dumps({**record, "notes": notes}), sys.stderr)


def error_record(
    problem: str, remedy: str = "", service_message: str = "", *, kind: str = "usage_error", **fields: object
) -> dict[str, object]:
    """Return an error as a JSON object; a field that is unknown is null."""
    command = re.search(r"`([^`]+)`|((?:mstoken|az) [^\n]+)", remedy)
    record: dict[str, object] = {
        "kind": kind,
        "code": None,
        "suberror": None,
        "message": problem,
        "service_message": service_message or None,
        "remedy": remedy or None,
        "command": (command[1] or command[2]) if command else None,
        "correlation_id": None,
        "retry_in": None,
        "exit_code": None,
        "notes": [],
    }
    return {**record, **fields}


def start_line(printed: bytes) -> None:
    """End the line of `printed` results before a message, if both streams lead to the same place: 2>&1."""
    if not printed or printed.endswith(b"\n") or at_terminal() or sys.stdout is None or sys.stderr is None:
        return
    try:
        files = [os.fstat(stream.fileno()) for stream in (sys.stdout, sys.stderr)]
    except (OSError, ValueError):
        return
    if os.path.samestat(*files):
        write_line("", sys.stderr)


def at_terminal() -> bool:
    """Return whether standard output is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def _stdout() -> TextIO:
    if sys.stdout is None:  # closed by the caller (`>&-`)
        raise OSError(errno.EBADF, "Standard output is closed")
    return sys.stdout
