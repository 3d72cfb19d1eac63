"""Bare HTTP clients, the baseline of every token client: post the form, read the JSON, cache nothing."""

from __future__ import annotations

import asyncio
import http.client
import json
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode, urlsplit

from bench.clients.fan_out import in_tasks, in_threads, measured
from bench.parameters import CLIENT_ID, FORM_TYPE, SCOPE, SECRET


class Connections:
    """`http.client` with one kept connection per thread."""

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)
        self._context = ssl.create_default_context()
        self._local = threading.local()

    def token(self, tenant: str) -> str:
        """The access token that the service answers with."""
        connection = getattr(self._local, "connection", None) or self._connect()
        connection.request("POST", f"/{tenant}/oauth2/v2.0/token", _form(), {"content-type": FORM_TYPE})
        return str(json.loads(connection.getresponse().read())["access_token"])

    def _connect(self) -> http.client.HTTPSConnection:
        host, port = self._url.hostname or "", self._url.port
        self._local.connection = http.client.HTTPSConnection(host, port, context=self._context)
        connection: http.client.HTTPSConnection = self._local.connection
        return connection


def http_client_in_threads(url: str, tenants: int, concurrency: int) -> dict[str, float]:
    with measured(tenants) as numbers:
        in_threads(Connections(url).token, tenants, concurrency)
    return numbers


def http_client_in_tasks(url: str, tenants: int, concurrency: int) -> dict[str, float]:
    """Under asyncio, which has no HTTP client of its own: each request runs in a thread."""

    async def main() -> None:
        connections, loop = Connections(url), asyncio.get_running_loop()
        with ThreadPoolExecutor(concurrency) as pool:
            await in_tasks(lambda tenant: loop.run_in_executor(pool, connections.token, tenant), tenants, concurrency)

    with measured(tenants) as numbers:
        asyncio.run(main())
    return numbers


def aiohttp_in_tasks(url: str, tenants: int, concurrency: int) -> dict[str, float]:
    import aiohttp

    async def main() -> None:
        connector = aiohttp.TCPConnector(limit=concurrency, ssl=ssl.create_default_context())
        async with aiohttp.ClientSession(connector=connector) as session:

            async def token(tenant: str) -> str:
                place = f"{url}/{tenant}/oauth2/v2.0/token"
                async with session.post(place, data=_form(), headers={"content-type": FORM_TYPE}) as response:
                    return str(json.loads(await response.read())["access_token"])

            await in_tasks(token, tenants, concurrency)

    with measured(tenants) as numbers:
        asyncio.run(main())
    return numbers


def one_token(url: str, tenant: str) -> dict[str, float]:
    """One token over a new connection, in a program that then ends."""
    return {"tokens": float(bool(Connections(url).token(tenant)))}


def _form() -> bytes:
    form = {"client_id": CLIENT_ID, "client_secret": SECRET, "grant_type": "client_credentials", "scope": SCOPE}
    return urlencode(form).encode()
