"""The line on standard error that shows how far something is, if that is a terminal; and ^C while it is there."""

from __future__ import annotations

import sys
import time

from mstoken.cli import output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

_EVERY_IN = 0.1
"""Seconds between two drawings of the line."""
_BAR = 20
_UNITS = ("bytes", "kB", "MB", "GB", "TB")


class StatusLine:
    """One line that is drawn over and over; nothing stays of it. Without a terminal it draws nothing.

    In a `with` block, ^C raises KeyboardInterrupt, where elsewhere it ends the process without a word; messages come
    above the line.
    """

    def __init__(self) -> None:
        self._shows = sys.stderr is not None and sys.stderr.isatty()
        self._drawn_on, self._width = 0.0, 0

    @property
    def due(self) -> bool:
        """Return whether it is time for the next drawing."""
        return self._shows and time.monotonic() - self._drawn_on >= _EVERY_IN

    def draw(self, text: str) -> None:
        """Draw the line, cut to the width of the terminal."""
        if not self._shows:
            return
        import shutil

        self._drawn_on = time.monotonic()
        text = text[: shutil.get_terminal_size().columns - 1]
        sys.stderr.write(f"\r{text.ljust(self._width)}")
        sys.stderr.flush()
        self._width = len(text)

    def erase(self) -> None:
        """Make room for other output; the next drawing comes at once."""
        if self._width:
            sys.stderr.write(f"\r{' ' * self._width}\r")
            sys.stderr.flush()
            self._width, self._drawn_on = 0, 0.0

    def message(self, text: str) -> None:
        """Print a message above the line."""
        self.erase()
        output.message(text)

    def __enter__(self) -> Self:
        import signal

        from mstoken.messages import set_handler

        set_handler(self.message)
        self._handler_before = signal.signal(signal.SIGINT, signal.default_int_handler)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        import signal

        from mstoken.messages import set_handler

        self.erase()
        set_handler(output.message)
        signal.signal(signal.SIGINT, self._handler_before)


class Transfer(StatusLine):
    """The line of a download or an upload: a bar, bytes, their rate and the time left. `show` is its `on_progress`."""

    def __init__(self) -> None:
        super().__init__()
        self._began_on, self._first = time.monotonic(), -1

    def show(self, done: int, total: int | None) -> None:
        """Show how many bytes of how many there are. Those of an earlier run do not count for the rate."""
        if self._first < 0:
            self._began_on, self._first = time.monotonic(), done
        if self.due:
            self.draw(self._text(done, total, time.monotonic() - self._began_on))

    def _text(self, done: int, total: int | None, seconds: float) -> str:
        rate = (done - self._first) / seconds if seconds > 0 else 0.0
        speed = f"{_size(rate)}/s"
        if not total:
            return f"{_size(done)}, {speed}"
        left = f", {(total - done) / rate:.0f} s left" if rate and done < total else ""
        return f"{bar(done, total)} {_size(done)} of {_size(total)}, {speed}{left}"


def bar(done: int, total: int) -> str:
    """Return a bar of text that is filled in the proportion of `done` to `total`."""
    filled = _BAR * done // total
    return f"[{'#' * filled}{'.' * (_BAR - filled)}]"


def _size(number: float) -> str:
    """Return a number of bytes with three digits or so and its unit (1 kB is 1000 bytes, as in IEC 80000-13)."""
    for unit in _UNITS:
        if number < 1000 or unit == _UNITS[-1]:
            break
        number /= 1000
    return f"{number:.0f} {unit}" if unit == "bytes" or number >= 100 else f"{number:.1f} {unit}"
