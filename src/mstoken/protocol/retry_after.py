"""How long a service asks to wait: the Retry-After header (RFC 9110 section 10.2.3), and the headers in its place."""

from __future__ import annotations

import re

from mstoken.protocol.times import seconds_until
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_IN = 24 * 3600
"""Longest wait in seconds. A longer one is of no use to a caller and is cut to this."""
_MILLISECONDS = ("retry-after-ms", "x-ms-retry-after-ms")
_RESETS_AFTER = "x-ms-user-quota-resets-after"


def requested_wait(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds to wait from `now` (epoch seconds, UTC); None if no header says so in a valid form.

    `headers` has lower-case names. Retry-After counts first: seconds or a date; the first number of `5,5`, which a
    proxy that repeats the header makes; 0 for a negative number. Without it, `retry-after-ms` and
    `x-ms-retry-after-ms` count (milliseconds), then Azure Resource Graph's `x-ms-user-quota-resets-after: hh:mm:ss`
    (learn.microsoft.com/azure/governance/resource-graph/concepts/guidance-for-throttled-requests).
    """
    if (text := headers.get("retry-after")) is not None:
        wait = retry_after(text, now)
        number = _lenient(text) if wait is None else wait
        return None if number is None else min(number, LONGEST_IN)
    for name in _MILLISECONDS:
        if (text := headers.get(name)) is not None and (number := _lenient(text)) is not None:
            return min(number / 1000, LONGEST_IN)
    if found := re.fullmatch(r"([0-9]{1,2}):([0-5]?[0-9]):([0-5]?[0-9])(?:\.[0-9]+)?", headers.get(_RESETS_AFTER, "")):
        hours, minutes, seconds = map(int, found.groups())
        return min(3600 * hours + 60 * minutes + seconds, LONGEST_IN)
    return None


def _lenient(text: str) -> float | None:
    """Return the first number of a list of them, 0 for a negative one; None for anything else."""
    found = re.fullmatch(r"(-?)([0-9]{1,40}(?:\.[0-9]{1,40})?)(?:[ \t]*,[ \t]*[-0-9.]+)*", text.strip())
    return (0.0 if found[1] else float(found[2])) if found else None


def retry_after(value: str, now: float) -> float | None:
    """Return the seconds to wait from `now` (epoch seconds, UTC), or None if the header is absent or invalid.

    RFC 9110 allows seconds and dates. Fractions and epoch times, which some services send, are accepted too.
    """
    text = value.strip()
    try:
        return min(max(seconds_until(text, now), 0.0), LONGEST_IN)
    except ValueError:
        return LONGEST_IN if text.isascii() and text.isdecimal() else None
