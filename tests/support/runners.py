"""Runners for code that a test runs twice: blocking with Client, and under asyncio with AsyncClient."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from mstoken import AsyncClient, Client
from mstoken.flows.get_token import get_token
from mstoken.model import Token, TokenRequest
from mstoken.values import replace


class BlockingRunner:
    """Runs calls in threads, with Client."""

    client_class = Client

    def client(self, *args: Any, **options: Any) -> Any:
        return Client(*args, **options)

    def run(self, call: Callable[[], Any]) -> Any:
        return call()

    def gather(self, call: Callable[[], Any], times: int) -> list[Any]:
        def attempt(_: int) -> Any:
            try:
                return call()
            except Exception as error:  # noqa: BLE001 - the test looks at every outcome
                return error

        with ThreadPoolExecutor(times) as pool:
            return list(pool.map(attempt, range(times)))

    def close(self) -> None:
        """Nothing is left open."""


class AsyncioRunner:
    """Runs calls in tasks, with AsyncClient."""

    client_class = AsyncClient

    def __init__(self) -> None:
        self._runner = asyncio.Runner()

    def client(self, *args: Any, **options: Any) -> Any:
        return AsyncClient(*args, **options)

    def run(self, call: Callable[[], Awaitable[Any]]) -> Any:
        async def main() -> Any:
            return await call()

        return self._runner.run(main())

    def gather(self, call: Callable[[], Awaitable[Any]], times: int) -> list[Any]:
        async def main() -> list[Any]:
            return await asyncio.gather(*(call() for _ in range(times)), return_exceptions=True)

        return self._runner.run(main())

    def close(self) -> None:
        self._runner.close()


Runner = BlockingRunner | AsyncioRunner


def get_token_within(runner: Runner, client: Any, timeout_in: float) -> Token:
    """Return `get_token("graph")` for a caller that waits at most `timeout_in` seconds."""
    token_request: TokenRequest = replace(client.token_request("graph"), timeout_in=timeout_in)
    port = client._port()
    if isinstance(runner, BlockingRunner):
        return port.run(get_token(token_request, port))  # type: ignore[no-any-return]
    return runner.run(lambda: get_token(token_request, port))  # type: ignore[no-any-return]
