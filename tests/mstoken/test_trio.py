"""Other event loops than asyncio's: one clear error, and the way that works."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
import trio
from tests.support.token_service import CLIENT_ID, TENANT, TokenService

from mstoken import AsyncClient, Client, ClientSecret, UsageError


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.get_token("graph"),
        lambda client: client.get_token_info("arm"),
        lambda client: client.request("GET", "https://graph.microsoft.com/v1.0/me"),
        lambda client: client.pop_token("graph"),
    ],
)
def test_under_trio_the_error_suggests_a_thread(
    token_service: TokenService, call: Callable[[Any], Awaitable[Any]]
) -> None:
    """Before anything is sent, and without a word of asyncio's."""
    client = AsyncClient(TENANT, CLIENT_ID, ClientSecret("s"), token_service.url)

    async def main() -> None:
        await call(client)

    with pytest.raises(UsageError, match="needs asyncio") as caught:
        trio.run(main)
    assert "trio.to_thread.run_sync" in caught.value.remedy
    assert token_service.requests == []


def test_the_suggested_thread_works_under_trio(token_service: TokenService) -> None:
    """As the remedy says it."""
    client = Client(TENANT, CLIENT_ID, ClientSecret("s"), token_service.url)
    token: Any = trio.run(partial(trio.to_thread.run_sync, client.get_token, "graph"))
    assert token.token == "token-1"
