"""Standard input: a terminal, a pipe, or closed by the caller (`<&-`), which is as good as empty."""

from __future__ import annotations

import sys


def at_terminal() -> bool:
    """Whether a person would have to type it."""
    return sys.stdin is not None and sys.stdin.isatty()


def read(longest: int = -1) -> bytes:
    """What was piped in, no more than `longest` bytes of it where that is given."""
    return b"" if sys.stdin is None else sys.stdin.buffer.read(longest)
