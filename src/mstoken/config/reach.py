"""Check whether a sign-in host responds, and compare its clock."""

from __future__ import annotations

import time

from mstoken.errors import MstokenError
from mstoken.protocol.http import HttpRequest
from mstoken.protocol.times import http_date
from mstoken.typed import TYPE_CHECKING
from mstoken.values import value

if TYPE_CHECKING:
    from mstoken.authority import Authority
    from mstoken.runtimes.blocking import Transport

ANSWER_IN = 10.0
"""Timeout in seconds for a sign-in host."""


@value
class Reached:
    """The result. `clock_ahead_in` is how many seconds this machine's clock is ahead of the host's; None if unknown.

    `failure` is why there was no response: the error that a token request would raise.
    """

    url: str
    clock_ahead_in: float | None = None
    failure: MstokenError | None = None


def reach(authority: Authority, transport: Transport) -> Reached:
    """GET the authority's public metadata (OpenID Connect Discovery section 4). Any response counts."""
    base = authority.url if authority.tenant else f"{authority.origin}/common"
    url = f"{base}/v2.0/.well-known/openid-configuration"
    if authority.token_url:
        url = authority.origin
    before = time.time()
    try:
        answer = transport.send(HttpRequest("GET", url, timeout_in=ANSWER_IN))
    except MstokenError as error:
        return Reached(authority.origin, failure=error)
    middle = (before + time.time()) / 2
    return Reached(authority.origin, clock_ahead_in=_ahead(middle, answer.headers.get("date", "")))


def _ahead(now: float, date: str) -> float | None:
    """Return how far the clock is ahead. The Date header truncates to seconds: on average it is half a second late."""
    try:
        return round(now - (http_date(date) + 0.5), 1)
    except ValueError:
        return None
