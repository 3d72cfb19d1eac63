"""One request for any number of callers of one token: tasks, threads, processes, machines."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from tests.support.redis_server import RedisServer
from tests.support.runners import Runner
from tests.support.token_processes import TokenProcesses, wait_for_requests
from tests.support.token_service import CLIENT_ID, TENANT, RecordedRequest, Reply, TokenService, token_reply

from mstoken import Client, ClientSecret
from mstoken.stores.memory import memory_stores

SLOW = Reply(200, token_reply().body, delay=0.5)


def test_sixteen_processes_make_one_request(
    make_token_processes: Callable[..., TokenProcesses], store: str, token_service: TokenService
) -> None:
    """Started cold, all at once, on one machine."""
    token_service.script = [SLOW]
    askers = make_token_processes(store)
    processes = askers.start(16)
    askers.request_tokens(*processes)
    assert askers.outputs(*processes) == ["token-1"] * 16
    assert len(token_service.requests) == 1


def test_two_machines_of_eight_processes_make_one_request(
    make_token_processes: Callable[..., TokenProcesses], token_service: TokenService, redis: RedisServer
) -> None:
    """They share nothing but a Redis."""
    token_service.script = [SLOW]
    askers = make_token_processes(redis.url)
    processes = askers.start(8, "here") + askers.start(8, "there")
    askers.request_tokens(*processes)
    assert askers.outputs(*processes) == ["token-1"] * 16
    assert len(token_service.requests) == 1


def test_a_redis_outage_midway_fails_no_caller(
    make_token_processes: Callable[..., TokenProcesses], token_service: TokenService, redis: RedisServer
) -> None:
    """While one asks and the others wait, the server stops: each gets a token, with its own request if it must."""
    token_service.script = [SLOW]
    askers = make_token_processes(redis.url)
    processes = askers.start(4)
    askers.request_tokens(*processes)
    wait_for_requests(token_service, 1)
    redis.stop()
    assert askers.outputs(*processes) == ["token-1"] * 4
    assert 1 <= len(token_service.requests) <= 4


def test_many_tasks_do_not_deadlock(
    make_token_processes: Callable[..., TokenProcesses], store: str, token_service: TokenService
) -> None:
    """Three processes of two hundred tasks want the same tenants' tokens in orders of their own: one request for each.

    Each waits for turns that another has. Were they waited for in asyncio's threads, which are few, none would be left
    to end a turn with.
    """
    token_service.script = [Reply(200, token_reply().body, delay=0.2)]
    askers = make_token_processes(store, "200")
    processes = askers.start(3)
    askers.request_tokens(*processes)
    assert askers.outputs(*processes) == ["200 []"] * 3
    assert len({request.path for request in token_service.requests}) == len(token_service.requests) == 200


def test_clients_that_share_a_store_make_one_request(runner: Runner, token_service: TokenService) -> None:
    """Each has turns of its own, and the store in memory has turns for all of them: also two event loops in threads."""
    token_service.script = [SLOW]
    stores = memory_stores()
    got: list[str] = []

    def ask() -> None:
        own = type(runner)()
        client = own.client(TENANT, CLIENT_ID, ClientSecret("s"), token_service.url, stores)
        got.append(own.run(lambda: client.get_token("graph")).token)
        own.close()

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == ["token-1"] * 12
    assert len(token_service.requests) == 1


def test_one_caller_renews_a_token_that_is_due(token_service: TokenService) -> None:
    """Ahead of expiry: one of forty callers renews; meanwhile and afterwards nobody is without a valid token."""

    def answer(request: RecordedRequest) -> Reply:
        first = len(token_service.requests) == 1
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
    assert len(token_service.requests) == 2
