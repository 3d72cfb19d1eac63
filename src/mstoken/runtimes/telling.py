"""Say something to the person at the program, on standard error."""

from __future__ import annotations

import sys


def tell(text: str) -> None:
    """Write `text` and a line end. What a service wrote loses its control characters, which could steer a terminal."""
    shown = "".join(
        letter if letter.isprintable() or letter == "\n" else "\N{REPLACEMENT CHARACTER}" for letter in text
    )
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(f"{shown}\n")
    except UnicodeEncodeError:
        sys.stderr.write(shown.encode("ascii", "backslashreplace").decode() + "\n")
    sys.stderr.flush()
