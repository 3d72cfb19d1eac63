"""Many callers that want the same token at the same moment. Each function measures the time until the last has it."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bench.parameters import CLIENT_ID, SCOPE, SECRET, TENANT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from mstoken.flows.store_port import Stores

_LONGEST_IN = 300


def mstoken_threads(url: str, callers: int) -> dict[str, float]:
    from mstoken import Client, ClientSecret

    with Client(TENANT, CLIENT_ID, ClientSecret(SECRET), url) as client:
        return _threads(lambda: client.get_token(SCOPE).token, callers)


def msal_threads(url: str, callers: int) -> dict[str, float]:
    from bench.clients.msal_python import application, token

    app = application(url, TENANT)
    return _threads(lambda: token(app), callers)


def azure_threads(url: str, callers: int) -> dict[str, float]:
    from azure.identity import ClientSecretCredential

    with ClientSecretCredential(
        TENANT, CLIENT_ID, SECRET, authority=url, disable_instance_discovery=True
    ) as credential:
        return _threads(lambda: credential.get_token(SCOPE).token, callers)


def mstoken_tasks(url: str, callers: int) -> dict[str, float]:
    from mstoken import AsyncClient, ClientSecret

    async def main() -> dict[str, float]:
        async with AsyncClient(TENANT, CLIENT_ID, ClientSecret(SECRET), url) as client:
            return await _tasks(lambda: client.get_token(SCOPE), callers)

    return asyncio.run(main())


def azure_tasks(url: str, callers: int) -> dict[str, float]:
    from azure.identity.aio import ClientSecretCredential

    async def main() -> dict[str, float]:
        async with ClientSecretCredential(
            TENANT, CLIENT_ID, SECRET, authority=url, disable_instance_discovery=True
        ) as credential:
            return await _tasks(lambda: credential.get_token(SCOPE), callers)

    return asyncio.run(main())


def mstoken_processes(url: str, callers: int, cache: str) -> dict[str, float]:
    return _processes(_mstoken_process, url, callers, cache)


def mstoken_machines(url: str, callers: int, cache: str) -> dict[str, float]:
    """Processes with a home folder of their own, like separate machines; they share a Redis server."""
    with redis_at(f"{cache}/socket"):
        return _processes(_mstoken_machine, url, callers, cache)


def _mstoken_machine(url: str, cache: str, start: Any) -> None:
    from mstoken import Client, ClientSecret, redis_stores

    os.environ["HOME"] = os.environ["XDG_RUNTIME_DIR"] = tempfile.mkdtemp(dir=cache)
    with Client(
        TENANT, CLIENT_ID, ClientSecret(SECRET), url, redis_stores(f"unix://{cache}/socket", b"k" * 32)
    ) as client:
        start.wait(_LONGEST_IN)
        assert client.get_token(SCOPE).token


@contextmanager
def redis_at(socket: str) -> Iterator[None]:
    """A Redis server on a unix socket while the block runs."""
    command = ["redis-server", "--port", "0", "--unixsocket", socket, "--save", ""]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            until = time.monotonic() + _LONGEST_IN
            while not os.path.exists(socket):  # noqa: PTH110 - it only has to be there
                if server.poll() is not None or time.monotonic() > until:
                    raise RuntimeError("redis-server did not start")
                time.sleep(0.01)
            yield
        finally:
            server.terminate()


def msal_processes(url: str, callers: int, cache: str) -> dict[str, float]:
    return _processes(_msal_process, url, callers, cache)


def _mstoken_process(url: str, cache: str, start: Any) -> None:
    from mstoken import Client, ClientSecret

    with Client(TENANT, CLIENT_ID, ClientSecret(SECRET), url, _stores(cache)) as client:
        start.wait(_LONGEST_IN)
        assert client.get_token(SCOPE).token


def _stores(cache: str) -> Stores:
    from mstoken.flows.store_port import Stores
    from mstoken.stores.folder_access_tokens import FolderAccessTokens
    from mstoken.stores.memory import MemoryRefreshTokens

    return Stores(FolderAccessTokens(f"{cache}/tokens"), MemoryRefreshTokens())


def _msal_process(url: str, cache: str, start: Any) -> None:
    from msal_extensions import FilePersistence, PersistedTokenCache

    from bench.clients.msal_python import application, token

    app = application(url, TENANT, token_cache=PersistedTokenCache(FilePersistence(f"{cache}/msal.json")))
    start.wait(_LONGEST_IN)
    assert token(app)


def _threads(token: Callable[[], str], callers: int) -> dict[str, float]:
    start, tokens = threading.Barrier(callers + 1), []

    def call() -> None:
        start.wait(_LONGEST_IN)
        tokens.append(token())

    threads = [threading.Thread(target=call) for _ in range(callers)]
    for thread in threads:
        thread.start()
    start.wait(_LONGEST_IN)
    started = time.perf_counter()
    for thread in threads:
        thread.join(_LONGEST_IN)
    assert len(tokens) == callers
    return {"seconds": time.perf_counter() - started}


async def _tasks(token: Callable[[], Awaitable[Any]], callers: int) -> dict[str, float]:
    started = time.perf_counter()
    tokens = await asyncio.gather(*(token() for _ in range(callers)))
    assert len(tokens) == callers
    return {"seconds": time.perf_counter() - started}


def _processes(main: Callable[[str, str, Any], None], url: str, callers: int, cache: str) -> dict[str, float]:
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(callers + 1)
    processes = [context.Process(target=main, args=(url, cache, start)) for _ in range(callers)]
    for process in processes:
        process.start()
    start.wait(_LONGEST_IN)
    started = time.perf_counter()
    for process in processes:
        process.join(_LONGEST_IN)
    assert [process.exitcode for process in processes] == [0] * callers
    return {"seconds": time.perf_counter() - started}
