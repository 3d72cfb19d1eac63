"""A process that requests tokens: `python token_process.py URL STORE LEASE [TENANTS]`.

It prints "ready", waits for a line, then sends its requests.

STORE is `folder` (MSTOKEN_CACHE_DIR says where) or the URL of a Redis; LEASE is for the latter, in seconds. Prints the
token; with TENANTS, asks for so many at once under asyncio, in an order of its own, and prints how many came.
"""

from __future__ import annotations

import asyncio
import random
import sys

from mstoken import AsyncClient, Client, ClientSecret, MstokenError, Stores
from mstoken.stores.memory import MemoryRefreshTokens
from mstoken.stores.redis_access_tokens import RedisAccessTokens
from mstoken.stores.redis_connection import RedisConnection
from mstoken.stores.user_stores import user_stores
from mstoken.transports.blocking import HttpTransport

TENANT, CLIENT_ID = "contoso.onmicrosoft.com", "6731de76-14a6-49ae-97bc-6eba6914391e"


def main(url: str, store: str, lease: str, tenants: str = "") -> None:
    stores = (
        user_stores()
        if store == "folder"
        else Stores(RedisAccessTokens(RedisConnection(store, b"\x07" * 32), float(lease)), MemoryRefreshTokens())
    )
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    sys.stdout.write(f"{asyncio.run(_many(url, stores, int(tenants))) if tenants else _one(url, stores)}\n")


def _one(url: str, stores: Stores) -> str:
    client = Client(TENANT, CLIENT_ID, ClientSecret("s3cret"), url, stores, HttpTransport())
    try:
        return client.get_token("graph").token
    except MstokenError as error:
        return f"{type(error).__name__}: {error.message}"


async def _many(url: str, stores: Stores, tenants: int) -> str:
    order = [f"{number}.example.com" for number in range(tenants)]
    random.shuffle(order)
    async with AsyncClient(TENANT, CLIENT_ID, ClientSecret("s3cret"), url, stores) as client:
        asking = (client.get_token("graph", tenant_id=tenant) for tenant in order)
        answers = await asyncio.gather(*asking, return_exceptions=True)
    failures = [repr(answer) for answer in answers if isinstance(answer, BaseException)]
    return f"{len(answers) - len(failures)} {failures[:1]}"


if __name__ == "__main__":
    main(*sys.argv[1:])
