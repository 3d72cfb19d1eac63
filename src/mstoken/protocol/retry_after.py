"""The Retry-After header (RFC 9110 section 10.2.3): seconds or a date."""

from __future__ import annotations

LONGEST_IN = 24 * 3600
"""A longer wait, in seconds, is no answer to a caller; it is cut to this."""


def retry_after(value: str, now: float) -> float | None:
    """Seconds to wait from `now` (epoch seconds, UTC), or None where the header is absent or makes no sense."""
    text = value.strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = _until(text, now)
    if not seconds >= 0:  # NaN, negative, or a date not understood
        return None
    return min(seconds, LONGEST_IN)


def _until(text: str, now: float) -> float:
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (TypeError, ValueError, OverflowError):
        return -1.0
