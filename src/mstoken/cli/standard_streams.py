"""Standard input and output of a command that exchanges lines with one program."""

from __future__ import annotations

import os
import sys

from mstoken.errors import UsageError
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import BinaryIO


def take_standard_streams(user: str) -> tuple[BinaryIO, BinaryIO]:
    """Return standard input and output for `user` alone: a command that exchanges lines with one program.

    Programs that mstoken starts, such as az, find empty streams in their place and cannot disturb the lines. Raises
    UsageError if one of the two is closed.
    """
    if sys.stdin is None or sys.stdout is None:
        raise UsageError(f"{user} needs standard input and standard output.", "Start it with pipes.")
    requests = os.fdopen(os.dup(sys.stdin.fileno()), "rb")
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, sys.stdin.fileno())
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)
    return requests, answers
