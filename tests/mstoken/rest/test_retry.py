"""Which requests are repeated after which responses, and after which wait."""

from __future__ import annotations

import itertools
import logging
import time
from email.utils import formatdate
from typing import Any

import pytest
from tests.support.fake_clock import use_fake_clock
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT, RecordedRequest, Reply, TokenService, token_reply

from mstoken import ClientSecret, RefreshToken, Throttled, TransportError, UsageError

READS = ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]
WRITES = ["POST", "PATCH"]
LOST = Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut")
"""Cut off in the body: without a byte of the response, the transport itself sends a request again that it may."""
WAIT = {"Retry-After": "9"}


class Api:
    """A client and an API that gives `replies` one after the other; the last one stays."""

    def __init__(self, runner: Runner, service: TokenService, *replies: Reply, credential: Any = None) -> None:
        self.runner, self.service = runner, service
        self.requests: list[RecordedRequest] = []
        left = itertools.chain(replies, itertools.repeat(replies[-1]))

        def answer(request: RecordedRequest) -> Reply:
            if request.path.endswith("/token"):
                return token_reply()
            self.requests.append(request)
            return next(left)

        service.script = [answer]
        self.client = runner.client(TENANT, CLIENT_ID, credential or ClientSecret("s"), service.url)
        self.slept = use_fake_clock(self.client)

    def call(self, method: str = "GET", **options: Any) -> Any:
        given = {"scope": "graph", "origin": self.service.url} | options
        return self.runner.run(lambda: self.client.request(method, f"{self.service.url}/x", **given))


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 509])
@pytest.mark.parametrize("method", READS)
def test_a_method_that_does_nothing_twice_is_repeated(
    runner: Runner, token_service: TokenService, method: str, status: int
) -> None:
    """After every temporary failure, with a growing pause."""
    if method in {"HEAD", "OPTIONS"}:  # the scripted service does not speak them: the rule is what counts
        from mstoken.rest.retry import is_idempotent

        assert is_idempotent(method)
        return
    api = Api(runner, token_service, Reply(status, ""), Reply(status, ""), Reply(200, {}))
    response = api.call(method)
    assert (response.status, response.attempts, len(api.requests)) == (200, 3, 3)
    assert 0.5 <= api.slept[0] < 1.5
    assert 1 <= api.slept[1] < 3


@pytest.mark.parametrize("status", [200, 204, 302, 400, 401, 403, 404, 409, 412, 423, 501, 505, 507, 511])
def test_other_responses_are_final(runner: Runner, token_service: TokenService, status: int) -> None:
    """A refusal stays one, whatever its Retry-After."""
    api = Api(runner, token_service, Reply(status, "", WAIT))
    assert api.call().status == status
    assert (len(api.requests), api.slept) == (1, [])


@pytest.mark.parametrize(
    ("reply", "attempts"),
    [
        (Reply(429, "", WAIT), 2),
        (Reply(429, ""), 2),
        (Reply(503, "", WAIT), 2),
        (Reply(503, "", {"retry-after-ms": "9000"}), 2),
        (Reply(503, ""), 1),
        (Reply(503, "", {"Retry-After": "soon"}), 1),
        (Reply(500, "", WAIT), 1),
        (Reply(502, "", WAIT), 1),
        (Reply(504, "", WAIT), 1),
        (Reply(408, "", WAIT), 1),
    ],
)
@pytest.mark.parametrize("method", WRITES)
def test_a_write_is_repeated_only_if_it_was_not_executed(
    runner: Runner, token_service: TokenService, method: str, reply: Reply, attempts: int
) -> None:
    """After 429, and after 503 with a wait: a gateway's 504 says nothing about the service behind it."""
    api = Api(runner, token_service, reply, Reply(201, {}))
    api.call(method, json={"n": 1})
    assert len(api.requests) == attempts
    assert {request.body for request in api.requests} == {b'{"n": 1}'}


@pytest.mark.parametrize("reply", [Reply(504, ""), Reply(500, ""), LOST])
def test_a_write_is_repeated_if_the_caller_says_so(runner: Runner, token_service: TokenService, reply: Reply) -> None:
    """`retry_unsafe`: the caller knows that doing it twice does no harm."""
    api = Api(runner, token_service, reply, Reply(201, {}))
    assert api.call("POST", retry_unsafe=True).status == 201
    assert len(api.requests) == 2


def test_a_lost_connection_is_repeated_for_reads_only(runner: Runner, token_service: TokenService) -> None:
    """Nobody knows whether a POST was executed."""
    api = Api(runner, token_service, LOST, Reply(200, {}))
    assert api.call("GET").attempts == 2
    api = Api(runner, token_service, LOST, Reply(200, {}))
    with pytest.raises(TransportError, match="closed the connection"):
        api.call("POST")
    assert len(api.requests) == 1


def test_the_last_error_is_raised_when_no_attempts_are_left(runner: Runner, token_service: TokenService) -> None:
    api = Api(runner, token_service, LOST)
    with pytest.raises(TransportError):
        api.call("GET", retries=2)
    assert len(api.requests) == 3


