"""Who waits for another's token: takes over when that one ends, goes on when it hangs, and learns why it failed."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.support.locks import is_free
from tests.support.runners import BlockingRunner, Runner, get_token_within
from tests.support.token_processes import TokenProcesses, wait_for_requests
from tests.support.token_service import CLIENT_ID, TENANT, Reply, TokenService, token_reply

from mstoken import AsyncClient, CallbackAssertion, Client, ClientAssertion, ClientSecret, Stores, UsageError
from mstoken.protocol.cache_key import cache_key
from mstoken.runtimes.asyncio import AsyncioRuntime
from mstoken.stores.cipher import Cipher
from mstoken.stores.folder_access_tokens import FolderAccessTokens
from mstoken.stores.memory import MemoryRefreshTokens, memory_stores
from mstoken.stores.user_stores import user_stores
from mstoken.transports.asyncio import AsyncHttpTransport

SLOW = Reply(200, token_reply().body, delay=0.5)
ASSERTION = "eyJhbGciOiJub25lIn0.eyJleHAiOjQwMDAwMDAwMDB9.c2ln"


def test_another_process_takes_over_when_the_requesting_one_is_killed(
    make_token_processes: Callable[..., TokenProcesses], store: str, token_service: TokenService
) -> None:
    """SIGKILL while the service has not answered: one of those who wait asks, and all of them get its answer."""
    token_service.script = [Reply(200, token_reply("lost").body, delay=20), token_reply("second")]
    askers = make_token_processes(store, lease=3)
    [asker] = askers.start(1)
    waiting = askers.start(4)
    askers.request_tokens(asker)
    wait_for_requests(token_service, 1)
    askers.request_tokens(*waiting)
    time.sleep(0.3)
    asker.kill()
    assert askers.outputs(*waiting) == ["second"] * 4
    assert len(token_service.requests) == 2


def test_a_caller_stops_waiting_for_a_hanging_process_at_its_timeout(
    runner: Runner,
    make_token_processes: Callable[..., TokenProcesses],
    token_service: TokenService,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A stopped process keeps the turn, and its lock: the others wait as long as a call may last, and then ask."""
    token_service.script = [Reply(200, token_reply("lost").body, delay=20), token_reply("second")]
    askers = make_token_processes("folder")
    [asker] = askers.start(1)
    askers.request_tokens(asker)
    wait_for_requests(token_service, 1)
    asker.send_signal(signal.SIGSTOP)
    monkeypatch.setenv("MSTOKEN_CACHE_DIR", str(askers.home() / "cache"))
    client = runner.client(TENANT, CLIENT_ID, ClientSecret("s3cret"), token_service.url, user_stores())
    began = time.monotonic()
    assert get_token_within(runner, client, 4).token == "second"
    assert time.monotonic() - began >= 4


def test_a_caller_stops_waiting_for_a_hanging_caller_at_its_timeout(
    runner: Runner, token_service: TokenService
) -> None:
    """The same within a process: a function that proves the client never comes back, in one thread."""
    asking, end = threading.Event(), threading.Event()

    def prove() -> str:
        if not asking.is_set():
            asking.set()
            end.wait(60)
        return ASSERTION

    stores = memory_stores()
    credential = ClientAssertion(CallbackAssertion(prove))
    hanging = Client(TENANT, CLIENT_ID, credential, token_service.url, stores)
    thread = threading.Thread(target=lambda: hanging.get_token("graph"))
    thread.start()
    try:
        assert asking.wait(30)
        client = (
            hanging
            if isinstance(runner, BlockingRunner)
            else runner.client(TENANT, CLIENT_ID, credential, token_service.url, stores)
        )
        assert get_token_within(runner, client, 4).token == "token-1"
        assert thread.is_alive()
    finally:
        end.set()
        thread.join()


def test_another_task_takes_over_when_the_requesting_one_is_cancelled(token_service: TokenService) -> None:
    """The cancelled task ends at once; of the fifty who wait one asks, and all get its answer."""
    token_service.script = [Reply(200, token_reply("lost").body, delay=20), token_reply("second")]

    async def main() -> list[str]:
        async with AsyncClient(TENANT, CLIENT_ID, ClientSecret("s"), token_service.url) as client:
            asker = asyncio.create_task(client.get_token("graph"))
            await asyncio.to_thread(wait_for_requests, token_service, 1)
            waiting = [asyncio.create_task(client.get_token("graph")) for _ in range(50)]
            await asyncio.sleep(0.05)
            asker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asker
            assert asker.cancelled()
            return [token.token for token in await asyncio.gather(*waiting)]

    assert asyncio.run(main()) == ["second"] * 50
    assert len(token_service.requests) == 2


