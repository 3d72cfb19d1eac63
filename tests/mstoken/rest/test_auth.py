"""`client.auth(...)` in requests and httpx, and `client.request`: the token goes only where it belongs."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest
import requests
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT, RecordedRequest, Reply, TokenService, token_reply

from mstoken import AsyncClient, Client, ClientSecret, UntrustedOrigin, UsageError

CLAIMS = '{"access_token":{"nbf":{"essential":true,"value":"1611165359"}}}'
CHALLENGE = f'Bearer realm="", error="insufficient_claims", claims="{base64.b64encode(CLAIMS.encode()).decode()}"'


@pytest.fixture
def api() -> Any:
    """An API that says which token it was called with."""
    service = TokenService()
    service.script = [lambda request: Reply(200, {"seen": request.headers.get("Authorization", "")})]
    yield service
    service.close()


@pytest.fixture
def client(token_service: TokenService) -> Client:
    """A blocking client of the token service."""
    return Client(TENANT, CLIENT_ID, ClientSecret("not-a-secret"), token_service.url)


def challenging(first: str, status: int = 401) -> Any:
    def answer(request: RecordedRequest) -> Reply:
        if request.headers["Authorization"] == f"Bearer {first}":
            return Reply(
                status, {"error": {"code": "TokenCreatedWithOutdatedPolicies"}}, {"WWW-Authenticate": CHALLENGE}
            )
        return Reply(200, {"seen": request.headers["Authorization"]})

    return answer


def test_requests_gets_a_token_for_a_named_origin(client: Client, api: TokenService) -> None:
    """`auth=` of requests adds the bearer token."""
    answer = requests.get(f"{api.url}/v1.0/me", auth=client.auth("graph", origin=api.url), timeout=10)
    assert answer.json() == {"seen": "Bearer token-1"}


def test_httpx_gets_a_token_for_a_named_origin(client: Client, api: TokenService) -> None:
    """`auth=` of httpx.Client adds the bearer token."""
    answer = httpx.get(f"{api.url}/v1.0/me", auth=client.auth("graph", origin=api.url))
    assert answer.json() == {"seen": "Bearer token-1"}


async def test_async_httpx_gets_a_token(token_service: TokenService, api: TokenService) -> None:
    """`auth=` of httpx.AsyncClient adds the bearer token."""
    client = AsyncClient(TENANT, CLIENT_ID, ClientSecret("not-a-secret"), token_service.url)
    async with client, httpx.AsyncClient(auth=client.auth("graph", origin=api.url)) as http:
        assert (await http.get(api.url)).json() == {"seen": "Bearer token-1"}


@pytest.mark.parametrize("status", [401, 403])
def test_a_claims_challenge_is_answered_in_requests(
    client: Client, token_service: TokenService, api: TokenService, status: int
) -> None:
    """A 401 or 403 that names claims is repeated once with a token that has them, body included."""
    token_service.script = [token_reply("old"), token_reply("new")]
    api.script = [challenging("old", status)]
    answer = requests.post(api.url, json={"a": 1}, auth=client.auth("graph", origin=api.url), timeout=10)
    assert answer.json() == {"seen": "Bearer new"}
    assert json.loads(token_service.requests[1].form["claims"]) == json.loads(CLAIMS)
    assert [request.body for request in api.requests] == [b'{"a": 1}', b'{"a": 1}']


@pytest.mark.parametrize("status", [401, 403])
def test_a_claims_challenge_is_answered_in_httpx(
    client: Client, token_service: TokenService, api: TokenService, status: int
) -> None:
    """The same in httpx."""
    token_service.script = [token_reply("old"), token_reply("new")]
    api.script = [challenging("old", status)]
    answer = httpx.post(api.url, json={"a": 1}, auth=client.auth("graph", origin=api.url))
    assert answer.json() == {"seen": "Bearer new"}


async def test_a_claims_challenge_is_answered_in_async_httpx(token_service: TokenService, api: TokenService) -> None:
    """The same in httpx.AsyncClient."""
    token_service.script = [token_reply("old"), token_reply("new")]
    api.script = [challenging("old")]
    client = AsyncClient(TENANT, CLIENT_ID, ClientSecret("not-a-secret"), token_service.url)
    async with httpx.AsyncClient(auth=client.auth("graph", origin=api.url)) as http:
        assert (await http.get(api.url)).json() == {"seen": "Bearer new"}


def test_a_repeated_challenge_is_returned_to_the_caller(
    client: Client, token_service: TokenService, api: TokenService
) -> None:
    """One repetition, not a loop: the second 401 is the answer."""
    api.script = [Reply(401, {}, {"WWW-Authenticate": CHALLENGE})]
    answer = requests.get(api.url, auth=client.auth("graph", origin=api.url), timeout=10)
    assert answer.status_code == 401
    assert len(api.requests) == 2


@pytest.mark.parametrize(
    "url",
    [
        "https://graph.microsoft.com.evil.example/v1.0/me",
        "https://graph.microsoft.com@evil.example/v1.0/me",
        "https://evil.example/?https://graph.microsoft.com",
        "https://management.azure.com/subscriptions",
        "https://graph.microsoft.us/v1.0/me",
        "https://graph.microsoft.com:8443/v1.0/me",
        "http://graph.microsoft.com/v1.0/me",
    ],
)
def test_a_token_never_goes_to_another_origin(client: Client, token_service: TokenService, url: str) -> None:
    """Look-alikes, other services, other clouds, other ports and plain http get nothing, not even a token request."""
    for call in (requests.get, httpx.get):
        with pytest.raises((UntrustedOrigin, UsageError)):
            call(url, auth=client.auth("graph"), timeout=5)
    with pytest.raises((UntrustedOrigin, UsageError)):
        client.request("GET", url, scope="graph")
    assert token_service.requests == []


def test_a_token_goes_to_the_named_origin_only(client: Client, api: TokenService) -> None:
    """Naming an origin replaces the catalogue's; it does not add to it."""
    with pytest.raises(UntrustedOrigin):
        client.request("GET", "https://graph.microsoft.com/v1.0/me", scope="graph", origin=api.url)


