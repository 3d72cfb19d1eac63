"""A server that takes each refresh token once, for good: what is spent, and what comes of it, is never lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.redis_server import KEY, RedisServer
from tests.support.runners import Runner, get_token_within
from tests.support.small_disk import SmallDisk, small_disk
from tests.support.token_service import CLIENT_ID, TENANT, RecordedRequest, Reply, TokenService, token_reply

from mstoken import (
    AuthorizationCode,
    DeviceCode,
    MstokenError,
    RefreshToken,
    SignInRequired,
    StoreError,
    Stores,
    TryLater,
    redis_stores,
)
from mstoken.flows.store_port import TokenInfo
from mstoken.stores.memory import MemoryAccessTokens, memory_stores
from mstoken.stores.redis_connection import UNAVAILABLE_IN
from mstoken.stores.vault import Vault

ANNA = "account:anna"


class Strict:
    """Takes the refresh token it gave last, and refuses any other; `before` is called when one has been spent."""

    def __init__(self, service: TokenService) -> None:
        self.service, self.good, self.spent = service, "rt-0", 0
        self.before: Any = lambda: None
        self._lock = threading.Lock()
        service.script = [self._answer]

    def _answer(self, request: RecordedRequest) -> Reply:
        with self._lock:
            if request.form["refresh_token"] != self.good:
                words = {"error": "invalid_grant", "error_description": "AADSTS70000: used", "error_codes": [70000]}
                return Reply(400, words)
            self.spent += 1
            self.good = f"rt-{self.spent}"
            self.before()
            return token_reply(f"token-{self.spent}", refresh_token=self.good)


@pytest.fixture
def strict(token_service: TokenService) -> Strict:
    """The server, to which Anna signed in with `rt-0`."""
    return Strict(token_service)


def _anna(runner: Runner, strict: Strict, stores: Stores) -> Any:
    if stores.refresh_tokens.load(ANNA) is None:
        stores.refresh_tokens.put(ANNA, "rt-0", TokenInfo(strict.service.url, TENANT, CLIENT_ID))
    return runner.client(TENANT, CLIENT_ID, RefreshToken(account="anna", single_use=True), strict.service.url, stores)


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallDisk]:
    """A disk that can be full."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    with small_disk(tmp_path / "disk") as made:
        yield made


def test_a_single_use_token_is_not_redeemed_if_the_next_cannot_be_stored(
    runner: Runner, strict: Strict, disk: SmallDisk
) -> None:
    """On a full disk the service is not asked, so that the sign-in goes on when there is room again."""
    stores = Stores(MemoryAccessTokens(), Vault(str(disk.folder / "vault")))
    client = _anna(runner, strict, stores)
    assert runner.run(lambda: client.get_token("graph")).token == "token-1"
    disk.fill()
    with pytest.raises(StoreError, match="Free some space"):
        runner.run(lambda: client.get_token("arm"))
    assert strict.spent == 1
    disk.free()
    assert runner.run(lambda: client.get_token("arm")).token == "token-2"


@pytest.mark.parametrize("credential", [DeviceCode(lambda _: None, "anna"), AuthorizationCode("code", "http://x")])
def test_no_person_signs_in_if_the_sign_in_cannot_be_stored(
    runner: Runner, strict: Strict, disk: SmallDisk, credential: Any
) -> None:
    """Somebody with a phone would have signed in for nothing."""
    stores = Stores(MemoryAccessTokens(), Vault(str(disk.folder / "vault")))
    stores.refresh_tokens.put("account:other", "rt", TokenInfo())
    disk.fill()
    client = runner.client(TENANT, CLIENT_ID, credential, strict.service.url, stores)
    for call in (lambda: client.sign_in("graph"), lambda: client.get_token("graph")):
        with pytest.raises(StoreError, match="Free some space"):
            runner.run(call)
    assert strict.service.requests == []


def test_a_refresh_token_that_could_not_be_stored_is_stored_later(runner: Runner, strict: Strict) -> None:
    """The store goes away while the service answers: the caller is told, and the next goes on with what came."""
    redis = RedisServer()
    try:
        stores = Stores(MemoryAccessTokens(), redis_stores(redis.url, KEY).refresh_tokens)
        client = _anna(runner, strict, stores)
        strict.before = redis.stop
        with pytest.raises(StoreError):
            runner.run(lambda: client.get_token("graph"))
        strict.before = lambda: None
        redis.start()
        time.sleep(UNAVAILABLE_IN + 0.1)
        assert runner.run(lambda: client.get_token("arm")).token == "token-2"
        held = redis_stores(redis.url, KEY).refresh_tokens.load(ANNA)
        assert held is not None
        assert (held.current, held.previous) == ("rt-2", "rt-1")
    finally:
        redis.close()


