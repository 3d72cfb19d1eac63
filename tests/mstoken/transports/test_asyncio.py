"""Requests of event loops in daemon threads: cancelling, crowds, loops that end, and the end of Python."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from tests.support.raw_server import RawServer
from tests.support.token_service import Reply, TokenService

from mstoken import TransportError
from mstoken.protocol.http import HttpRequest
from mstoken.transports import workers
from mstoken.transports.asyncio import AsyncHttpTransport
from mstoken.transports.workers import Workers

SLOW = Reply(200, "late", delay=30)


def _wait_until(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not true():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_cancelled_task_ends_at_once_and_closes_its_connection() -> None:
    """The server sees the connection end; no thread waits on for its answer."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ended = threading.Event()

        def serve() -> None:
            with listening.accept()[0] as link:
                link.settimeout(20)
                while link.recv(65_536):
                    pass
                ended.set()

        thread = threading.Thread(target=serve)
        thread.start()

        async def main() -> float:
            transport = AsyncHttpTransport()
            url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
            task = asyncio.create_task(transport.send(HttpRequest("GET", url, timeout_in=30)))
            await asyncio.sleep(0.3)
            began = time.monotonic()
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            return time.monotonic() - began

        assert asyncio.run(main()) < 5
        assert ended.wait(20)
        thread.join()


