"""Waits before an API throttles: from its headers, for those whom they concern, shared by all who share the store."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.mstoken.rest.test_pages import at_emulator, listed
from tests.support.fake_clock import use_fake_clock
from tests.support.redis_server import KEY, RedisServer
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT, RecordedRequest, Reply, TokenService, token_reply

from entra_emulator import Emulator
from mstoken import ClientSecret, Stores, redis_stores
from mstoken.model import Note
from mstoken.rest.pacing import Paced
from mstoken.stores.cipher import Cipher
from mstoken.stores.folder_access_tokens import FolderAccessTokens
from mstoken.stores.memory import MemoryAccessTokens, MemoryRefreshTokens

SUBSCRIPTION = "/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333"
OTHER_TENANT = "fabrikam.onmicrosoft.com"
OTHER_CLIENT = "11111111-2222-4333-8444-555555555555"
HALF = {"x-ms-throttle-limit-percentage": "0.9"}


class Api:
    """Clients that share stores, and an API whose answers are scripted."""

    def __init__(self, runner: Runner, service: TokenService) -> None:
        self.runner, self.service = runner, service
        self.stores = Stores(MemoryAccessTokens(), MemoryRefreshTokens())
        self.slept: list[list[float]] = []
        self.replies: list[Reply] = []
        self.seen = 0
        service.script = [self._answer]

    def _answer(self, request: RecordedRequest) -> Reply:
        if request.path.endswith("/token"):
            return token_reply()
        self.seen += 1
        return self.replies.pop(0) if self.replies else Reply(200, {})

    def client(self, tenant: str = TENANT, client_id: str = CLIENT_ID) -> Any:
        made = self.runner.client(tenant, client_id, ClientSecret("s"), self.service.url, stores=self.stores)
        self.slept.append(use_fake_clock(made))
        return made

    def call(self, client: Any, method: str = "GET", path: str = "/v1.0/users", **options: Any) -> Any:
        given = {"scope": "graph", "origin": self.service.url} | options
        return self.runner.run(lambda: client.request(method, f"{self.service.url}{path}", **given))


@pytest.fixture
def api(runner: Runner, token_service: TokenService) -> Api:
    return Api(runner, token_service)


def test_the_next_request_waits_when_a_limit_is_nearly_used(api: Api) -> None:
    """Half of the window for half of the last fifth; once, and no request is lost."""
    client = api.client()
    api.replies = [Reply(200, {}, HALF)]
    assert api.call(client).status == 200
    assert api.slept == [[]], "the response itself is not held back"
    assert api.call(client).status == 200
    [wait] = api.slept[0]
    assert 4 <= wait <= 6
    api.call(client)
    assert len(api.slept[0]) == 1


@pytest.mark.parametrize("text", ["0.8", "0.79", "-1", "x", "", "1e9"])
def test_a_share_below_the_limit_or_without_meaning_is_no_reason(api: Api, text: str) -> None:
    client = api.client()
    api.replies = [Reply(200, {}, {"x-ms-throttle-limit-percentage": text})]
    api.call(client)
    api.call(client)
    assert api.slept == [[]]


def test_others_who_share_the_store_wait_too(api: Api) -> None:
    """The same application in the same tenant does; another tenant and another application do not."""
    first, same = api.client(), api.client()
    elsewhere, other = api.client(OTHER_TENANT), api.client(client_id=OTHER_CLIENT)
    api.replies = [Reply(200, {}, {"x-ms-throttle-limit-percentage": "1.5"})]
    for client in (first, same, elsewhere, other):
        api.call(client)
    assert api.slept[0] == api.slept[2] == api.slept[3] == []
    assert 9 <= api.slept[1][0] <= 11


@pytest.mark.parametrize(
    ("scope", "paused"),
    [
        ("Tenant_Application/ReadWrite/app/tenant", (True, False, False)),
        ("Tenant/Read/app/tenant", (True, False, True)),
        ("Application/ReadWrite/app/app", (True, True, False)),
        ("Application/Write/app/app", (False, False, False)),
        ("Mailbox/ReadWrite/app/x", (False, False, False)),
        ("", (False, False, False)),
    ],
)
def test_the_scope_of_a_429_says_who_waits(api: Api, scope: str, paused: tuple[bool, bool, bool]) -> None:
    """The same application elsewhere, or every application of the tenant; for reads or writes alone."""
    first, same = api.client(), api.client()
    elsewhere, other = api.client(OTHER_TENANT), api.client(client_id=OTHER_CLIENT)
    headers = {"Retry-After": "60", **({"x-ms-throttle-scope": scope} if scope else {})}
    api.replies = [Reply(429, {}, headers)]
    assert api.call(first, retries=0).status == 429
    for client in (same, elsewhere, other):
        assert api.call(client).status == 200
    assert tuple(bool(slept) for slept in api.slept[1:]) == paused
    assert all(59 <= wait <= 67 for slept in api.slept[1:] for wait in slept)


def test_a_repeated_request_waits_once(api: Api) -> None:
    """The wait that it was asked for is the pause that it shares."""
    client = api.client()
    api.replies = [Reply(429, {}, {"Retry-After": "9", "x-ms-throttle-scope": "Tenant_Application/ReadWrite/a/b"})]
    assert api.call(client).attempts == 2
    assert api.slept == [[9]]


def test_no_wait_is_longer_than_the_cap(api: Api) -> None:
    """Then the API is asked at once, and its own answer counts."""
    client = api.client()
    api.replies = [Reply(429, {}, {"Retry-After": "300", "x-ms-throttle-scope": "Tenant_Application/ReadWrite/a/b"})]
    assert api.call(client).status == 429
    assert api.call(client).status == 200
    assert api.call(client, max_wait=0).status == 200
    assert api.slept == [[]]
    api.call(client, max_wait=400)
    assert 295 <= api.slept[0][0] <= 331


@pytest.mark.parametrize(
    ("name", "text", "method", "wait"),
    [
        ("subscription-reads", "0", "GET", 1.0),
        ("subscription-reads", "20", "GET", 0.2),
        ("subscription-reads", "25", "GET", 0),
        ("subscription-reads", "0", "PUT", 0),
        ("subscription-writes", "0", "PUT", 2.0),
        ("subscription-writes", "0", "DELETE", 0),
        ("subscription-deletes", "10", "DELETE", 1.0),
        ("tenant-reads", "0", "GET", 0),
        ("resource", "Microsoft.Compute/HighCostGet3Min;0", "GET", 0),
    ],
)
def test_resource_manager_says_how_much_is_left(api: Api, name: str, text: str, method: str, wait: float) -> None:
    """For requests of one kind in one subscription, until its bucket is full enough again."""
    client = api.client()
    api.replies = [Reply(200, {}, {f"x-ms-ratelimit-remaining-{name}": text})]
    api.call(client, method, f"{SUBSCRIPTION}/resourceGroups/a", scope="arm")
    api.call(client, method, "/subscriptions/other/resourceGroups/a", scope="arm")
    assert api.slept == [[]]
    api.call(client, method, f"{SUBSCRIPTION.upper()}/resourceGroups/b", scope="arm")
    assert len(api.slept[0]) == (wait > 0)
    assert all(0.5 * wait <= slept <= 1.1 * wait + 1e-6 for slept in api.slept[0])


@pytest.mark.parametrize(("code", "waits"), [("SubscriptionRequestsThrottled", True), ("OperationNotAllowed", False)])
def test_a_429_of_one_resource_provider_holds_nothing_else_back(api: Api, code: str, *, waits: bool) -> None:
    client, other = api.client(), api.client()
    api.replies = [Reply(429, {"error": {"code": code, "message": "Later."}}, {"Retry-After": "30"})]
    api.call(client, path=SUBSCRIPTION, scope="arm", retries=0)
    api.call(other, path=SUBSCRIPTION, scope="arm")
    assert bool(api.slept[1]) is waits


def test_other_services_are_not_paced(api: Api) -> None:
    client = api.client()
    api.replies = [Reply(200, {}, HALF)]
    for _ in range(2):
        api.call(client, scope="https://api.example/.default")
    assert api.slept == [[]]


@pytest.mark.parametrize("text", ["", "[]", "{", '["Read"]', '["Read","","x",""]', "7", '["Read","",null,""]'])
def test_a_note_that_is_no_pause_holds_nobody_back(api: Api, text: str) -> None:
    request = Paced("graph", "Read", "", {})
    assert request.pause_left(Note(text, 0, 50), 10) == (0.0, "")
    assert request.pause_left(Note(json.dumps(["Read", "", 30, "why"]), 0, 50), 10) == (20, "why")
    assert request.pause_left(Note(json.dumps(["Read", "", 30, "why"]), 20, 50), 10) == (0.0, ""), "the clock was set"


@pytest.mark.parametrize("kind", ["Read", "Write"])
def test_a_batch_waits_whatever_it_has(api: Api, kind: str) -> None:
    """It may contain reads and writes; a single read waits for a pause of reads alone."""
    first, reader, batcher = api.client(), api.client(), api.client()
    headers = {"Retry-After": "20", "x-ms-throttle-scope": f"Tenant_Application/{kind}/a/b"}
    api.replies = [Reply(429, {}, headers)]
    api.call(first, retries=0)
    api.call(reader)
    api.call(batcher, "POST", "/v1.0/$batch", json={"requests": []})
    assert bool(api.slept[1]) is (kind == "Read")
    assert 20 <= api.slept[2][0] <= 23


def test_the_parts_of_a_batch_say_it_too(api: Api) -> None:
    client = api.client()
    part = {"id": "1", "status": 200, "headers": HALF, "body": {}}
    api.replies = [Reply(200, {"responses": [part]})]
    listed(api.runner, client, "batch", [f"{api.service.url}/v1.0/users"], scope="graph", origin=api.service.url)
    api.call(client)
    assert 4 <= api.slept[0][0] <= 6


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    server = RedisServer()
    yield server
    server.close()


def test_processes_share_pauses_in_files_and_in_redis(api: Api, tmp_path: Path, redis: RedisServer) -> None:
    """Each client opens the store for itself, as another process does."""
    kinds: list[Callable[[], Stores]] = [
        lambda: Stores(FolderAccessTokens(str(tmp_path / "tokens"), lambda: Cipher(KEY)), MemoryRefreshTokens()),
        lambda: redis_stores(redis.url, KEY),
    ]
    for stores in kinds:
        api.slept.clear()
        api.stores = stores()
        first = api.client()
        api.stores = stores()
        second = api.client()
        api.replies = [Reply(200, {}, HALF)]
        api.call(first)
        api.call(second)
        assert 4 <= api.slept[1][0] <= 6


def test_at_the_emulator_nothing_is_refused(runner: Runner, entra: Emulator) -> None:
    """Twenty reads under a limit of ten: without pacing, one of them gets a 429."""
    client = at_emulator(runner, entra)
    slept = use_fake_clock(client)
    entra.throttle(10, 10)
    before = len(entra.requests)

    runtime, original = client._runtime, client._runtime.sleep

    async def sleep(seconds: float) -> None:
        await original(seconds)
        entra.clock.advance(seconds)

    runtime.sleep = sleep
    for _ in range(20):
        assert runner.run(lambda: client.request("GET", "graph:/organization")).attempts == 1
    assert slept
    assert all(logged.status == 200 for logged in entra.requests[before:] if "/organization" in logged.path)
