"""`mstoken request` beside an API that throttles or fails for a while."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from tests.support.program import Program

from entra_emulator import Emulator


@pytest.fixture(autouse=True)
def _no_limit_stays(entra: Emulator) -> Iterator[None]:
    yield
    entra.throttles.clear()
    entra.faults.clear()


def test_every_page_arrives_from_a_throttled_api(at_entra: Program, entra: Emulator) -> None:
    """Graph allows one of these requests a second: the pages come all the same, each once.

    The cap is below the pause that Graph's headers suggest, so that the requests are refused first.
    """
    entra.throttle(1, 1)
    before = len(entra.requests)
    result = at_entra("request", "GET", "graph:/users?$top=1&$select=id", "--all", "--max-wait", "5")
    assert (result.code, result.err) == (0, "")
    users = [user.id for user in entra.state.default_tenant.users]
    assert [json.loads(line)["id"] for line in result.out.splitlines()] == users
    statuses = [logged.status for logged in entra.requests[before:] if logged.service == "graph"]
    assert (statuses.count(200), statuses.count(429) >= 1) == (len(users), True)


def test_debug_shows_the_waits_that_spare_the_api(at_entra: Program, entra: Emulator) -> None:
    """Half a second, for one percent over the share from which Graph warns. Nothing is refused."""
    entra.throttle(100, 600)
    before = len(entra.requests)
    lines = "".join(json.dumps({"url": "graph:/organization"}) + "\n" for _ in range(82))
    result = at_entra("request", "--stdin", "--debug", stdin=lines)
    assert result.code == 0
    waits = [line for line in result.err.splitlines() if "debug: pace: " in line]
    assert len(waits) == 1
    assert waits[0].endswith("s before the request: 81 % of a limit is used")
    assert {logged.status for logged in entra.requests[before:] if logged.service == "graph"} == {200}


def test_a_long_wait_is_announced(at_entra: Program, entra: Emulator) -> None:
    entra.inject(service="graph", status=503, retry_after_in=3)
    result = at_entra("request", "GET", "graph:/organization")
    url = "https://graph.microsoft.com/v1.0/organization"
    assert (result.code, result.err) == (
        0,
        f"mstoken: GET {url} returned 503. Attempt 2 of 4 follows in 3 seconds.\n",
    )


def test_a_wait_above_the_cap_is_reported(at_entra: Program, entra: Emulator) -> None:
    """With the option that raises it; the exit code is that of a throttled request."""
    entra.inject(service="graph", status=429, retry_after_in=60)
    result = at_entra("request", "GET", "graph:/organization", "--max-wait", "59")
    assert result.code == 5
    assert "asks to wait 60 seconds, longer than the 59 that mstoken waits (--max-wait SECONDS)" in result.err
    assert "Try again in 60 seconds." in result.err


def test_a_write_is_not_repeated_unless_you_say_so(at_entra: Program, entra: Emulator) -> None:
    """504 may come after the service did its work."""
    for option, code, requests in ((), 5, 1), (("--retry-unsafe",), 4, 2):
        entra.inject(service="graph", status=504)
        before = len(entra.requests)
        result = at_entra("request", "POST", "graph:/directoryObjects/getByIds", "-d", "{}", *option)
        assert result.code == code
        assert sum(logged.service == "graph" for logged in entra.requests[before:]) == requests


@pytest.mark.parametrize("arguments", [["--retries", "-1"], ["--retries", "x"], ["--max-wait", "-1"]])
def test_values_out_of_range_are_refused(at_entra: Program, arguments: list[str]) -> None:
    result = at_entra("request", "GET", "graph:/organization", *arguments)
    assert result.code == 2
    assert arguments[0] in result.err
