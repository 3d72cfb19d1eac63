"""The Retry-After header (RFC 9110 section 10.2.3): seconds or a date."""

from __future__ import annotations

from mstoken.protocol.times import seconds_until

LONGEST_IN = 24 * 3600
"""Longest wait in seconds. A longer one is of no use to a caller and is cut to this."""


def retry_after(value: str, now: float) -> float | None:
    """Return the seconds to wait from `now` (epoch seconds, UTC), or None if the header is absent or invalid.

    RFC 9110 allows seconds and dates. Fractions and epoch times, which some services send, are accepted too.
    """
    text = value.strip()
    try:
        return min(max(seconds_until(text, now), 0.0), LONGEST_IN)
    except ValueError:
        return LONGEST_IN if text.isascii() and text.isdecimal() else None
