"""Asking retry: pauses are shared and kept, what cannot get better is not repeated, a call has one deadline."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.support.redis_server import KEY, RedisServer
from tests.support.runners import Runner, get_token_within
from tests.support.slow_server import SlowServer
from tests.support.token_service import CLIENT_ID, TENANT, RecordedRequest, Reply, TokenService, token_reply

from mstoken import (
    ClientSecret,
    CredentialRejected,
    MstokenError,
    ServiceUnavailable,
    Stores,
    Throttled,
    TokenRefused,
    TransportError,
    TryLater,
    UnreadableAnswer,
    redis_stores,
)
from mstoken.flows import retry
from mstoken.stores.cipher import Cipher
from mstoken.stores.folder_access_tokens import FolderAccessTokens
from mstoken.stores.memory import MemoryRefreshTokens, memory_stores

SLOW_DOWN = Reply(429, "Too Many Requests", {"Retry-After": "600"})


def _client(runner: Runner, service: TokenService, stores: Stores | None = None, client_id: str = CLIENT_ID) -> Any:
    return runner.client(TENANT, client_id, ClientSecret("s3cret"), service.url, stores)


def test_after_429_no_caller_of_the_process_sends_a_request(runner: Runner, token_service: TokenService) -> None:
    """After a 429 nobody asks for another token of that application in that tenant before its time."""
    client = _client(runner, token_service)
    token_service.script = [SLOW_DOWN]
    for service in ("graph", "arm", "vault", "graph"):
        with pytest.raises(Throttled) as caught:
            runner.run(partial(client.get_token, service))
        assert 500 < (caught.value.retry_in or 0) <= 601
    assert len(token_service.requests) == 1


@pytest.fixture(params=["memory", "folder", "redis"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Stores]]:
    """Stores that share what they keep: the same in memory, others of the same folder, or at the same Redis."""
    if request.param == "memory":
        stores = memory_stores()
        yield lambda: stores
    elif request.param == "folder":
        yield lambda: Stores(FolderAccessTokens(str(tmp_path / "tokens"), lambda: Cipher(KEY)), MemoryRefreshTokens())
    else:
        server = RedisServer()
        yield lambda: redis_stores(server.url, KEY)
        server.close()


def test_a_pause_is_shared_through_the_store(
    runner: Runner, token_service: TokenService, shared: Callable[[], Stores]
) -> None:
    """Another client on the same store keeps it too; one on a store of its own asks for itself."""
    token_service.script = [SLOW_DOWN]
    for client in (_client(runner, token_service, shared()), _client(runner, token_service, shared())):
        with pytest.raises(Throttled):
            runner.run(partial(client.get_token, "graph"))
    assert len(token_service.requests) == 1
    with pytest.raises(Throttled):
        runner.run(lambda: _client(runner, token_service).get_token("graph"))
    assert len(token_service.requests) == 2


def test_a_pause_is_for_one_application_in_one_tenant(runner: Runner, token_service: TokenService) -> None:
    """Another application and another tenant are asked for as ever."""
    shared = memory_stores()
    token_service.script = [SLOW_DOWN, token_reply()]
    client = _client(runner, token_service, shared)
    with pytest.raises(Throttled):
        runner.run(lambda: client.get_token("graph"))
    assert runner.run(lambda: client.get_token("graph", tenant_id="fabrikam.onmicrosoft.com")).token == "token-1"
    other = _client(runner, token_service, shared, "11111111-2222-3333-4444-555555555555")
    assert runner.run(lambda: other.get_token("graph")).token == "token-1"


def test_every_caller_waits_out_a_short_pause(runner: Runner, token_service: TokenService) -> None:
    """Callers of different tokens wait together and then each gets its own; nobody asks in between."""
    began: list[float] = []

    def answer(request: RecordedRequest) -> Reply:
        began.append(time.monotonic())
        return Reply(429, "slow", {"Retry-After": "3"}) if len(began) == 1 else token_reply()

    token_service.script = [answer]
    client = _client(runner, token_service)
    with pytest.raises(Throttled):
        get_token_within(runner, client, 2)
    assert runner.run(lambda: client.get_token("arm")).token == "token-1"
    assert len(began) == 2
    assert began[1] - began[0] >= 2.8


def test_retry_after_may_be_a_date(runner: Runner, token_service: TokenService) -> None:
    """RFC 9110 section 10.2.3 allows seconds and a date; both become seconds."""
    token_service.script = [Reply(429, "slow", {"Retry-After": formatdate(time.time() + 500, usegmt=True)})]
    with pytest.raises(Throttled) as caught:
        runner.run(lambda: _client(runner, token_service).get_token("graph"))
    assert 400 < (caught.value.retry_in or 0) <= 500


@pytest.mark.parametrize("jump", [-86_400, 86_400])
def test_a_pause_ends_after_a_clock_change(
    runner: Runner, token_service: TokenService, monkeypatch: pytest.MonkeyPatch, jump: int
) -> None:
    """Set a day forward it is over; set a day back it would last a day, so it does not count."""
    client = _client(runner, token_service)
    token_service.script = [SLOW_DOWN, token_reply()]
    with pytest.raises(Throttled):
        runner.run(lambda: client.get_token("graph"))
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + jump)
    assert runner.run(lambda: client.get_token("graph")).token == "token-1"


@pytest.mark.parametrize("jump", [-86_400, 86_400])
def test_a_cached_token_survives_a_clock_change(
    runner: Runner,
    token_service: TokenService,
    monkeypatch: pytest.MonkeyPatch,
    jump: int,
    shared: Callable[[], Stores],
) -> None:
    """A day forward it counts as expired; a day back nobody can say when it ends. Another is got, once, and then
    serves; back again too.
    """
    stores = shared()
    client = _client(runner, token_service, stores)
    token_service.script = [token_reply("before"), token_reply("after"), token_reply("last")]
    runner.run(lambda: client.get_token("graph"))
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + jump)
    for asking in (client, client, _client(runner, token_service, stores)):
        assert runner.run(partial(asking.get_token, "graph")).token == "after"
    monkeypatch.setattr(time, "time", real)
    assert runner.run(lambda: client.get_token("graph")).token == "last"
    assert len(token_service.requests) == 3


def test_a_clock_set_back_does_not_lose_the_token_while_the_service_is_down(
    runner: Runner, token_service: TokenService, monkeypatch: pytest.MonkeyPatch, shared: Callable[[], Stores]
) -> None:
    """It is due for renewal, not expired: what cannot be renewed serves on, and is not asked for at every call."""
    token_service.script = [token_reply("before"), Reply(503, "busy", {"Retry-After": "3600"})]
    client = _client(runner, token_service, shared())
    runner.run(lambda: client.get_token("graph"))
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - 86_400)
    for _ in range(3):
        assert runner.run(lambda: client.get_token("graph")).token == "before"
    assert len(token_service.requests) == 2


def test_clocks_that_differ_a_little_share_a_token(
    runner: Runner, token_service: TokenService, monkeypatch: pytest.MonkeyPatch, shared: Callable[[], Stores]
) -> None:
    """A machine two minutes behind takes what another has got."""
    runner.run(lambda: _client(runner, token_service, shared()).get_token("graph"))
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - 120)
    runner.run(lambda: _client(runner, token_service, shared()).get_token("graph"))
    assert len(token_service.requests) == 1


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (
            Reply(401, {"error": "invalid_client", "error_codes": [7000215], "error_description": "no"}),
            CredentialRejected,
        ),
        (Reply(400, {"error": "invalid_scope", "error_codes": [70011], "error_description": "no"}), TokenRefused),
        (Reply(404, "nothing here"), UnreadableAnswer),
    ],
)
def test_permanent_refusals_are_not_retried(
    runner: Runner, token_service: TokenService, reply: Reply, kind: type[MstokenError]
) -> None:
    """A refusal is told at once, after one request."""
    token_service.script = [reply]
    with pytest.raises(kind):
        runner.run(lambda: _client(runner, token_service).get_token("graph"))
    assert len(token_service.requests) == 1


@pytest.mark.parametrize("reply", [Reply(503, "busy"), Reply(500, "broken"), Reply(200, raw=b"")])
def test_transient_errors_are_retried_with_growing_pauses(
    runner: Runner, token_service: TokenService, monkeypatch: pytest.MonkeyPatch, reply: Reply
) -> None:
    """5xx and cut connections: three attempts, the second pause longer than the first, then the error."""
    monkeypatch.setattr(retry, "FIRST_PAUSE_IN", 0.1)
    began: list[float] = []

    def answer(request: RecordedRequest) -> Reply:
        began.append(time.monotonic())
        return reply

    token_service.script = [answer]
    with pytest.raises((ServiceUnavailable, TransportError)):
        runner.run(lambda: _client(runner, token_service).get_token("graph"))
    assert len(began) == retry.MOST_TRIES == 3
    assert began[1] - began[0] >= 0.05
    assert began[2] - began[1] >= 0.1


def test_backoff_has_jitter(runner: Runner, token_service: TokenService) -> None:
    """Back-off is spread by half of it either way, so that callers who failed together do not return together."""
    client = _client(runner, token_service)
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    client._port().sleep = sleep
    token_service.script = [Reply(503, "busy")]
    for _ in range(10):
        with pytest.raises(ServiceUnavailable):
            runner.run(lambda: client.get_token("graph"))
    first = [pause for pause in pauses if pause <= 0.75]
    assert len(pauses) == 20
    assert all(0.25 <= pause <= 1.5 for pause in pauses)
    assert len(set(first)) > 5


@pytest.mark.parametrize(
    "stall",
    [Reply(200, delay=60), Reply(503, "busy", {"Retry-After": "60"}), Reply(503, "busy", delay=20)],
    ids=["silent", "asks to wait", "slow and busy"],
)
def test_a_call_ends_within_its_timeout(runner: Runner, token_service: TokenService, stall: Reply) -> None:
    """A server that stalls, or is busy again and again: one deadline for attempts and pauses together."""
    token_service.script = [stall]
    began = time.monotonic()
    with pytest.raises(TryLater):
        get_token_within(runner, _client(runner, token_service), 2)
    assert time.monotonic() - began < 15


def test_an_incomplete_response_ends_at_the_timeout(runner: Runner) -> None:
    """An answer whose end never comes is no answer when the patience is over."""
    with SlowServer(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"access_token": "') as url:
        client = runner.client(TENANT, CLIENT_ID, ClientSecret("s3cret"), url)
        began = time.monotonic()
        with pytest.raises(TryLater):
            get_token_within(runner, client, 2)
        assert time.monotonic() - began < 15