def test_request_returns_the_response_whatever_its_status(
    runner: Runner, token_service: TokenService, api: TokenService
) -> None:
    """`client.request` sends method, headers and body, and gives status, headers and body back."""
    client = runner.client(TENANT, CLIENT_ID, ClientSecret("not-a-secret"), token_service.url)
    api.script = [Reply(403, {"error": {"code": "Authorization_RequestDenied"}})]
    answer = runner.run(
        lambda: client.request(
            "PATCH", f"{api.url}/users/1", scope="graph", origin=api.url, headers={"X-One": "1"}, body=b"{}"
        )
    )
    assert answer.status == 403
    assert json.loads(answer.body)["error"]["code"] == "Authorization_RequestDenied"
    [request] = api.requests
    assert (request.method, request.path, request.headers["X-One"], request.body) == ("PATCH", "/users/1", "1", b"{}")


def test_request_answers_a_claims_challenge(runner: Runner, token_service: TokenService, api: TokenService) -> None:
    """CAE: the API's 401 leads to one new token and one repetition; later calls use the new token."""
    token_service.script = [token_reply("old"), token_reply("new")]
    api.script = [challenging("old")]
    client = runner.client(TENANT, CLIENT_ID, ClientSecret("not-a-secret"), token_service.url)
    for _ in range(2):
        answer = runner.run(lambda: client.request("GET", api.url, scope="graph", origin=api.url))
        assert json.loads(answer.body) == {"seen": "Bearer new"}
    assert len(token_service.requests) == 2
    assert len(api.requests) == 3


def test_a_challenge_in_a_separate_header_line_is_found(
    runner: Runner, token_service: TokenService, api: TokenService
) -> None:
    """Where a gateway's Negotiate comes in a header line before the API's Bearer, the claims are still answered."""
    token_service.script = [token_reply("old"), token_reply("new")]
    lines = f"WWW-Authenticate: Negotiate\r\nWWW-Authenticate: {CHALLENGE}\r\n"
    api.script = [Reply(raw=f"HTTP/1.1 401 Unauthorized\r\n{lines}Content-Length: 0\r\n\r\n".encode()), Reply(200, {})]
    client = runner.client(TENANT, CLIENT_ID, ClientSecret("not-a-secret"), token_service.url)
    answer = runner.run(lambda: client.request("GET", api.url, scope="graph", origin=api.url))
    assert answer.status == 200
    assert [request.headers["Authorization"] for request in api.requests] == ["Bearer old", "Bearer new"]


def redirecting(status: int, where: str) -> Any:
    """An API whose /old leads elsewhere; other paths challenge the token called `old`."""
    challenge = challenging("old")

    def answer(request: RecordedRequest) -> Reply:
        if request.path == "/old":
            return Reply(status, b"", {"Location": where})
        answered: Reply = challenge(request)
        return answered

    return answer


@pytest.fixture
def stranger() -> Any:
    """A server of another origin that asks whoever comes for a token with claims of its own."""
    service = TokenService()
    service.script = [Reply(401, {}, {"WWW-Authenticate": CHALLENGE})]
    yield service
    service.close()


