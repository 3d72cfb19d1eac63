"""The Retry-After header (RFC 9110 section 10.2.3): seconds or a date."""

from __future__ import annotations

LONGEST_IN = 24 * 3600
"""A longer wait, in seconds, is no answer to a caller; it is cut to this."""


def retry_after(value: str, now: float) -> float | None:
    """Seconds to wait from `now` (epoch seconds, UTC), or None where the header is absent or makes no sense.

    Fractions are taken, which RFC 9110 has not and some services send.
    """
    text = value.strip()
    if not text.isascii():
        return None
    if text.isdecimal():
        return min(float(text[:10]), LONGEST_IN)
    try:
        seconds = float(text)
    except ValueError:
        seconds = _until(text, now)
    if not 0 <= seconds < float("inf"):  # NaN, negative, endless, or a date not understood
        return None
    return min(seconds, LONGEST_IN)


def _until(text: str, now: float) -> float:
    from datetime import UTC
    from email.utils import parsedate_to_datetime

    try:
        date = parsedate_to_datetime(text)
        # One of the three forms of a date (RFC 9110 section 5.6.7) names no zone; all of them mean UTC.
        return max(0.0, (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now)
    except (TypeError, ValueError, OverflowError):
        return -1.0