def test_a_late_refresh_token_does_not_replace_a_new_sign_in(runner: Runner, strict: Strict) -> None:
    """Nor does it bring back a sign-in that was forgotten meanwhile."""
    redis = RedisServer()
    try:
        refresh_tokens = redis_stores(redis.url, KEY).refresh_tokens
        client = _anna(runner, strict, Stores(MemoryAccessTokens(), refresh_tokens))
        strict.before = redis.stop
        with pytest.raises(StoreError):
            runner.run(lambda: client.get_token("graph"))
        redis.start()
        time.sleep(UNAVAILABLE_IN + 0.1)
        refresh_tokens.remove(ANNA)
        with pytest.raises(SignInRequired):
            runner.run(lambda: client.get_token("graph"))
        assert refresh_tokens.load(ANNA) is None
        refresh_tokens.put(ANNA, "rt-of-ben", TokenInfo(strict.service.url, TENANT, CLIENT_ID))
        with pytest.raises(SignInRequired):
            runner.run(lambda: client.get_token("graph"))
        held = refresh_tokens.load(ANNA)
        assert held is not None
        assert held.current == "rt-of-ben"
    finally:
        redis.close()


def test_a_crash_before_the_write_ends_the_sign_in_with_an_error(runner: Runner, strict: Strict) -> None:
    """Nobody can undo that: the old token is tried, once, and the refusal says to sign in."""
    stores = memory_stores()
    client = _anna(runner, strict, stores)
    strict.good = "rt-that-was-never-written"
    with pytest.raises(SignInRequired) as caught:
        runner.run(lambda: client.get_token("graph"))
    assert "mstoken login" in caught.value.remedy
    assert [request.form["refresh_token"] for request in strict.service.requests] == ["rt-0"]


def test_callers_of_many_resources_redeem_one_token_after_another(runner: Runner, strict: Strict) -> None:
    """Twelve at once, each for another resource: none spends what another has spent."""
    client = _anna(runner, strict, memory_stores())
    resources = iter([f"https://{number}.example.com/.default" for number in range(12)])
    tokens = runner.gather(lambda: client.get_token(next(resources)), 12)
    assert [repr(one) for one in tokens if isinstance(one, Exception)] == []
    assert strict.spent == len(strict.service.requests) == 12


def test_a_caller_that_times_out_does_not_redeem_a_token_in_use(runner: Runner, strict: Strict) -> None:
    """Another caller has the turn and hangs: who has waited long enough is told to ask again, and asks nobody."""
    stores = memory_stores()
    client = _anna(runner, strict, stores)
    release = stores.access_tokens.try_lock(ANNA)
    assert release is not None
    with pytest.raises(TryLater, match="still renewing"):
        get_token_within(runner, client, 1)
    assert strict.service.requests == []
    release()
    assert get_token_within(runner, client, 20).token == "token-1"


def test_one_of_the_waiting_callers_sends_requests_to_a_failing_service(
    runner: Runner, token_service: TokenService
) -> None:
    """The others learn of it, and do not each try for as long as a call may last, one after the other."""
    stores = memory_stores()
    stores.refresh_tokens.put(ANNA, "rt-0", TokenInfo(token_service.url, TENANT, CLIENT_ID))
    token_service.script = [Reply(503, "down", {"Retry-After": "3600"}, delay=2)]
    client = runner.client(TENANT, CLIENT_ID, RefreshToken(account="anna", single_use=True), token_service.url, stores)
    resources = iter([f"https://{number}.example.com/.default" for number in range(12)])
    failures = runner.gather(lambda: client.get_token(next(resources)), 12)
    assert all(isinstance(one, MstokenError) for one in failures)
    assert 1 <= len(token_service.requests) <= 3


def test_the_previous_refresh_token_stays_until_the_new_one_has_worked(
    runner: Runner, token_service: TokenService
) -> None:
    """The current token is refused and the previous one works: it, and not the refused one, is kept beside the new."""
    stores = memory_stores()
    stores.refresh_tokens.put(ANNA, "works", TokenInfo(token_service.url, TENANT, CLIENT_ID))
    stores.refresh_tokens.replace(ANNA, "works", "never-worked")

    def answer(request: RecordedRequest) -> Reply:
        if request.form["refresh_token"] == "never-worked":
            return Reply(400, {"error": "invalid_grant", "error_codes": [70000]})
        return token_reply(refresh_token="new")

    token_service.script = [answer]
    client = runner.client(TENANT, CLIENT_ID, RefreshToken(account="anna"), token_service.url, stores)
    runner.run(lambda: client.get_token("graph"))
    held = stores.refresh_tokens.load(ANNA)
    assert held is not None
    assert (held.current, held.previous) == ("new", "works")
