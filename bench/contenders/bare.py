"""Bare HTTP clients: post the form, read the JSON, keep nothing. What any token client is above."""

from __future__ import annotations

import asyncio
import json
import ssl
from urllib.parse import urlencode

from bench.contenders.fan_out import FORM_TYPE, SECRET, clocked, in_tasks, in_threads
from bench.run import CLIENT_ID, SCOPE


def _form() -> bytes:
    form = {"client_id": CLIENT_ID, "client_secret": SECRET, "grant_type": "client_credentials", "scope": SCOPE}
    return urlencode(form).encode()


def pyreqwest_by_tasks(url: str, tenants: int, concurrency: int) -> dict[str, float]:
    from pyreqwest.client import ClientBuilder

    async def main() -> None:
        async with ClientBuilder().build() as client:

            async def ask(tenant: str) -> str:
                post = client.post(f"{url}/{tenant}/oauth2/v2.0/token").header("content-type", FORM_TYPE)
                answer = await post.body_bytes(_form()).build().send()
                return str(json.loads(bytes(await answer.bytes()))["access_token"])

            await in_tasks(ask, tenants, concurrency)

    with clocked(tenants) as numbers:
        asyncio.run(main())
    return numbers


def pyreqwest_by_threads(url: str, tenants: int, concurrency: int) -> dict[str, float]:
    from pyreqwest.client import SyncClientBuilder

    with clocked(tenants) as numbers, SyncClientBuilder().build() as client:

        def ask(tenant: str) -> str:
            post = client.post(f"{url}/{tenant}/oauth2/v2.0/token").header("content-type", FORM_TYPE)
            answer = post.body_bytes(_form()).build().send()
            return str(json.loads(bytes(answer.bytes()))["access_token"])

        in_threads(ask, tenants, concurrency)
    return numbers


def aiohttp_by_tasks(url: str, tenants: int, concurrency: int) -> dict[str, float]:
    import aiohttp

    async def main() -> None:
        connector = aiohttp.TCPConnector(limit=concurrency, ssl=ssl.create_default_context())
        async with aiohttp.ClientSession(connector=connector) as session:

            async def ask(tenant: str) -> str:
                where = f"{url}/{tenant}/oauth2/v2.0/token"
                async with session.post(where, data=_form(), headers={"content-type": FORM_TYPE}) as answer:
                    return str(json.loads(await answer.read())["access_token"])

            await in_tasks(ask, tenants, concurrency)

    with clocked(tenants) as numbers:
        asyncio.run(main())
    return numbers