def post_with_requests(auth: Any, url: str) -> Any:
    return requests.post(url, json={"a": 1}, auth=auth, timeout=10)


def post_with_httpx(auth: Any, url: str) -> Any:
    return httpx.post(url, json={"a": 1}, auth=auth, follow_redirects=True)


POSTS = [post_with_requests, post_with_httpx]


async def post_with_async_httpx(token_service: TokenService, origin: str, url: str) -> httpx.Response:
    client = AsyncClient(TENANT, CLIENT_ID, ClientSecret("not-a-secret"), token_service.url)
    async with client, httpx.AsyncClient(auth=client.auth("graph", origin=origin), follow_redirects=True) as http:
        return await http.post(url, json={"a": 1})


def check_nothing_was_repeated(token_service: TokenService, api: TokenService, stranger: TokenService) -> None:
    assert len(token_service.requests) == len(api.requests) == len(stranger.requests) == 1
    assert "Authorization" not in stranger.requests[0].headers


@pytest.mark.parametrize("status", [302, 303, 307, 308])
@pytest.mark.parametrize("post", POSTS)
def test_a_challenge_of_a_foreign_origin_is_not_answered(
    client: Client, token_service: TokenService, api: TokenService, stranger: TokenService, post: Any, status: int
) -> None:
    """Where a redirect led to a stranger, its claims lead to no token request and to no second POST."""
    api.script = [Reply(status, b"", {"Location": f"{stranger.url}/here"})]
    with pytest.raises(UntrustedOrigin, match="nothing was sent"):
        post(client.auth("graph", origin=api.url), api.url)
    check_nothing_was_repeated(token_service, api, stranger)


async def test_a_challenge_of_a_foreign_origin_is_not_answered_in_async_httpx(
    token_service: TokenService, api: TokenService, stranger: TokenService
) -> None:
    """The same in httpx.AsyncClient."""
    api.script = [Reply(307, b"", {"Location": f"{stranger.url}/here"})]
    with pytest.raises(UntrustedOrigin, match="nothing was sent"):
        await post_with_async_httpx(token_service, api.url, api.url)
    check_nothing_was_repeated(token_service, api, stranger)


@pytest.mark.parametrize("post", POSTS)
def test_a_foreign_401_without_claims_is_returned_to_the_caller(
    client: Client, api: TokenService, stranger: TokenService, post: Any
) -> None:
    """A redirect is the caller's business as long as nobody asks for a token."""
    api.script = [Reply(307, b"", {"Location": stranger.url})]
    stranger.script = [Reply(401, {}, {"WWW-Authenticate": "Bearer realm=x"})]
    assert post(client.auth("graph", origin=api.url), api.url).status_code == 401


@pytest.mark.parametrize(("status", "method"), [(307, "POST"), (303, "GET")])
@pytest.mark.parametrize("post", POSTS)
def test_a_challenge_after_a_redirect_within_the_api_is_answered(
    client: Client, token_service: TokenService, api: TokenService, post: Any, status: int, method: str
) -> None:
    """The request that is sent again is the one that was refused: its address and method, not the first one's."""
    token_service.script = [token_reply("old"), token_reply("new")]
    api.script = [redirecting(status, "/new")]
    assert post(client.auth("graph", origin=api.url), f"{api.url}/old").json() == {"seen": "Bearer new"}
    called = [(request.method, request.path, request.headers["Authorization"]) for request in api.requests]
    assert called == [("POST", "/old", "Bearer old"), (method, "/new", "Bearer old"), (method, "/new", "Bearer new")]


async def test_a_challenge_after_a_redirect_within_the_api_is_answered_in_async_httpx(
    token_service: TokenService, api: TokenService
) -> None:
    """The same in httpx.AsyncClient."""
    token_service.script = [token_reply("old"), token_reply("new")]
    api.script = [redirecting(307, "/new")]
    answer = await post_with_async_httpx(token_service, api.url, f"{api.url}/old")
    assert answer.json() == {"seen": "Bearer new"}
    assert [request.path for request in api.requests] == ["/old", "/new", "/new"]


def test_a_consumed_body_is_not_sent_again_as_empty(client: Client, api: TokenService) -> None:
    """A generator cannot be read twice: the caller gets the 401, and the API no empty POST."""
    api.script = [
        Reply(raw=f"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: {CHALLENGE}\r\nContent-Length: 0\r\n\r\n".encode())
    ]
    parts = (part for part in (b"a", b"b"))
    answer = requests.post(api.url, data=parts, auth=client.auth("graph", origin=api.url), timeout=10)
    assert (answer.status_code, len(api.requests)) == (401, 1)
