"""A Redis that goes away and comes back under a running client, blocking and under asyncio."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import pytest
from tests.support.redis_server import KEY, RedisServer
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT, TokenService, token_reply

from mstoken import ClientSecret, RefreshToken, StoreError, redis_stores
from mstoken.flows.store_port import TokenInfo
from mstoken.stores.redis_connection import UNAVAILABLE_IN


def _client(runner: Runner, service: TokenService, redis: RedisServer, credential: Any = None) -> Any:
    credential = credential or ClientSecret("s3cret")
    return runner.client(TENANT, CLIENT_ID, credential, service.url, redis_stores(redis.url, KEY))


def test_a_client_works_during_a_redis_outage_and_shares_tokens_afterwards(
    runner: Runner, token_service: TokenService, redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    """What it has and what it gets meanwhile serves from its memory, which it says once; then others have it again."""
    token_service.script = [token_reply(f"token-{number}") for number in range(1, 9)]
    client = _client(runner, token_service, redis)

    def ask(of: Any, tenant: str) -> str:
        token: str = runner.run(partial(of.get_token, "graph", tenant_id=f"{tenant}.example.com")).token
        return token

    assert ask(client, "before") == "token-1"
    redis.stop()
    assert [ask(client, tenant) for tenant in ("away", "before", "away", "also-away")] == [
        "token-2",
        "token-1",
        "token-2",
        "token-3",
    ]
    assert [record.getMessage().count("stay in this process") for record in caplog.records] == [1]
    redis.start()
    time.sleep(UNAVAILABLE_IN + 0.1)
    assert ask(client, "after") == "token-4"
    other = _client(runner, token_service, redis)
    assert [ask(other, tenant) for tenant in ("before", "after")] == ["token-1", "token-4"]
    assert ask(client, "away") == "token-2"
    assert len(token_service.requests) == 4
    assert len(caplog.records) == 1


def test_a_sign_in_is_not_renewed_during_a_redis_outage(
    runner: Runner, token_service: TokenService, redis: RedisServer
) -> None:
    """A new refresh token could not be kept: nobody asks, the error names the server, and later it goes on."""
    redis_stores(redis.url, KEY).refresh_tokens.put(
        "account:anna", "rt-1", TokenInfo(token_service.url, TENANT, CLIENT_ID)
    )
    token_service.script = [token_reply(refresh_token="rt-2")]
    client = _client(runner, token_service, redis, RefreshToken(account="anna"))
    redis.stop()
    with pytest.raises(StoreError, match="socket"):
        runner.run(lambda: client.get_token("graph"))
    assert token_service.requests == []
    redis.start()
    time.sleep(UNAVAILABLE_IN + 0.1)
    assert runner.run(lambda: client.get_token("graph")).token == "token-1"
