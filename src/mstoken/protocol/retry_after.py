"""The Retry-After header (RFC 9110 section 10.2.3): seconds or a date."""

from __future__ import annotations

from mstoken.protocol.times import seconds_until

LONGEST_IN = 24 * 3600
"""A longer wait, in seconds, is no answer to a caller; it is cut to this."""


def retry_after(value: str, now: float) -> float | None:
    """Seconds to wait from `now` (epoch seconds, UTC), or None where the header is absent or makes no sense.

    RFC 9110 allows seconds and dates; fractions and epochs, which some services send, are read too.
    """
    text = value.strip()
    try:
        return min(max(seconds_until(text, now), 0.0), LONGEST_IN)
    except ValueError:
        return LONGEST_IN if text.isascii() and text.isdecimal() else None