def test_a_task_that_is_cancelled_before_its_thread_begins_sends_nothing(
    token_service: TokenService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was waiting for a thread."""
    monkeypatch.setattr(workers, "MOST_THREADS", 1)
    monkeypatch.setattr("mstoken.transports.asyncio.WORKERS", Workers())
    token_service.script = [Reply(200, "ok", delay=0.5)]

    async def main() -> None:
        transport = AsyncHttpTransport()
        first = asyncio.create_task(transport.send(HttpRequest("GET", f"{token_service.url}/first")))
        second = asyncio.create_task(transport.send(HttpRequest("GET", f"{token_service.url}/second")))
        await asyncio.sleep(0.1)
        second.cancel()
        with suppress(asyncio.CancelledError):
            await second
        assert (await first).status == 200
        assert (await transport.send(HttpRequest("GET", f"{token_service.url}/third"))).status == 200
        await transport.close()

    asyncio.run(main())
    assert [request.path for request in token_service.requests] == ["/first", "/third"]


def test_a_task_that_is_cancelled_while_it_connects_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection may come about later; the request is not made then."""
    go_on = threading.Event()
    real = socket.getaddrinfo

    def late(host: Any, port: Any, **options: Any) -> Any:
        if options.get("flags"):
            return real(host, port, **options)
        go_on.wait(20)
        return real("127.0.0.1", port, **options)

    monkeypatch.setattr(socket, "getaddrinfo", late)
    with RawServer([[b"HTTP/1.1 204 No Content\r\n\r\n"]]) as server:
        url = server.url.replace("127.0.0.1", "late.example")

        async def main() -> None:
            task = asyncio.create_task(AsyncHttpTransport().send(HttpRequest("GET", url)))
            await asyncio.sleep(0.2)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

        asyncio.run(main())
        go_on.set()
        time.sleep(0.3)
        assert server.received == []


def test_five_hundred_requests_are_in_flight_at_once() -> None:
    """Each has a thread, where the default executor has a few; none waits for another's answer."""
    together = threading.Barrier(512)

    def answer(_: object) -> Reply:
        together.wait(60)  # breaks, and fails the test, unless all of them are here
        return Reply(200, "ok")

    service = TokenService()
    service.script = [answer]

    async def main() -> list[int]:
        transport = AsyncHttpTransport()
        request = HttpRequest("GET", service.url, timeout_in=90)
        answers = await asyncio.gather(*(transport.send(request) for _ in range(512)))
        await transport.close()
        return [answer.status for answer in answers]

    assert asyncio.run(main()) == [200] * 512
    service.close()


def test_more_requests_than_threads_are_all_served(
    token_service: TokenService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the limit they wait for a thread."""
    monkeypatch.setattr(workers, "MOST_THREADS", 3)
    made = Workers()
    monkeypatch.setattr("mstoken.transports.asyncio.WORKERS", made)

    async def main() -> list[int]:
        transport = AsyncHttpTransport()
        answers = await asyncio.gather(*(transport.send(HttpRequest("GET", token_service.url)) for _ in range(20)))
        await transport.close()
        return [answer.status for answer in answers]

    assert asyncio.run(main()) == [200] * 20
    assert made._threads <= 3
    assert token_service.connections <= 3


def test_idle_threads_end(token_service: TokenService, monkeypatch: pytest.MonkeyPatch) -> None:
    """And new ones are started by need."""
    monkeypatch.setattr(workers, "IDLE_IN", 0.05)
    made = Workers()
    monkeypatch.setattr("mstoken.transports.asyncio.WORKERS", made)

    async def main() -> None:
        transport = AsyncHttpTransport()
        for _ in range(3):
            assert (await transport.send(HttpRequest("GET", token_service.url))).status == 200
            await asyncio.to_thread(_wait_until, lambda: not made._threads)
        await transport.close()

    asyncio.run(main())


def test_an_answer_for_a_loop_that_has_ended_is_dropped(token_service: TokenService) -> None:
    """Without an error in the thread: the next loop is served by it."""
    token_service.script = [Reply(200, "ok", delay=0.3), Reply(200, "ok")]
    transport = AsyncHttpTransport()

    async def abandon() -> None:
        asyncio.get_running_loop().call_later(0.1, asyncio.get_running_loop().stop)
        await transport.send(HttpRequest("GET", token_service.url))

    loop = asyncio.new_event_loop()
    task = loop.create_task(abandon())
    loop.run_forever()
    task.cancel()
    loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
    loop.close()
    time.sleep(0.5)
    assert asyncio.run(transport.send(HttpRequest("GET", token_service.url))).status == 200
    asyncio.run(transport.close())


def test_loops_in_threads_share_a_transport(token_service: TokenService) -> None:
    """At once, each with requests of its own."""
    transport = AsyncHttpTransport()
    statuses: list[int] = []

    async def main() -> None:
        request = HttpRequest("GET", token_service.url)
        answers = await asyncio.gather(*(transport.send(request) for _ in range(10)))
        statuses.extend(answer.status for answer in answers)

    threads = [threading.Thread(target=lambda: asyncio.run(main())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 40
    asyncio.run(transport.close())


def test_a_thread_that_cannot_be_started_is_an_error(
    monkeypatch: pytest.MonkeyPatch, token_service: TokenService
) -> None:
    """An error of ours, and no request that waits for ever; as soon as threads can be started all is well."""
    made = Workers()
    monkeypatch.setattr("mstoken.transports.asyncio.WORKERS", made)

    def cannot(_: object) -> None:
        raise RuntimeError("can't start new thread")

    transport = AsyncHttpTransport()
    with monkeypatch.context() as context:
        context.setattr(threading.Thread, "start", cannot)
        with pytest.raises(TransportError, match="No thread can be started"):
            asyncio.run(transport.send(HttpRequest("GET", token_service.url)))
    assert asyncio.run(transport.send(HttpRequest("GET", token_service.url))).status == 200
    asyncio.run(transport.close())


def test_a_failure_is_raised_where_the_request_was_made() -> None:
    """With the frames of the thread, and without a cycle that keeps them alive."""

    async def main() -> None:
        with pytest.raises(TransportError, match="refused") as caught:
            await AsyncHttpTransport().send(HttpRequest("GET", "http://127.0.0.1:1/"))
        assert str(caught.traceback[-1].path).endswith("connecting.py")

    asyncio.run(main())


PROGRAM = """
import asyncio, sys
from mstoken.protocol.http import HttpRequest
from mstoken.transports.asyncio import AsyncHttpTransport
async def main():
    transport = AsyncHttpTransport()
    with __import__("contextlib").suppress(TimeoutError):
        async with asyncio.timeout(0.5):
            await asyncio.gather(*(transport.send(HttpRequest("GET", sys.argv[1], timeout_in=60)) for _ in range(5)))
asyncio.run(main())
"""


def test_a_program_exits_without_waiting_for_responses() -> None:
    """Threads whose requests were given up end with Python, quietly."""
    service = TokenService()
    service.script = [SLOW]
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, service.url],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert time.monotonic() - began < 20
    service.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_of_a_fork_begins_with_no_thread() -> None:
    """Threads are not carried over; what counts them must not count the parent's."""
    made = Workers()
    done = threading.Event()
    made.run(done.set)
    assert done.wait(20)
    made._reset_after_fork()
    assert (made._threads, made._idle, list(made._waiting)) == (0, [], [])
