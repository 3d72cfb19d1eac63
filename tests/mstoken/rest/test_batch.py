"""Many requests in $batch: with Client and AsyncClient, at the emulator and at an API that misbehaves."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.mstoken.rest.test_pages import at_emulator, listed
from tests.support.fake_clock import use_fake_clock
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT, RecordedRequest, Reply, TokenService, token_reply

from entra_emulator import Emulator
from entra_emulator.model import User
from mstoken import ApiRefused, ClientSecret, Throttled, TransportError, UnreadableAnswer, UntrustedOrigin, UsageError

Part = dict[str, Any]


def batches_at(entra: Emulator, before: int = 0) -> int:
    return sum(logged.path.endswith("/$batch") for logged in entra.requests[before:])


def test_one_result_per_request_in_order_twenty_at_a_time(runner: Runner, entra: Emulator) -> None:
    """Forty-five requests are three batches, whatever the order of the responses."""
    tenant = entra.state.default_tenant
    tenant.users += [User(f"u{number}@northwind-partner.example", f"User {number}") for number in range(45)]
    users = tenant.users[-45:]
    client = at_emulator(runner, entra)
    found = listed(runner, client, "batch", [f"/users/{user.id}?$select=displayName" for user in users])
    assert [one.response.json()["displayName"] for one in found] == [user.name for user in users]
    assert found[7].request == f"/users/{users[7].id}?$select=displayName"
    assert batches_at(entra) == 3


def test_each_part_has_its_own_outcome(runner: Runner, entra: Emulator) -> None:
    """A missing user, a refused call and a request that cannot be sent do not touch the others."""
    client = at_emulator(runner, entra)
    requests: list[Any] = [
        "graph:/organization",
        "graph:/users/nobody",
        {"url": "/applications", "method": "POST", "json": {"displayName": "x"}},
        {"url": "https://management.azure.com/subscriptions"},
        {"url": "/users", "colour": "red"},
        {"url": "/$batch", "json": {}},
        "graphbeta:/organization",
    ]
    found = listed(runner, client, "batch", requests)
    assert [one.response and one.response.status for one in found] == [200, 404, 403, None, None, None, 200]
    assert [type(one.error) for one in found[3:6]] == [UsageError] * 3
    with pytest.raises(ApiRefused, match=r"GET .*/v1.0/users/nobody returned 404"):
        found[1].raise_for_status()
    assert batches_at(entra) == 2, "v1.0 and beta are apart"


def test_a_refused_part_is_explained_by_its_own_path(runner: Runner, entra: Emulator) -> None:
    """What the token of the batch carries, beside what this part needs; parts that succeed say nothing."""
    client = at_emulator(runner, entra)
    requests: list[Any] = [
        "/organization",
        {"url": "/applications", "method": "POST", "json": {"displayName": "x"}},
        {"url": "/users", "method": "POST", "json": {"displayName": "x"}},
    ]
    found = listed(runner, client, "batch", requests)
    assert found[0].response.token_claims == {}
    errors = [one.response.error() for one in found[1:]]
    assert [error.permission["needs"]["operation"] for error in errors] == ["POST /applications", "POST /users"]
    assert {error.permission["token"]["client_id"] for error in errors} == {entra.state.default_app.id}
    assert all("az ad app permission add" in error.remedy for error in errors)


def test_dependencies_hold_within_a_batch_and_beyond(runner: Runner, entra: Emulator) -> None:
    """What depends on a failed request is 424, also 25 requests later; what depends on a good one is done after it."""
    entra.grant(entra.state.default_app, "graph", roles=["Application.ReadWrite.All"])
    client = at_emulator(runner, entra)
    requests: list[Any] = [
        {"id": "make", "url": "/applications", "json": {"displayName": "Robot"}},
        {"url": "/applications?$filter=displayName eq 'Robot'", "depends_on": ["MAKE"]},
        {"id": "bad", "url": "/users/nobody"},
        {"url": "/organization", "depends_on": ["bad"]},
        {"url": "graphbeta:/organization", "depends_on": ["make"]},
        *["/organization"] * 25,
        {"url": "/organization", "depends_on": ["make"]},
        {"url": "/organization", "depends_on": ["bad"]},
        {"url": "/organization", "depends_on": ["none"]},
        {"id": "Bad", "url": "/organization"},
    ]
    found = listed(runner, client, "batch", requests)
    statuses = [one.response.status if one.response else type(one.error) for one in found]
    assert statuses[:5] == [201, 200, 404, 424, 200]
    assert len(found[1].response.json()["value"]) == 1
    assert statuses[-4:] == [200, 424, UsageError, UsageError]


def test_a_throttled_part_is_repeated_alone(runner: Runner, entra: Emulator) -> None:
    """The wait inside the part is kept; no write of the batch is done twice."""
    entra.grant(entra.state.default_app, "graph", roles=["Application.ReadWrite.All"])
    client = at_emulator(runner, entra)
    slept = use_fake_clock(client)
    entra.throttle(4, kind="Write")
    made = [{"url": "/applications", "json": {"displayName": f"Robot {number}"}} for number in range(6)]

    runtime, original = client._runtime, client._runtime.sleep

    async def sleep(seconds: float) -> None:
        await original(seconds)
        entra.state.throttles.clear()

    runtime.sleep = sleep
    found = listed(runner, client, "batch", made)
    assert [one.response.status for one in found] == [201] * 6
    assert [one.response.attempts for one in found] == [1, 1, 1, 1, 2, 2]
    assert slept == [10]
    robots = listed(runner, client, "items", "graph:/applications?$filter=startswith(displayName,'Robot')")
    assert sorted(robot["displayName"] for robot in robots) == [f"Robot {number}" for number in range(6)]


def test_pages_inside_parts_are_followed(runner: Runner, entra: Emulator) -> None:
    tenant = entra.state.default_tenant
    tenant.users += [User(f"u{number}@northwind-partner.example", f"User {number}") for number in range(5)]
    ids = [user.id for user in tenant.users]
    client = at_emulator(runner, entra)
    url = "/users?$top=2&$filter=displayName ne 'x'&$orderby=displayName&$select=id,displayName"
    found = listed(runner, client, "batch", ["/users?$top=3&$select=id", "/organization", url], every_page=True)
    documents = [one.raise_for_status().json() for one in found]
    assert [user["id"] for user in documents[0]["value"]] == ids
    assert "@odata.nextLink" not in documents[0]
    assert sorted(user["id"] for user in documents[2]["value"]) == sorted(ids)
    [plain] = listed(runner, client, "batch", ["/users?$top=3"])
    assert len(plain.response.json()["value"]) == 3
    assert "@odata.nextLink" in plain.response.json()


def test_requests_are_read_as_they_are_needed(runner: Runner, entra: Emulator) -> None:
    """Very many requests need the memory of one batch."""
    client, read = at_emulator(runner, entra), itertools.count()

    def endless() -> Iterator[str]:
        while True:
            next(read)
            yield "/organization"

    async def three() -> int:
        results = client.batch(endless())
        for _ in range(3):
            await anext(results)
        await results.aclose()
        return next(read)

    if hasattr(client, "__enter__"):
        results = client.batch(endless())
        assert len(list(itertools.islice(results, 3))) == 3
        assert next(read) == 20
    else:
        assert runner.run(three) == 20


class Api:
    """A Graph whose parts are answered by a function of the part and the number of the batch."""

    def __init__(self, runner: Runner, service: TokenService, answer: Callable[[Part, int], Any]) -> None:
        self.batches: list[list[Part]] = []
        self.plain: list[RecordedRequest] = []

        def reply(request: RecordedRequest) -> Reply:
            if request.path.endswith("/token"):
                return token_reply()
            if not request.path.endswith("/v1.0/$batch"):
                self.plain.append(request)
                return Reply(200, b"image", {"Content-Type": "image/png"})
            parts = json.loads(request.body)["requests"]
            self.batches.append(parts)
            answers = [answer(part, len(self.batches)) for part in parts]
            if answers and isinstance(answers[0], Reply):
                return answers[0]
            found = [{"id": part["id"], **one} for part, one in zip(parts, answers, strict=True) if one]
            return Reply(200, {"responses": found})

        service.script = [reply]
        self.client = runner.client(TENANT, CLIENT_ID, ClientSecret("s"), service.url)
        self.slept = use_fake_clock(self.client)
        self.runner, self.url = runner, f"{service.url}/v1.0"

    def batch(self, *requests: Any, **options: Any) -> list[Any]:
        given = [{**one, "url": self.url + one["url"]} for one in requests]
        origin = self.url.removesuffix("/v1.0")
        return listed(self.runner, self.client, "batch", given, scope="graph", origin=origin, **options)


def test_the_largest_wait_counts_and_what_depends_goes_along(runner: Runner, token_service: TokenService) -> None:
    """A child of a throttled part is 424 and is sent again with it; a finished parent is not named again."""
    waits = {"/a": "7", "/b": "4"}

    def answer(part: Part, number: int) -> Part:
        if number == 1 and part["url"] in waits:
            return {"status": 429, "headers": {"Retry-After": waits[part["url"]]}}
        return {"status": 424} if number == 1 and part["url"] == "/child" else {"status": 200, "body": {}}

    api = Api(runner, token_service, answer)
    found = api.batch(
        {"url": "/ok", "id": "ok"},
        {"url": "/a", "id": "a", "depends_on": ["ok"]},
        {"url": "/child", "depends_on": ["a"]},
        {"url": "/b"},
    )
    assert [one.response.status for one in found] == [200] * 4
    assert api.slept == [7]
    assert [part["url"] for part in api.batches[1]] == ["/a", "/child", "/b"]
    assert [part.get("dependsOn") for part in api.batches[1]] == [None, ["1"], None]


def test_the_attempts_and_the_wait_are_limited(runner: Runner, token_service: TokenService) -> None:
    api = Api(runner, token_service, lambda part, _: {"status": 429, "headers": {"Retry-After": part["url"][1:]}})
    short, long = api.batch({"url": "/5"}, {"url": "/500"}, retries=2)
    assert (short.response.status, short.response.attempts, long.response.attempts) == (429, 3, 1)
    assert api.slept == [5, 5]
    with pytest.raises(Throttled):
        long.raise_for_status()


def test_a_write_that_may_have_been_done_is_not_repeated(runner: Runner, token_service: TokenService) -> None:
    """After 504 a read inside the batch is repeated, a POST is not."""
    api = Api(runner, token_service, lambda _, number: {"status": 504 if number == 1 else 200})
    read, write = api.batch({"url": "/r"}, {"url": "/w", "json": {"a": 1}})
    assert (read.response.status, write.response.status) == (200, 504)


def test_bodies_of_both_directions(runner: Runner, token_service: TokenService) -> None:
    """JSON is a value, anything else base64; an action without parameters gets an empty object."""
    picture = bytes(range(256))

    def answer(part: Part, _: int) -> Part:
        if part["url"] == "/photo":
            text = base64.urlsafe_b64encode(picture).decode().rstrip("=")
            return {"status": "200", "headers": {"Content-Type": "image/jpeg"}, "body": text}
        if part["url"] == "/count":
            return {"status": 200, "headers": {"Content-Type": "text/plain"}, "body": 12}
        return {"status": 200, "body": part.get("body")}

    api = Api(runner, token_service, answer)
    put = {"url": "/p", "method": "PUT", "body": picture, "headers": {"Content-Type": "image/jpeg"}}
    found = api.batch({"url": "/photo"}, {"url": "/count"}, {"url": "/act", "method": "post"}, put)
    assert [one.response.body for one in found[:3]] == [picture, b"12", b"{}"]
    sent = api.batches[0]
    assert (sent[2]["body"], sent[2]["headers"]) == ({}, {"Content-Type": "application/json"})
    assert base64.b64decode(sent[3]["body"]) == picture
    [refused] = api.batch({"url": "/p", "method": "PUT", "body": b"no json"})
    assert isinstance(refused.error, UsageError)


def test_the_token_stays_at_graph(runner: Runner, token_service: TokenService) -> None:
    """A redirect to a file is followed without it; a next page elsewhere gets no request."""

    def answer(part: Part, _: int) -> Part:
        if part["url"] == "/content":
            return {"status": 302, "headers": {"Location": f"{token_service.url}/file"}}
        return {"status": 200, "body": {"value": [1], "@odata.nextLink": "https://evil.example/v1.0/x"}}

    api = Api(runner, token_service, answer)
    content, page = api.batch({"url": "/content"}, {"url": "/list"}, every_page=True)
    assert (content.response.body, page.response, type(page.error)) == (b"image", None, UntrustedOrigin)
    assert [name for request in api.plain for name in request.headers if name.lower() == "authorization"] == []


def test_a_batch_that_fails_is_the_result_of_its_parts(runner: Runner, token_service: TokenService) -> None:
    """A status of the batch itself, a lost connection, and a missing response."""
    api = Api(runner, token_service, lambda _part, _number: Reply(400, {"error": {"code": "BadRequest"}}))
    assert [one.response.status for one in api.batch({"url": "/a"}, {"url": "/b"})] == [400, 400]
    api = Api(
        runner, token_service, lambda _part, _number: Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut")
    )
    assert [type(one.error) for one in api.batch({"url": "/a", "json": {}}, {"url": "/b"})] == [TransportError] * 2
    assert len(api.batches) == 1, "a batch with a write is not sent again"
    api = Api(runner, token_service, lambda part, _: {"status": 200} if part["url"] == "/a" else None)
    good, missing = api.batch({"url": "/a"}, {"url": "/b"})
    assert (good.ok, type(missing.error)) == (True, UnreadableAnswer)


def test_a_claims_challenge_inside_a_part_is_answered_once(runner: Runner, token_service: TokenService) -> None:
    claims = base64.b64encode(b'{"access_token":{"nbf":{"essential":true,"value":"1"}}}').decode()
    challenge = {"WWW-Authenticate": f'Bearer error="insufficient_claims", claims="{claims}"'}
    api = Api(runner, token_service, lambda _, number: {"status": 401 if number < 3 else 200, "headers": challenge})
    [found] = api.batch({"url": "/a"})
    assert (found.response.status, len(api.batches)) == (401, 2)
    assert "claims" in [one for one in token_service.requests if one.path.endswith("/token")][-1].form
