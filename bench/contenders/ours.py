"""mstoken, as people use it: one client for all tenants, the tenant named in the call."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from bench.contenders.fan_out import SECRET, clocked, in_tasks, in_threads
from bench.contenders.hits import rate_of_awaits, rate_of_calls
from bench.contenders.memory import resident
from bench.run import CLIENT_ID, SCOPE, TENANT
from mstoken import AsyncClient, Client, ClientSecret, Token
from mstoken.protocol.cache_key import cache_key
from mstoken.stores.memory import in_memory

if TYPE_CHECKING:
    from mstoken.flows.store_port import Stores


def tenants_by_threads(url: str, tenants: int, concurrency: int) -> dict[str, float]:
    with clocked(tenants) as numbers, Client(TENANT, CLIENT_ID, ClientSecret(SECRET), url) as client:
        in_threads(lambda tenant: client.get_token(SCOPE, tenant_id=tenant).token, tenants, concurrency)
    return numbers


def tenants_by_tasks(url: str, tenants: int, concurrency: int) -> dict[str, float]:
    async def main() -> None:
        async with AsyncClient(TENANT, CLIENT_ID, ClientSecret(SECRET), url) as client:

            async def ask(tenant: str) -> str:
                return (await client.get_token(SCOPE, tenant_id=tenant)).token

            await in_tasks(ask, tenants, concurrency)

    with clocked(tenants) as numbers:
        asyncio.run(main())
    return numbers


def memory_of_tenants(url: str, tenants: int, concurrency: int, steps: int) -> dict[str, float]:
    """Resident memory after each of `steps` equal parts of the tenants, and what a token cost in the end."""

    async def main() -> dict[str, float]:
        numbers: dict[str, float] = {}
        turn = asyncio.Semaphore(concurrency)
        async with AsyncClient(TENANT, CLIENT_ID, ClientSecret(SECRET), url) as client:

            async def ask(number: int) -> None:
                async with turn:
                    await client.get_token(SCOPE, tenant_id=f"tenant-{number:06d}.example")

            await asyncio.gather(*(ask(number) for number in range(-concurrency, 0)))
            before, part = resident(), tenants // steps
            for step in range(steps):
                await asyncio.gather(*(ask(number) for number in range(step * part, (step + 1) * part)))
                numbers[f"bytes_at_{(step + 1) * part}"] = resident() - before
        return {**numbers, "bytes_per_token": numbers[f"bytes_at_{steps * part}"] / (steps * part)}

    return asyncio.run(main())


def hit_blocking(entries: int, *, spread: bool = False) -> dict[str, float]:
    """A kept token: always the same one, or with `spread` those of all tenants in random order."""
    stores = in_memory()
    client = Client(TENANT, CLIENT_ID, ClientSecret(SECRET), stores=stores)
    names = _fill(stores, client, entries)
    for name in names:
        client.get_token(SCOPE, tenant_id=name)
    return rate_of_calls(lambda name: client.get_token(SCOPE, tenant_id=name), names if spread else names[-1:])


def hit_asyncio(entries: int, *, spread: bool = False) -> dict[str, float]:
    """As `hit_blocking`, awaited."""
    stores = in_memory()
    client = AsyncClient(TENANT, CLIENT_ID, ClientSecret(SECRET), stores=stores)
    names = _fill(stores, client, entries)

    async def main() -> dict[str, float]:
        for name in names:
            await client.get_token(SCOPE, tenant_id=name)
        return await rate_of_awaits(
            lambda name: client.get_token(SCOPE, tenant_id=name), names if spread else names[-1:]
        )

    return asyncio.run(main())


def _fill(stores: Stores, client: Client | AsyncClient, entries: int) -> list[str]:
    """Put a token of each of `entries` tenants into the store, as if the client had asked for them; their names."""
    names = [f"tenant-{number:06d}.example" for number in range(entries)]
    expires_on = int(time.time()) + 3600
    for name in names:
        token_request = client.token_request(SCOPE, tenant_id=name)
        stores.access_tokens.save(cache_key(token_request), Token(f"token of {name}", expires_on))
    return names
