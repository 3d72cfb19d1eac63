"""`AsyncClient.auth(...)` as a middleware of aiohttp: the token goes only where it belongs."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
from tests.mstoken.rest.test_auth import CHALLENGE, CLAIMS, challenging
from tests.support.token_service import CLIENT_ID, TENANT, Reply, TokenService, token_reply

from mstoken import AsyncClient, ClientSecret, UntrustedOrigin


@pytest.fixture
def api() -> Iterator[TokenService]:
    """An API that says which token it was called with."""
    service = TokenService()
    service.script = [lambda request: Reply(200, {"seen": request.headers.get("Authorization", "")})]
    yield service
    service.close()


@pytest.fixture
async def client(token_service: TokenService) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(TENANT, CLIENT_ID, ClientSecret("not-a-secret"), token_service.url) as made:
        yield made


def session(client: AsyncClient, origin: str = "") -> aiohttp.ClientSession:
    return aiohttp.ClientSession(middlewares=[client.auth("graph", origin=origin)])


async def test_a_named_origin_gets_the_token(client: AsyncClient, api: TokenService) -> None:
    async with session(client, api.url) as http, http.get(f"{api.url}/v1.0/me") as answer:
        assert await answer.json(content_type=None) == {"seen": "Bearer token-1"}


async def test_another_origin_gets_no_request(
    client: AsyncClient, token_service: TokenService, api: TokenService
) -> None:
    async with session(client) as http:
        with pytest.raises(UntrustedOrigin):
            await http.get(api.url)
    assert api.requests == []
    assert token_service.requests == []


@pytest.mark.parametrize("status", [401, 403])
async def test_a_claims_challenge_is_answered(
    client: AsyncClient, token_service: TokenService, api: TokenService, status: int
) -> None:
    """A 401 or 403 that names claims is repeated once with a token that has them, body included."""
    token_service.script = [token_reply("old"), token_reply("new")]
    api.script = [challenging("old", status)]
    async with session(client, api.url) as http, http.post(api.url, json={"a": 1}) as answer:
        assert await answer.json(content_type=None) == {"seen": "Bearer new"}
    assert json.loads(token_service.requests[1].form["claims"]) == json.loads(CLAIMS)
    assert [json.loads(request.body) for request in api.requests] == [{"a": 1}, {"a": 1}]


async def test_a_challenge_that_goes_on_is_the_callers(client: AsyncClient, api: TokenService) -> None:
    api.script = [Reply(401, {}, {"WWW-Authenticate": CHALLENGE})]
    async with session(client, api.url) as http, http.get(api.url) as answer:
        assert answer.status == 401
    assert len(api.requests) == 2


async def test_a_body_that_is_gone_is_not_sent_again(client: AsyncClient, api: TokenService) -> None:
    """A generator is consumed; the refusal is the caller's."""
    api.script = [Reply(401, {}, {"WWW-Authenticate": CHALLENGE})]

    async def parts() -> AsyncIterator[bytes]:
        yield b"{}"

    async with session(client, api.url) as http, http.post(api.url, data=parts()) as answer:
        assert answer.status == 401
    assert [request.body for request in api.requests] == [b"{}"]


async def test_a_redirect_elsewhere_gets_no_token(client: AsyncClient, api: TokenService) -> None:
    """That of a download, whose URL is its own permission. A redirect at the API's origin gets the token."""
    other = TokenService()
    other.script = [lambda request: Reply(200, {"seen": request.headers.get("Authorization", "")})]
    api.script = [
        Reply(302, "", {"Location": "/second"}),
        Reply(302, "", {"Location": f"{other.url}/file?sig=a%2Fb#part"}),
    ]
    try:
        async with session(client, api.url) as http:
            async with http.get(f"{api.url}/first") as answer:
                assert await answer.json(content_type=None) == {"seen": ""}
            with pytest.raises(UntrustedOrigin):  # only as a redirect
                await http.get(f"{other.url}/file?sig=a%2Fb")
    finally:
        other.close()
    assert [request.headers.get("Authorization") for request in api.requests] == ["Bearer token-1"] * 2
    assert len(other.requests) == 1


async def test_it_is_pickled_with_its_client(client: AsyncClient, api: TokenService) -> None:
    again = pickle.loads(pickle.dumps(client.auth("graph", origin=api.url)))  # noqa: S301 - pickled here
    async with aiohttp.ClientSession(middlewares=[again]) as http, http.get(api.url) as answer:
        assert (await answer.json(content_type=None))["seen"].startswith("Bearer ")


def test_aiohttp_needs_no_httpx() -> None:
    """A program that has only aiohttp gets its middleware; httpx is not imported for it."""
    program = """
import sys
sys.modules["httpx"] = None
import aiohttp
from mstoken import AsyncClient, ClientSecret
print(callable(AsyncClient("t", "c", ClientSecret("s")).auth("graph")))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout == "True\n", done.stderr
