"""Standard input: a terminal, a pipe, or closed by the caller (`<&-`), which counts as empty."""

from __future__ import annotations

import sys


def at_terminal() -> bool:
    """Return whether standard input is a terminal."""
    return sys.stdin is not None and sys.stdin.isatty()


def read_bytes(longest: int = -1) -> bytes:
    """Return the input, at most `longest` bytes of it; all of it if `longest` is -1."""
    return b"" if sys.stdin is None else sys.stdin.buffer.read(longest)


def read_line() -> str:
    """Return the next line that the user types, at most 1,000 characters; '' at the end of the input."""
    return "" if sys.stdin is None else sys.stdin.readline(1000)
