"""One request for any number of callers of one token: tasks, threads, processes, machines; and when the asker dies."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.redis_server import RedisServer
from tests.support.token_service import CLIENT_ID, TENANT, Asked, Reply, TokenService, token_reply

from mstoken import AsyncClient, CallbackAssertion, Client, ClientAssertion, ClientSecret

SLOW = Reply(200, token_reply().body, delay=0.5)


class Askers:
    """Processes that ask for one and the same token; `machine` sets some apart from others."""

    def __init__(self, folder: Path, url: str, store: str) -> None:
        self._folder, self._arguments = folder, [url, store, "1"]
        self.started: list[subprocess.Popen[str]] = []

    def start(self, many: int, machine: str = "one") -> list[subprocess.Popen[str]]:
        """So many of one machine, ready to ask."""
        place = self._folder / machine
        environment = {**os.environ, "HOME": str(place), "MSTOKEN_CACHE_DIR": str(place / "cache")}
        script = str(Path(__file__).parents[1] / "support" / "asker.py")
        pipe = subprocess.PIPE
        made = [
            subprocess.Popen(
                [sys.executable, script, *self._arguments], env=environment, text=True, stdin=pipe, stdout=pipe
            )
            for _ in range(many)
        ]
        self.started += made
        for process in made:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        return made

    @staticmethod
    def go(*processes: subprocess.Popen[str]) -> None:
        for process in processes:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()

    @staticmethod
    def answers(*processes: subprocess.Popen[str]) -> list[str]:
        return [process.communicate(timeout=60)[0].strip() for process in processes]


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    """A Redis server of the test's own."""
    server = RedisServer()
    yield server
    server.close()


@pytest.fixture(params=["folder", "redis"])
def askers(request: pytest.FixtureRequest, tmp_path: Path, token_service: TokenService) -> Iterator[Askers]:
    """Askers by each store that processes share."""
    store = "folder" if request.param == "folder" else request.getfixturevalue("redis").url
    made = Askers(tmp_path, token_service.url, store)
    yield made
    for process in made.started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def token_service() -> Iterator[TokenService]:
    """A scripted token service, gone after the test."""
    service = TokenService()
    yield service
    service.close()


def _wait_for(service: TokenService, requests: int) -> None:
    until = time.monotonic() + 30
    while len(service.asked) < requests:
        assert time.monotonic() < until, "nobody asks"
        time.sleep(0.01)


def test_sixteen_processes_make_one_request(askers: Askers, token_service: TokenService) -> None:
    """Started cold, all at once, on one machine."""
    token_service.script = [SLOW]
    processes = askers.start(16)
    askers.go(*processes)
    assert askers.answers(*processes) == ["token-1"] * 16
    assert len(token_service.asked) == 1


def test_two_machines_of_eight_processes_make_one_request(
    tmp_path: Path, token_service: TokenService, redis: RedisServer
) -> None:
    """They share nothing but a Redis."""
    token_service.script = [SLOW]
    askers = Askers(tmp_path, token_service.url, redis.url)
    processes = askers.start(8, "here") + askers.start(8, "there")
    askers.go(*processes)
    assert askers.answers(*processes) == ["token-1"] * 16
    assert len(token_service.asked) == 1


def test_another_process_takes_over_when_the_asker_is_killed(askers: Askers, token_service: TokenService) -> None:
    """SIGKILL while the service has not answered: one of those who wait asks, and all of them get its answer."""
    token_service.script = [Reply(200, token_reply("lost").body, delay=20), token_reply("second")]
    [asker] = askers.start(1)
    waiting = askers.start(4)
    askers.go(asker)
    _wait_for(token_service, 1)
    askers.go(*waiting)
    time.sleep(0.3)
    asker.kill()
    assert askers.answers(*waiting) == ["second"] * 4
    assert len(token_service.asked) == 2


def test_a_redis_that_goes_away_midway_stops_nobody(
    tmp_path: Path, token_service: TokenService, redis: RedisServer
) -> None:
    """While one asks and the others wait, the server stops: each gets a token, with its own request if it must."""
    token_service.script = [SLOW]
    askers = Askers(tmp_path, token_service.url, redis.url)
    processes = askers.start(4)
    askers.go(*processes)
    _wait_for(token_service, 1)
    redis.stop()
    assert askers.answers(*processes) == ["token-1"] * 4
    assert 1 <= len(token_service.asked) <= 4


def test_another_task_takes_over_when_the_asker_is_cancelled(token_service: TokenService) -> None:
    """The cancelled task ends at once; of the fifty who wait one asks, and all get its answer."""
    token_service.script = [Reply(200, token_reply("lost").body, delay=20), token_reply("second")]

    async def main() -> list[str]:
        async with AsyncClient(TENANT, CLIENT_ID, ClientSecret("s"), token_service.url) as client:
            asker = asyncio.create_task(client.get_token("graph"))
            await asyncio.to_thread(_wait_for, token_service, 1)
            waiting = [asyncio.create_task(client.get_token("graph")) for _ in range(50)]
            await asyncio.sleep(0.05)
            asker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asker
            assert asker.cancelled()
            return [token.token for token in await asyncio.gather(*waiting)]

    assert asyncio.run(main()) == ["second"] * 50
    assert len(token_service.asked) == 2


def test_a_waiting_task_may_be_cancelled_without_harm(token_service: TokenService) -> None:
    """It leaves the others' turn as it is."""
    token_service.script = [SLOW]

    async def main() -> list[str]:
        async with AsyncClient(TENANT, CLIENT_ID, ClientSecret("s"), token_service.url) as client:
            tasks = [asyncio.create_task(client.get_token("graph")) for _ in range(20)]
            await asyncio.to_thread(_wait_for, token_service, 1)
            for task in tasks[1::2]:
                task.cancel()
            await asyncio.wait(tasks)
            return [task.result().token for task in tasks[::2]]

    assert asyncio.run(main()) == ["token-1"] * 10
    assert len(token_service.asked) == 1


def test_another_thread_takes_over_when_the_asker_ends(token_service: TokenService) -> None:
    """A thread that is ended while it asks (SystemExit) fails nobody else."""
    asking, end = threading.Event(), threading.Event()
    assertion = "eyJhbGciOiJub25lIn0.eyJleHAiOjQwMDAwMDAwMDB9.c2ln"

    def prove() -> str:
        if not asking.is_set():
            asking.set()
            end.wait(20)
            raise SystemExit
        return assertion

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
    assert len(token_service.asked) == 1


def test_a_token_due_for_renewal_is_renewed_by_one(token_service: TokenService) -> None:
    """Ahead of expiry: one of forty callers renews; meanwhile and afterwards nobody is without a valid token."""

    def answer(asked: Asked) -> Reply:
        first = len(token_service.asked) == 1
        return token_reply("old", refresh_in=1) if first else Reply(200, token_reply("new").body, delay=0.3)

    token_service.script = [answer]
    client = Client(TENANT, CLIENT_ID, ClientSecret("s"), token_service.url)
    client.get_token("graph")
    time.sleep(1.1)
    got: list[str] = []
    threads = [threading.Thread(target=lambda: got.append(client.get_token("graph").token)) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert set(got) <= {"old", "new"}
    assert len(got) == 40
    assert len(token_service.asked) == 2
