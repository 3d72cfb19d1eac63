"""A clock that only sleeping advances: waits are recorded and take no time."""

from __future__ import annotations

import time
from typing import Any

from mstoken import Client
from mstoken.runtimes.asyncio import AsyncioRuntime
from mstoken.runtimes.blocking import BlockingRuntime
from mstoken.transports.asyncio import AsyncHttpTransport
from mstoken.transports.blocking import HttpTransport


class _FakeClock:
    """Overrides a runtime's clock; `slept` lists the seconds of every wait."""

    slept: list[float]

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def now(self) -> float:
        return time.time() + sum(self.slept)


class _BlockingWithFakeClock(_FakeClock, BlockingRuntime):
    pass


class _AsyncioWithFakeClock(_FakeClock, AsyncioRuntime):
    pass


def use_fake_clock(client: Any) -> list[float]:
    """Give the client a fake clock; the list it returns grows by each wait, in seconds."""
    runtime: _BlockingWithFakeClock | _AsyncioWithFakeClock
    if isinstance(client, Client):
        runtime = _BlockingWithFakeClock(HttpTransport(), client._stores.access_tokens, client._stores.refresh_tokens)
    else:
        runtime = _AsyncioWithFakeClock(
            AsyncHttpTransport(), client._stores.access_tokens, client._stores.refresh_tokens
        )
    runtime.slept = []
    client._transport, client._runtime = runtime._transport, runtime
    return runtime.slept
