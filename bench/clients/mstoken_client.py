"""mstoken: one client for all tenants, the tenant named in the call."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from bench.clients.fan_out import CALL, in_tasks, in_threads, measured, with_peak
from bench.clients.fan_out import tenants as names_of_tenants
from bench.clients.memory import resident
from bench.clients.timing import seconds_per_await, seconds_per_call
from bench.parameters import CLIENT_ID, SCOPE, SECRET, TENANT
from mstoken import AsyncClient, Client, ClientSecret, Token
from mstoken.protocol.cache_key import cache_key
from mstoken.stores.memory import memory_stores

if TYPE_CHECKING:
    from mstoken.flows.store_port import Stores


def tenants_in_threads(url: str, tenants: int, concurrency: int) -> dict[str, float]:
    with measured(tenants) as numbers, Client(TENANT, CLIENT_ID, ClientSecret(SECRET), url) as client:
        in_threads(lambda tenant: client.get_token(SCOPE, tenant_id=tenant).token, tenants, concurrency)
    return numbers


def tenants_in_tasks(url: str, tenants: int, concurrency: int) -> dict[str, float]:
    async def main() -> None:
        async with AsyncClient(TENANT, CLIENT_ID, ClientSecret(SECRET), url) as client:

            async def token(tenant: str) -> str:
                return (await client.get_token(SCOPE, tenant_id=tenant)).token

            await in_tasks(token, tenants, concurrency)

    with measured(tenants) as numbers:
        asyncio.run(main())
    return numbers


def calls_in_fleet(url: str, tenants: int, concurrency: int) -> dict[str, float]:
    """A token and one call of an API in each tenant, with `Client.fleet`."""
    with measured(tenants) as numbers, Client(TENANT, CLIENT_ID, ClientSecret(SECRET), url) as client:
        fleet = client.fleet(names_of_tenants(tenants), concurrency=concurrency)
        done = sum(result.ok for result in fleet.request("GET", f"{url}{CALL}", scope=SCOPE, origin=url))
    return with_peak(numbers, done, tenants)


def calls_in_async_fleet(url: str, tenants: int, concurrency: int) -> dict[str, float]:
    """`calls_in_fleet` under asyncio."""

    async def main() -> int:
        async with AsyncClient(TENANT, CLIENT_ID, ClientSecret(SECRET), url) as client:
            fleet = client.fleet(names_of_tenants(tenants), concurrency=concurrency)
            results = fleet.request("GET", f"{url}{CALL}", scope=SCOPE, origin=url)
            return sum([result.ok async for result in results])

    with measured(tenants) as numbers:
        done = asyncio.run(main())
    return with_peak(numbers, done, tenants)


def memory_of_tenants(url: str, tenants: int, concurrency: int, steps: int) -> dict[str, float]:
    """The growth of resident memory after each of `steps` equal parts of the tenants, and per token in the end."""

    async def main() -> dict[str, float]:
        numbers: dict[str, float] = {}
        limit = asyncio.Semaphore(concurrency)
        async with AsyncClient(TENANT, CLIENT_ID, ClientSecret(SECRET), url) as client:

            async def get(number: int) -> None:
                async with limit:
                    await client.get_token(SCOPE, tenant_id=f"tenant-{number:06d}.example")

            await asyncio.gather(*(get(number) for number in range(-concurrency, 0)))
            before, part = resident(), tenants // steps
            for step in range(steps):
                await asyncio.gather(*(get(number) for number in range(step * part, (step + 1) * part)))
                numbers[f"bytes_at_{(step + 1) * part}"] = resident() - before
        return {**numbers, "bytes_per_token": numbers[f"bytes_at_{steps * part}"] / (steps * part)}

    return asyncio.run(main())


def hit_blocking(entries: int, *, spread: bool = False) -> dict[str, float]:
    """A cached token: always the same one, or with `spread` those of all tenants in random order."""
    stores = memory_stores()
    client = Client(TENANT, CLIENT_ID, ClientSecret(SECRET), stores=stores)
    names = _fill(stores, client, entries)
    for name in names:
        client.get_token(SCOPE, tenant_id=name)
    return seconds_per_call(lambda name: client.get_token(SCOPE, tenant_id=name), names if spread else names[-1:])


def hit_asyncio(entries: int, *, spread: bool = False) -> dict[str, float]:
    """`hit_blocking` under asyncio."""
    stores = memory_stores()
    client = AsyncClient(TENANT, CLIENT_ID, ClientSecret(SECRET), stores=stores)
    names = _fill(stores, client, entries)

    async def main() -> dict[str, float]:
        for name in names:
            await client.get_token(SCOPE, tenant_id=name)
        return await seconds_per_await(
            lambda name: client.get_token(SCOPE, tenant_id=name), names if spread else names[-1:]
        )

    return asyncio.run(main())


def _fill(stores: Stores, client: Client | AsyncClient, entries: int) -> list[str]:
    """Put a token of each of `entries` tenants into the store, and return the tenants' names."""
    names = [f"tenant-{number:06d}.example" for number in range(entries)]
    expires_on = int(time.time()) + 3600
    for name in names:
        token_request = client.token_request(SCOPE, tenant_id=name)
        stores.access_tokens.save(cache_key(token_request), Token(f"token of {name}", expires_on))
    return names
