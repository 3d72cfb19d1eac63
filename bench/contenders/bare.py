"""Bare HTTP clients: post the form, read the JSON, keep nothing. What any token client is above."""

from __future__ import annotations

import asyncio
import http.client
import json
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode, urlsplit

from bench.contenders.fan_out import FORM_TYPE, SECRET, clocked, in_tasks, in_threads
from bench.run import CLIENT_ID, SCOPE


def _form() -> bytes:
    form = {"client_id": CLIENT_ID, "client_secret": SECRET, "grant_type": "client_credentials", "scope": SCOPE}
    return urlencode(form).encode()


class _Connections:
    """One kept connection a thread, of the standard library."""

    def __init__(self, url: str) -> None:
        self._place = urlsplit(url)
        self._context = ssl.create_default_context()
        self._own = threading.local()

    def ask(self, tenant: str) -> str:
        link: http.client.HTTPSConnection | None = getattr(self._own, "link", None)
        if link is None:
            host, port = self._place.hostname or "", self._place.port
            link = self._own.link = http.client.HTTPSConnection(host, port, context=self._context)
        link.request("POST", f"/{tenant}/oauth2/v2.0/token", _form(), {"content-type": FORM_TYPE})
        return str(json.loads(link.getresponse().read())["access_token"])


def http_client_by_threads(url: str, tenants: int, concurrency: int) -> dict[str, float]:
    with clocked(tenants) as numbers:
        in_threads(_Connections(url).ask, tenants, concurrency)
    return numbers


def http_client_by_tasks(url: str, tenants: int, concurrency: int) -> dict[str, float]:
    """Under asyncio, with a thread for each request in flight."""

    async def main() -> None:
        connections, loop = _Connections(url), asyncio.get_running_loop()
        with ThreadPoolExecutor(concurrency) as pool:

            async def ask(tenant: str) -> str:
                return await loop.run_in_executor(pool, connections.ask, tenant)

            await in_tasks(ask, tenants, concurrency)

    with clocked(tenants) as numbers:
        asyncio.run(main())
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
