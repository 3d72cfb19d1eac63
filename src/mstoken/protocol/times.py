"""Numbers and dates as servers write them: one parser for all of them.

    3599, "3599", 3599.0, "3.599e3"                      seconds from now
    1767225600, "1767225600.5"                           epoch seconds, UTC
    1767225600000                                        epoch milliseconds, UTC
    "2026-01-01T01:00:00+01:00", "2026-01-01 00:00:00Z"  ISO 8601; UTC when no offset is given
    "1/16/2020 5:24:12 AM +00:00", "01/16/2020 05:24:12" App Service, API version 2017-09-01
    "Thu, 01 Jan 2026 00:00:00 GMT"                      HTTP-date (RFC 9110 section 5.6.7)

The size of a number determines its meaning: no token lives for 31 years (10**9 seconds), and the epoch passed 10**9
seconds in 2001. Other values raise ValueError; nothing is guessed.
"""

from __future__ import annotations

import re

from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

CLOCK_SKEW_IN = 300
"""Seconds by which this machine's clock may differ from a server's before the difference matters."""

_EPOCH_FROM = 10**9
_MILLISECONDS_FROM = 10**11
"""In seconds this is the year 5138; in milliseconds, 1973."""
_TOO_LARGE = 10**14
_NUMBER = r"[0-9]{1,40}(?:\.[0-9]{0,40})?(?:[eE][+-]?[0-9]{1,3})?"
_OFFSET = r"(?P<offset> ?(?:Z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?))?"
_ISO = rf"(?P<day>[0-9]{{4}}-?[0-9]{{2}}-?[0-9]{{2}})[T ](?P<clock>[0-9:]{{4,8}}(?:[.,][0-9]{{1,9}})?){_OFFSET}"
_OF_2017 = (
    rf"(?P<month>[0-9]{{1,2}})/(?P<day>[0-9]{{1,2}})/(?P<year>[0-9]{{4}}) "
    rf"(?P<hour>[0-9]{{1,2}}):(?P<minute>[0-9]{{2}}):(?P<second>[0-9]{{2}})(?: (?P<half>[AP]M))?{_OFFSET}"
)
_DAY_NAME = r"(?:MON|TUE|WED|THU|FRI|SAT|SUN)[A-Z]{0,6},? "
"""Compiled at their first use: most responses have no date that is read, and compiling takes time at every start."""


def seconds_until(written: object, now: float) -> float:
    """Return the seconds from `now` (epoch seconds, UTC) to the time that a server wrote; negative for a past time.

    Raises ValueError for anything that is not a time.
    """
    seconds, since_epoch = time_in(written)
    return seconds - now if since_epoch else seconds


def time_in(written: object) -> tuple[float, bool]:
    """Return (seconds, whether they count from the epoch in UTC rather than from now). Raises ValueError."""
    number = number_in(written)
    if number is None:
        return _date(str(written)).timestamp(), True
    if number < _EPOCH_FROM:
        return number, False
    return epoch_seconds(number), True


def numeric_date(written: object) -> float:
    """Return epoch seconds, UTC, of a claim such as `exp` (NumericDate, RFC 7519 section 2), which is never a duration.

    Epoch milliseconds and dates are accepted too. Raises ValueError.
    """
    number = number_in(written)
    return _date(str(written)).timestamp() if number is None else epoch_seconds(number)


def epoch_seconds(number: float) -> float:
    """Convert an epoch time in seconds or milliseconds to seconds. Raises ValueError."""
    if number >= _TOO_LARGE:
        raise ValueError("a number too large for a time")
    return number if number < _MILLISECONDS_FROM else number / 1000


def number_in(written: object) -> float | None:
    """Return a non-negative number from a number or text; None for text that may be a date. Raises ValueError."""
    if isinstance(written, str):
        text = written.strip()
        if not (text.isascii() and text.isdecimal() and len(text) <= 40) and not re.fullmatch(_NUMBER, text):
            return None
        number = float(text)
    elif isinstance(written, int | float) and not isinstance(written, bool):
        number = written
    else:
        raise ValueError("neither a number nor text")  # noqa: TRY004 - a server's mistake, not a caller's
    if not 0 <= number < 1e300:  # excludes NaN too
        raise ValueError("a number that is no time")
    return number


def http_date(text: str) -> float:
    """Return epoch seconds, UTC, of a header such as Date, in any of the three forms. Raises ValueError."""
    return _date(text).timestamp()


def server_clock(date: str, now: float) -> float:
    """Return the server's time by its Date header if it differs notably from `now`; else `now`. Epoch seconds, UTC."""
    try:
        server_time = http_date(date) if date else now
    except ValueError:
        return now
    return server_time if abs(server_time - now) > CLOCK_SKEW_IN else now


def _date(text: str) -> datetime:
    """Parse a date with its offset. Raises ValueError."""
    from datetime import UTC, datetime

    upper = text.strip().upper()
    if not upper.isascii():
        raise ValueError("not a date")
    if found := re.fullmatch(_ISO, upper):
        offset = (found["offset"] or "Z").strip().replace("UTC", "Z").replace("GMT", "Z")
        return datetime.fromisoformat(f"{found['day']}T{found['clock']}{offset}")
    if found := re.fullmatch(_OF_2017, upper):
        return _date(_as_iso(found))
    if not re.match(_DAY_NAME, upper):
        raise ValueError("not a date")
    from email.utils import parsedate_to_datetime

    try:
        parsed = parsedate_to_datetime(text.strip())
    except (TypeError, OverflowError):
        raise ValueError("not a date") from None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)  # asctime names no zone and means UTC


def _as_iso(found: re.Match[str]) -> str:
    """Parse month/day/year, with a 24-hour clock or a 12-hour clock with AM and PM."""
    hour = int(found["hour"])
    if found["half"]:
        if not 1 <= hour <= 12:
            raise ValueError("not an hour of the morning or the afternoon")
        hour = hour % 12 + (12 if found["half"] == "PM" else 0)
    day = f"{found['year']}-{int(found['month']):02}-{int(found['day']):02}"
    return f"{day}T{hour:02}:{found['minute']}:{found['second']}{found['offset'] or 'Z'}"