def test_a_server_that_does_not_answer_takes_one_timeout(runner: Runner, token_service: TokenService) -> None:
    """Lost connections are repeated within `timeout`; a time-out has used it up.

    On a busy machine it may be used up before the server has the request: never are there two, and no pause.
    """
    api = Api(runner, token_service, Reply(200, {}, delay=30))
    with pytest.raises(TransportError, match="in time"):
        api.call("GET", timeout=0.4)
    assert len(api.requests) <= 1
    assert api.slept == []


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "17"}, 17),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "-3"}, 0),
        ({"Retry-After": "5,5"}, 5),
        ({"x-ms-retry-after-ms": "700"}, 0.7),
        ({"x-ms-user-quota-resets-after": "00:00:12"}, 12),
    ],
)
def test_the_requested_wait_is_kept(
    runner: Runner, token_service: TokenService, headers: dict[str, str], wait: float
) -> None:
    """The whole one: an API counts the requests that it refuses."""
    api = Api(runner, token_service, Reply(429, "", headers), Reply(200, {}))
    api.call()
    assert api.slept == [wait]


def test_the_wait_may_be_a_date(runner: Runner, token_service: TokenService) -> None:
    reply = Reply(429, "", {"Retry-After": formatdate(time.time() + 40, usegmt=True)})
    api = Api(runner, token_service, reply, Reply(200, {}))
    api.call()
    assert 37 < api.slept[0] <= 41


def test_a_wait_above_the_cap_returns_the_response(
    runner: Runner, token_service: TokenService, caplog: pytest.LogCaptureFixture
) -> None:
    """At once, with a warning that names the cap; the error says when to try again."""
    api = Api(runner, token_service, Reply(429, "", {"Retry-After": "181"}))
    with caplog.at_level(logging.WARNING, "mstoken"):
        response = api.call()
    assert (response.status, api.slept, len(api.requests)) == (429, [], 1)
    assert "asks to wait 181 seconds, longer than the 180 that mstoken waits (max_wait=…)" in caplog.text
    with pytest.raises(Throttled) as caught:
        response.raise_for_status()
    assert caught.value.retry_in == 181
    api = Api(runner, token_service, Reply(429, "", {"Retry-After": "181"}), Reply(200, {}))
    assert api.call(max_wait=200).status == 200
    api = Api(runner, token_service, Reply(429, "", {"Retry-After": "1"}), Reply(200, {}))
    assert api.call(max_wait=0.5).status == 429


def test_the_number_of_retries_is_the_callers(
    runner: Runner, token_service: TokenService, caplog: pytest.LogCaptureFixture
) -> None:
    """Three by default; the error says how often the request was sent, and each long wait is announced."""
    api = Api(runner, token_service, Reply(503, "", WAIT))
    with caplog.at_level(logging.WARNING, "mstoken"):
        response = api.call()
    assert (len(api.requests), response.attempts) == (4, 4)
    assert [record.getMessage() for record in caplog.records] == [
        f"GET {token_service.url}/x returned 503. Attempt {number} of 4 follows in 9 seconds." for number in (2, 3, 4)
    ]
    with pytest.raises(Exception, match=r"returned 503 after 4 attempts\."):
        response.raise_for_status()
    for retries in (0, 1, 6):
        api = Api(runner, token_service, Reply(503, "", WAIT))
        assert api.call(retries=retries).attempts == retries + 1


def test_each_attempt_has_a_token_that_is_still_valid(runner: Runner, token_service: TokenService) -> None:
    """A wait may be longer than the token lives."""
    numbers = itertools.count(1)
    replies = iter([Reply(429, "", {"Retry-After": "170"}), Reply(200, {})])
    seen: list[str] = []

    def answer(request: RecordedRequest) -> Reply:
        if request.path.endswith("/token"):
            return token_reply(f"token-{next(numbers)}", expires_in=100)
        seen.append(request.headers["Authorization"])
        return next(replies)

    token_service.script = [answer]
    client = runner.client(TENANT, CLIENT_ID, ClientSecret("s"), token_service.url)
    use_fake_clock(client)
    url = token_service.url
    assert runner.run(lambda: client.request("GET", f"{url}/x", scope="graph", origin=url)).ok
    assert seen == ["Bearer token-1", "Bearer token-2"]


@pytest.mark.parametrize("reply", [Reply(504, ""), Reply(500, ""), LOST])
def test_partner_center_gets_the_same_request_id_again(
    runner: Runner, token_service: TokenService, reply: Reply
) -> None:
    """Its MS-RequestId makes a repeated POST harmless: one value for a call, another for the next call."""
    credential = RefreshToken("a-refresh-token", client=ClientSecret("s"))
    api = Api(runner, token_service, reply, Reply(201, {}), credential=credential)
    api.call("POST", scope="partner", json={})
    first, second = (dict(request.headers) for request in api.requests)
    for name in ("MS-RequestId", "MS-CorrelationId"):
        assert first[name] == second[name]
        assert len(first[name]) == 36
    assert first["MS-RequestId"] != first["MS-CorrelationId"]
    assert first["MS-Contract-Version"] == "v1"
    api.call("POST", scope="partner", json={}, headers={"ms-correlationid": "mine"})
    third = api.requests[-1].headers
    assert third["MS-RequestId"] != first["MS-RequestId"]
    assert [text for name, text in third.items() if name.lower() == "ms-correlationid"] == ["mine"]


@pytest.mark.parametrize("options", [{"retries": -1}, {"retries": True}, {"retries": "3"}, {"max_wait": -1}])
def test_values_out_of_range_are_refused(runner: Runner, token_service: TokenService, options: dict[str, Any]) -> None:
    api = Api(runner, token_service, Reply(200, {}))
    with pytest.raises(UsageError, match=next(iter(options))):
        api.call(**options)
    assert api.requests == []
