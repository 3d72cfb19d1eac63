"""Renewal ahead of expiry: while a valid token is in hand, it fails nobody, holds nobody up and asks no person."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.redis_server import KEY, RedisServer
from tests.support.runners import Runner
from tests.support.token_service import (
    CLIENT_ID,
    TENANT,
    RecordedRequest,
    Reply,
    TokenService,
    device_code_reply,
    token_reply,
)

from mstoken import (
    CallbackAssertion,
    Client,
    ClientAssertion,
    ClientSecret,
    DeviceCode,
    DevicePrompt,
    RefreshToken,
    SignInRequired,
    Stores,
    redis_stores,
)
from mstoken.flows import single_flight
from mstoken.flows.store_port import TokenInfo
from mstoken.stores.memory import memory_stores

ASSERTION = "eyJhbGciOiJub25lIn0.eyJleHAiOjQwMDAwMDAwMDB9.c2ln"


def _client(runner: Runner, service: TokenService, stores: Stores | None = None, credential: Any = None) -> Any:
    return runner.client(TENANT, CLIENT_ID, credential or ClientSecret("s3cret"), service.url, stores)


def _due(runner: Runner, client: Any) -> None:
    """Let the client have a token that is due for renewal at once (`refresh_in` of a second) and still valid."""
    assert runner.run(lambda: client.get_token("graph")).token == "old"
    time.sleep(1.1)


def _refusal(code: int) -> Reply:
    return Reply(400, {"error": "invalid_grant", "error_description": f"AADSTS{code}: no", "error_codes": [code]})


@pytest.mark.parametrize(
    "failure",
    [
        Reply(503, "busy", {"Retry-After": "3600"}),
        Reply(200, "<html>Sign in to the Wi-Fi</html>"),
        Reply(401, {"error": "invalid_client", "error_codes": [7000222]}),
        Reply(400, {"error": "interaction_required", "error_codes": [50076]}),
    ],
)
def test_a_failed_renewal_returns_the_valid_token(runner: Runner, token_service: TokenService, failure: Reply) -> None:
    """Busy, unreadable or refused: what is valid serves, and the service is not asked again at once."""
    token_service.script = [token_reply("old", refresh_in=1), failure]
    client = _client(runner, token_service)
    _due(runner, client)
    for _ in range(3):
        assert runner.run(lambda: client.get_token("graph")).token == "old"
    assert len(token_service.requests) == 2


def test_an_exception_of_a_callers_function_returns_the_valid_token(
    runner: Runner, token_service: TokenService, caplog: pytest.LogCaptureFixture
) -> None:
    """What proves the client may raise anything; the log names its kind, and not its text, which nobody has checked."""
    proofs = [ASSERTION]

    def prove() -> str:
        if not proofs:
            raise ValueError("hunter2")
        return proofs.pop()

    token_service.script = [token_reply("old", refresh_in=1)]
    client = _client(runner, token_service, credential=ClientAssertion(CallbackAssertion(prove)))
    _due(runner, client)
    assert runner.run(lambda: client.get_token("graph")).token == "old"
    assert "ValueError" in caplog.text
    assert "hunter2" not in caplog.text


def test_a_slow_renewal_delays_its_caller_briefly(
    runner: Runner, token_service: TokenService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who renews gives a stalling service a fraction of the patience of a call, and goes on with the valid token."""
    monkeypatch.setattr(single_flight, "MAX_RENEWAL_IN", 0.5)
    token_service.script = [token_reply("old", refresh_in=1), Reply(200, token_reply("new").body, delay=25)]
    client = _client(runner, token_service)
    _due(runner, client)
    began = time.monotonic()
    assert runner.run(lambda: client.get_token("graph")).token == "old"
    assert time.monotonic() - began < 10


