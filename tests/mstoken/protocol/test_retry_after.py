"""Retry-After: seconds or a date, and what is neither."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from mstoken.protocol.retry_after import LONGEST_IN, requested_wait, retry_after

NOW = 784_111_777.0  # Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110 section 5.6.7


@pytest.fixture(autouse=True, params=["UTC", "America/New_York", "Asia/Kolkata"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Where the machine is does not matter."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        (" 120 ", 120),
        ("5.5", 5.5),
        ("86401", LONGEST_IN),
        ("9" * 5000, LONGEST_IN),
        ("Sun, 06 Nov 1994 08:50:37 GMT", 60),
        ("Sunday, 06-Nov-94 08:50:37 GMT", 60),
        ("Sun Nov  6 08:50:37 1994", 60),
        ("Sun, 06 Nov 1994 08:50:37", 60),
        ("Sun, 06 Nov 1994 03:50:37 -0500", 60),
        ("Sun, 06 Nov 1994 08:48:37 GMT", 0),
        ("1994-11-06T08:50:37Z", 60),
        ("1767225600", LONGEST_IN),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_IN),
    ],
)
def test_seconds_and_dates_become_seconds(value: str, seconds: float) -> None:
    """All three forms of a date, which mean UTC though one does not say so; a time past is now, a long one is cut."""
    assert retry_after(value, NOW) == seconds


@pytest.mark.parametrize(
    "value", ["", "soon", "-5", "nan", "inf", "-inf", "1e999", "0x10", "\u0663", "120, 120", "120;x", "Sun, 31 Feb"]
)
def test_an_invalid_value_is_ignored(value: str) -> None:
    """The usual pauses count then: nobody waits for ever, or not at all, because of a word."""
    assert retry_after(value, NOW) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "Sun, 06 Nov 1994 08:50:37 GMT"}, 60),
        ({"retry-after": "5,5"}, 5),
        ({"retry-after": "120, 30"}, 120),
        ({"retry-after": "-5"}, 0),
        ({"retry-after": "-0.5"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "5,soon"}, None),
        ({"retry-after": "soon", "retry-after-ms": "1500"}, None),
        ({"retry-after": "2", "retry-after-ms": "1500"}, 2),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"x-ms-retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "word", "x-ms-retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "9" * 40}, LONGEST_IN),
        ({"x-ms-user-quota-resets-after": "00:00:05"}, 5),
        ({"x-ms-user-quota-resets-after": "01:02:03"}, 3723),
        ({"x-ms-user-quota-resets-after": "00:00:04.7"}, 4),
        ({"x-ms-user-quota-resets-after": "5"}, None),
        ({"x-ms-user-quota-remaining": "0"}, None),
    ],
)
def test_the_headers_in_place_of_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    """Milliseconds and Resource Graph's quota count without Retry-After; of a repeated header the first value."""
    assert requested_wait(headers, NOW) == seconds
