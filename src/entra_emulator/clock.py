"""A clock that can be moved, so that a test need not wait for a token to expire."""

import time
from datetime import UTC, datetime


class Clock:
    """The machine's time plus an offset. Times are epoch seconds, UTC."""

    def __init__(self) -> None:
        self._offset_in = 0.0

    def now(self) -> float:
        """The emulator's time."""
        return time.time() + self._offset_in

    def advance(self, seconds: float) -> None:
        """Move the clock; a negative number moves it back."""
        self._offset_in += seconds


def timestamp(moment: float) -> str:
    """`2026-01-31 12:00:00Z`, the form of `timestamp` in Entra's error answers."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def ticks(moment: float) -> str:
    """`2026-01-31T12:00:00.0000000Z`, the form of times inside Entra's messages: seven decimals."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