def test_other_callers_with_a_valid_token_do_not_wait_for_a_renewal(
    runner: Runner, token_service: TokenService
) -> None:
    """While one renews at a slow service, those who come later are served at once."""
    let_go = threading.Event()

    def answer(request: RecordedRequest) -> Reply:
        if len(token_service.requests) == 1:
            return token_reply("old", refresh_in=1)
        let_go.wait(30)
        return token_reply("new")

    token_service.script = [answer]
    stores = memory_stores()
    _due(runner, _client(runner, token_service, stores))
    slow = threading.Thread(
        target=lambda: Client(TENANT, CLIENT_ID, ClientSecret("s3cret"), token_service.url, stores).get_token("graph")
    )
    slow.start()
    while len(token_service.requests) < 2:
        time.sleep(0.01)
    assert runner.run(lambda: _client(runner, token_service, stores).get_token("graph")).token == "old"
    assert slow.is_alive()
    let_go.set()
    slow.join()
    assert runner.run(lambda: _client(runner, token_service, stores).get_token("graph")).token == "new"
    assert len(token_service.requests) == 2


class Signing:
    """Anna's device, and a service that refuses to renew her sign-in with a code; who was asked to sign in is noted."""

    def __init__(self, runner: Runner, service: TokenService, code: int) -> None:
        self.service, self.code, self.prompts, self.stores = service, code, [], memory_stores()  # type: ignore[var-annotated]
        self.stores.refresh_tokens.put("account:anna", "rt-1", TokenInfo(service.url, TENANT, CLIENT_ID))
        self.client = _client(runner, service, self.stores, DeviceCode(self._shown, account="anna"))
        service.script = [self._answer]

    def _shown(self, prompt: DevicePrompt) -> None:
        self.prompts.append(prompt)

    def _answer(self, request: RecordedRequest) -> Reply:
        if request.path.endswith("/devicecode"):
            return device_code_reply(1)
        if request.form["grant_type"] != "refresh_token":
            return token_reply("signed-in-again", refresh_token="rt-2")
        return token_reply("old", refresh_in=1) if len(self.service.requests) == 1 else _refusal(self.code)


def test_the_user_is_not_prompted_while_the_token_is_valid(runner: Runner, token_service: TokenService) -> None:
    """The policy now wants more of the person: that is asked for when the token has ended, and not in the middle."""
    anna = Signing(runner, token_service, 50076)
    _due(runner, anna.client)
    assert runner.run(lambda: anna.client.get_token("graph")).token == "old"
    assert anna.prompts == []
    assert runner.run(lambda: anna.client.get_token("graph", min_ttl=100_000)).token == "signed-in-again"
    assert len(anna.prompts) == 1


def test_the_user_is_prompted_after_the_sign_in_has_ended(runner: Runner, token_service: TokenService) -> None:
    """A revoked sign-in's tokens serve nobody: who renews has the person sign in, as if there had been no token."""
    anna = Signing(runner, token_service, 50173)
    _due(runner, anna.client)
    assert runner.run(lambda: anna.client.get_token("graph")).token == "signed-in-again"
    assert len(anna.prompts) == 1


def test_a_token_of_a_revoked_sign_in_is_not_used(runner: Runner, token_service: TokenService) -> None:
    """Where nobody can be asked, the refusal is the answer, although the kept token's time is not over."""
    token_service.script = [token_reply("old", refresh_in=1), _refusal(50173)]
    stores = memory_stores()
    stores.refresh_tokens.put("account:anna", "rt-1", TokenInfo("", TENANT, CLIENT_ID))
    client = _client(runner, token_service, stores, RefreshToken(account="anna"))
    _due(runner, client)
    with pytest.raises(SignInRequired):
        runner.run(lambda: client.get_token("graph"))


def test_a_store_that_fails_during_renewal_does_not_fail_the_call(runner: Runner, token_service: TokenService) -> None:
    """Redis stops while the service is asked, and the service fails: the token in hand serves all the same."""
    redis = RedisServer()
    try:
        first: list[Callable[[], Reply]] = [lambda: token_reply("old", refresh_in=1)]

        def answer(request: RecordedRequest) -> Reply:
            if first:
                return first.pop()()
            redis.stop()
            return Reply(503, "busy", {"Retry-After": "3600"})

        token_service.script = [answer]
        client = _client(runner, token_service, redis_stores(redis.url, KEY))
        _due(runner, client)
        assert runner.run(lambda: client.get_token("graph")).token == "old"
        assert len(token_service.requests) == 2
    finally:
        redis.close()