def test_cancelling_a_waiting_task_does_not_affect_others(token_service: TokenService) -> None:
    """It leaves the others' turn as it is."""
    token_service.script = [SLOW]

    async def main() -> list[str]:
        async with AsyncClient(TENANT, CLIENT_ID, ClientSecret("s"), token_service.url) as client:
            tasks = [asyncio.create_task(client.get_token("graph")) for _ in range(20)]
            await asyncio.to_thread(wait_for_requests, token_service, 1)
            for task in tasks[1::2]:
                task.cancel()
            await asyncio.wait(tasks)
            return [task.result().token for task in tasks[::2]]

    assert asyncio.run(main()) == ["token-1"] * 10
    assert len(token_service.requests) == 1


def test_a_cancelled_task_releases_its_lock(token_service: TokenService, tmp_path: Path) -> None:
    """At whatever moment it ends, also while a thread takes or ends the turn for it, others can have the turn."""
    token_service.script = [SLOW]
    store = FolderAccessTokens(str(tmp_path / "tokens"), lambda: Cipher(b"k" * 32))
    client = AsyncClient(TENANT, CLIENT_ID, ClientSecret("s"), token_service.url, Stores(store, MemoryRefreshTokens()))
    key = cache_key(client.token_request("graph"))

    async def cut_short(after_in: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(client.get_token("graph"), after_in)

    for number in range(60):
        asyncio.run(cut_short(number * 0.0002))
        assert is_free(store, key), number


def test_a_lock_is_released_although_no_thread_is_free(tmp_path: Path) -> None:
    """Its task is cancelled while the program's own work takes up every thread there is."""
    store, key, free_again = FolderAccessTokens(str(tmp_path / "tokens")), "0" * 40, threading.Event()
    runtime = AsyncioRuntime(AsyncHttpTransport(), store, MemoryRefreshTokens())

    async def main() -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        holds = asyncio.Event()

        async def hold() -> None:
            async with runtime.single_flight(key, 5):
                busy.append(asyncio.create_task(asyncio.to_thread(free_again.wait, 30)))
                await asyncio.sleep(0)
                holds.set()

        busy: list[asyncio.Task[bool]] = []
        holding = asyncio.create_task(hold())
        await holds.wait()
        await asyncio.sleep(0.05)  # now it waits for a thread to end its turn in
        assert not is_free(store, key)
        holding.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await holding
        assert is_free(store, key)
        free_again.set()
        await busy[0]

    asyncio.run(main())


def test_a_cancelled_waiter_ends_at_once(
    make_token_processes: Callable[..., TokenProcesses], token_service: TokenService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process has the turn; no thread of a program that is to end waits on for it."""
    token_service.script = [Reply(200, token_reply().body, delay=20)]
    askers = make_token_processes("folder")
    askers.request_tokens(*askers.start(1))
    wait_for_requests(token_service, 1)
    monkeypatch.setenv("MSTOKEN_CACHE_DIR", str(askers.home() / "cache"))

    async def main() -> None:
        async with AsyncClient(TENANT, CLIENT_ID, ClientSecret("s3cret"), token_service.url, user_stores()) as client:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.get_token("graph"), 0.5)

    began = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - began < 10
    assert len(token_service.requests) == 1


def test_another_thread_takes_over_when_the_requesting_one_ends(token_service: TokenService) -> None:
    """A thread that is ended while it asks (SystemExit) fails nobody else."""
    asking, end = threading.Event(), threading.Event()

    def prove() -> str:
        if not asking.is_set():
            asking.set()
            end.wait(20)
            raise SystemExit
        return ASSERTION

    client = Client(TENANT, CLIENT_ID, ClientAssertion(CallbackAssertion(prove)), token_service.url)
    got: list[str] = []

    def ask() -> None:
        with contextlib.suppress(SystemExit):
            got.append(client.get_token("graph").token)

    first = threading.Thread(target=ask)
    first.start()
    assert asking.wait(20)
    others = [threading.Thread(target=ask) for _ in range(10)]
    for thread in others:
        thread.start()
    end.set()
    for thread in (first, *others):
        thread.join(30)
    assert got == ["token-1"] * 10
    assert len(token_service.requests) == 1


class Odd(Exception):
    """An error of a caller's own that cannot be made from what it shows."""

    def __init__(self, what: str, code: int) -> None:
        super().__init__(f"{what} {code}")
        self.code = code


def test_waiting_callers_share_the_error_and_not_its_traceback(runner: Runner, token_service: TokenService) -> None:
    """Each of twenty gets an error of its own, of the same kind and content, though it was raised once."""
    called: list[str] = []

    def prove() -> str:
        called.append("once")
        until = time.monotonic() + 30
        while next(iter(client._runtime._flights.values())).users < 20 and time.monotonic() < until:
            time.sleep(0.01)
        raise Odd("no", 7)

    client = runner.client(TENANT, CLIENT_ID, ClientAssertion(CallbackAssertion(prove)), token_service.url)
    failures = runner.gather(lambda: client.get_token("graph"), 20)
    assert {type(one) for one in failures} == {UsageError}
    assert {(type(one.__cause__), str(one.__cause__)) for one in failures} == {(Odd, "no 7")}
    assert len({id(one) for one in failures}) == 20
    longest = max(len(traceback.extract_tb(one.__traceback__)) for one in failures)
    assert longest < 40
    assert called == ["once"]
