"""Numbers and dates from servers, in every form that is known, and what is none of them."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.unsigned_tokens import jwt

from mstoken.protocol.jwt import expires_on
from mstoken.protocol.times import numeric_date, seconds_until, server_clock

NOW = 1_767_225_600.0  # 2026-01-01T00:00:00Z


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (3599, 3599),
        (3599.0, 3599),
        ("3599", 3599),
        (" 3599 ", 3599),
        ("3599.0", 3599),
        ("3599.", 3599),
        ("3.599e3", 3599),
        ("3599E+0", 3599),
        (0, 0),
        (999_999_999, 999_999_999),
        (1_767_229_200, 3600),
        (1_767_229_200.0, 3600),
        ("1767229200", 3600),
        ("1767229200.25", 3600.25),
        ("1.7672292e9", 3600),
        (1_767_229_200_000, 3600),
        ("1767229200000", 3600),
        ("1.7672292E12", 3600),
        (1_700_000_000, -67_225_600),
        ("2026-01-01T01:00:00Z", 3600),
        ("2026-01-01t01:00:00z", 3600),
        ("2026-01-01T01:00:00", 3600),
        ("2026-01-01 01:00:00", 3600),
        ("2026-01-01T01:00Z", 3600),
        ("2026-01-01T01:00:00.5Z", 3600.5),
        ("2026-01-01T01:00:00,5Z", 3600.5),
        ("2026-01-01T01:00:00.0000000+00:00", 3600),
        ("2026-01-01T06:30:00+05:30", 3600),
        ("2026-01-01T06:30:00+0530", 3600),
        ("2025-12-31T17:00:00-08", 3600),
        ("2026-01-01 01:00:00 +00:00", 3600),
        ("2026-01-01 01:00:00 UTC", 3600),
        ("20260101T010000Z", 3600),
        ("01/01/2026 01:00:00 AM +00:00", 3600),
        ("1/1/2026 1:00:00 AM +00:00", 3600),
        ("1/1/2026 12:30:00 AM", 1800),
        ("1/1/2026 12:30:00 PM", 45_000),
        ("01/01/2026 13:00:00 +00:00", 46_800),
        ("01/01/2026 3:00:00 AM +02:00", 3600),
        ("12/31/2025 05:00:00 PM -08:00", 3600),
        ("Thu, 01 Jan 2026 01:00:00 GMT", 3600),
        ("Thursday, 01-Jan-26 01:00:00 GMT", 3600),
        ("Thu Jan  1 01:00:00 2026", 3600),
    ],
)
def test_a_time_is_parsed_in_every_form(written: object, seconds: float) -> None:
    """Durations, epochs and dates, as JSON numbers and as text."""
    assert seconds_until(written, NOW) == pytest.approx(seconds, abs=1e-3)


@pytest.mark.parametrize(
    "written",
    [
        None,
        True,
        False,
        "",
        " ",
        "soon",
        "never",
        -1,
        "-1",
        "+3599",
        float("nan"),
        float("inf"),
        "nan",
        "inf",
        "Infinity",
        "1e400",
        10**400,
        10**14,
        "1767225600000000",
        "3_599",
        "3,599",
        "0xE0F",
        "\u0663",
        "3599s",
        "PT1H",
        "01:00:00",
        "2026-13-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-01-01T25:00:00Z",
        "2026-01-01T00:00:00+99:00",
        "2026-01-01",
        "16/01/2026 05:24:12",
        "1/16/2026 13:24:12 PM",
        "1/16/2026 0:24:12 AM",
        "1.16.2026 05:24:12",
        "Thu, 31 Feb 2026 00:00:00 GMT",
        "Thu, ",
        [3599],
        {"seconds": 3599},
        b"3599",
    ],
)
def test_an_invalid_time_is_an_error(written: object) -> None:
    """Nothing is guessed: not with separators, other digits, signs, units or days that no calendar has."""
    with pytest.raises(ValueError, match=r"."):
        seconds_until(written, NOW)


@pytest.mark.parametrize(
    ("written", "epoch"),
    [
        (0, 0),
        (1, 1),
        ("3600", 3600),
        (1_767_225_600_000, NOW),
        (1767225600.5, 1767225600.5),
        ("2026-01-01T00:00Z", NOW),
    ],
)
def test_a_numeric_date_counts_from_the_epoch(written: object, epoch: float) -> None:
    """RFC 7519 section 2: a small number is long ago, and no duration."""
    assert numeric_date(written) == epoch


@pytest.mark.parametrize(
    ("date", "clock"),
    [
        ("Thu, 01 Jan 2026 02:00:00 GMT", NOW + 7200),
        ("Thu, 01 Jan 2026 00:04:59 GMT", NOW),
        ("Wed, 31 Dec 2025 22:00:00 GMT", NOW - 7200),
        ("", NOW),
        ("today", NOW),
    ],
)
def test_the_servers_clock_is_used_if_it_differs_significantly(date: str, clock: float) -> None:
    """A few minutes are the time an answer takes and what clocks are apart."""
    assert server_clock(date, NOW) == clock


@pytest.mark.parametrize(
    ("claims", "end"),
    [
        ({"exp": 1_767_229_200}, 1_767_229_200),
        ({"iat": 1, "exp": 1_767_229_200, "aud": "x"}, 1_767_229_200),
        ({"aud": "x" * 5000, "exp": 1_767_229_200}, 1_767_229_200),
        ({"cnf": {"exp": 1}, "exp": 1_767_229_200}, 1_767_229_200),
        ({"name": '"exp":1,', "exp": 1_767_229_200}, 1_767_229_200),
        ({"name": '{"exp":1,', "exp": 1_767_229_200}, 1_767_229_200),
        ({"name": "?>" * 300 + "\u00ff", "exp": 1_767_229_200.5}, 1_767_229_200.5),
        ({"exp": "soon"}, None),
        ({"exp": None}, None),
        ({"exp": [1]}, None),
        ({"cnf": {"exp": 1}}, None),
        ({}, None),
        ([], None),
    ],
)
def test_the_expiry_of_a_token_is_its_exp_claim(claims: Any, end: float | None) -> None:
    """Found wherever it stands in the payload, and not mistaken for one inside another claim or a text."""
    assert expires_on(jwt(claims)) == end


@pytest.mark.parametrize(
    "token", ["", "opaque", "a.b.c", "ey.b.c", "ey..", "eyJ.{}.x", "eyJhIjoxfQ.e30", "eyJ.a.b.c.d"]
)
def test_only_a_signed_jwt_has_an_expiry(token: str) -> None:
    """Opaque and encrypted tokens say nothing to their clients."""
    assert expires_on(token) is None
