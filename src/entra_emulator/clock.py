"""An adjustable clock, so that a test need not wait for a token to expire."""

import time
from contextvars import ContextVar
from datetime import UTC, datetime

_machine_time = time.time
"""The machine's own clock, also in a test that moves `time.time` (the fixture `entra_clock`)."""

_skew_in: ContextVar[float] = ContextVar("skew_in", default=0.0)


class Clock:
    """The machine's time plus an offset. Times are epoch seconds, UTC."""

    def __init__(self, offset_in: float = 0.0) -> None:
        self.offset_in = offset_in

    def now(self) -> float:
        """The emulator's time."""
        return _machine_time() + self.offset_in + _skew_in.get()

    def skew(self, seconds: float) -> None:
        """Set the clock ahead for the current request only (each request has a context of its own)."""
        _skew_in.set(seconds)

    def advance(self, seconds: float) -> None:
        """Advance the clock; a negative number sets it back."""
        self.offset_in += seconds


def timestamp(moment: float) -> str:
    """Return `2026-01-31 12:00:00Z`, the form of `timestamp` in Entra's error responses."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def ticks(moment: float) -> str:
    """Return `2026-01-31T12:00:00.0000000Z`, the form of times in Entra's messages, with seven decimals."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
