"""Redirects: which are followed, and which requests get the token."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.fake_clock import use_fake_clock
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT, Reply, TokenService

from mstoken import ClientSecret, UnreadableAnswer, UntrustedOrigin
from mstoken.protocol.http import HttpResponse
from mstoken.rest.redirects import MAX_REDIRECTS, Target, redirect_target, resolved

STATUSES = [301, 302, 303, 307, 308]
GRAPH = "https://graph.microsoft.com/v1.0/me/photo/$value"


@pytest.fixture
def api() -> Iterator[TokenService]:
    service = TokenService()
    yield service
    service.close()


@pytest.fixture
def stranger() -> Iterator[TokenService]:
    service = TokenService()
    service.script = [Reply(200, b"content")]
    yield service
    service.close()


def to(where: str, status: int = 302) -> Reply:
    return Reply(status, "", {"Location": where})


def call(runner: Runner, token_service: TokenService, api: TokenService, method: str = "GET", **more: Any) -> Any:
    client = runner.client(TENANT, CLIENT_ID, ClientSecret("not-a-secret"), token_service.url)
    use_fake_clock(client)
    given = {"scope": "graph", "origin": api.url} | more
    return runner.run(lambda: client.request(method, f"{api.url}/first?x=1", **given))


def names(service: TokenService) -> list[set[str]]:
    """Return the names of the headers of each request, in lower case."""
    return [{name.lower() for name in request.headers} for request in service.requests]


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_read_is_followed_within_the_origin_with_the_token(
    runner: Runner, token_service: TokenService, api: TokenService, method: str, status: int
) -> None:
    api.script = [to("/second?y=2", status), Reply(200, b"content")]
    response = call(runner, token_service, api, method, headers={"X-Mine": "1"})
    assert (response.status, response.body) == (200, b"content" if method == "GET" else b"")
    assert [(request.method, request.path) for request in api.requests] == [
        (method, "/first?x=1"),
        (method, "/second?y=2"),
    ]
    assert [request.headers.get("Authorization") for request in api.requests] == ["Bearer token-1"] * 2
    assert api.requests[1].headers["X-Mine"] == "1"


@pytest.mark.parametrize("status", STATUSES)
def test_another_origin_gets_neither_token_nor_the_callers_headers(
    runner: Runner, token_service: TokenService, api: TokenService, stranger: TokenService, status: int
) -> None:
    """Of the headers, only those that select what the response contains."""
    api.script = [to(f"{stranger.url}/blob?sig=s", status)]
    headers = {"X-Api-Key": "k", "Cookie": "c", "Range": "bytes=0-6", "If-None-Match": '"e"'}
    response = call(runner, token_service, api, headers=headers)
    assert response.body == b"content"
    [sent] = names(stranger)
    assert sent == {"host", "user-agent", "accept-encoding", "range", "if-none-match"}
    api.script = [to(f"{stranger.url}/blob", status)]
    assert call(runner, token_service, api, body=b"a query").status == 200
    assert [request.body for request in (*api.requests, *stranger.requests)] == [b"", b"a query", b"", b""]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("status", STATUSES)
def test_a_write_goes_only_where_it_was_sent(
    runner: Runner, token_service: TokenService, api: TokenService, stranger: TokenService, method: str, status: int
) -> None:
    api.script = [to(f"{stranger.url}/blob", status)]
    response = call(runner, token_service, api, method, body=b"{}")
    assert (response.status, response.headers["Location"]) == (status, f"{stranger.url}/blob")
    assert (len(api.requests), stranger.requests) == (1, [])


@pytest.mark.parametrize("reply", [to("", 302), Reply(304, "", {"Location": "/x"}), Reply(300, "", {"Location": "/x"})])
def test_other_responses_are_returned(
    runner: Runner, token_service: TokenService, api: TokenService, reply: Reply
) -> None:
    api.script = [reply]
    assert call(runner, token_service, api).status == reply.status
    assert len(api.requests) == 1


def test_the_way_back_from_another_origin_gets_no_token(
    runner: Runner, token_service: TokenService, api: TokenService, stranger: TokenService
) -> None:
    """Otherwise a stranger would choose what is done in the caller's name."""
    api.script = [to(f"{stranger.url}/away"), Reply(200, b"anonymous")]
    stranger.script = [to(f"{api.url}/me/secrets")]
    assert call(runner, token_service, api).body == b"anonymous"
    assert [request.headers.get("Authorization") for request in api.requests] == ["Bearer token-1", None]


def test_a_stranger_challenges_in_vain(
    runner: Runner, token_service: TokenService, api: TokenService, stranger: TokenService
) -> None:
    """Its 401 leads to no token request, and is the response."""
    api.script = [to(f"{stranger.url}/away")]
    stranger.script = [Reply(401, "", {"WWW-Authenticate": 'Bearer error="insufficient_claims", claims="e30="'})]
    assert call(runner, token_service, api).status == 401
    assert (len(token_service.requests), len(stranger.requests)) == (1, 1)


def test_a_stranger_that_fails_for_a_while_is_asked_again(
    runner: Runner, token_service: TokenService, api: TokenService, stranger: TokenService
) -> None:
    api.script = [to(f"{stranger.url}/away")]
    stranger.script = [Reply(503, ""), Reply(200, b"content")]
    assert call(runner, token_service, api).body == b"content"
    assert (len(api.requests), len(stranger.requests)) == (1, 2)


def test_loops_and_endless_chains_are_refused(runner: Runner, token_service: TokenService, api: TokenService) -> None:
    api.script = [to("/second"), to("/first?x=1")]
    with pytest.raises(UnreadableAnswer, match="redirects to itself"):
        call(runner, token_service, api)
    api.requests.clear()
    api.script = [to(f"/{number}") for number in range(MAX_REDIRECTS + 5)]
    with pytest.raises(UnreadableAnswer, match="more than 10 times"):
        call(runner, token_service, api)
    assert len(api.requests) == MAX_REDIRECTS + 1


@pytest.mark.parametrize(
    "where",
    [
        "http://graph.microsoft.com/v1.0/me",
        "http://127.0.0.1:8080/",
        "http://169.254.169.254/metadata",
        "https://graph.microsoft.com@evil.example/",
        "https://me:pw@graph.microsoft.com/",
        "ftp://graph.microsoft.com/",
        "file:///etc/passwd",
        "https://graph.microsoft.com\\@evil.example/",
        "https://graph.microsoft.com:99999/",
        "javascript:alert(1)",
        "https://[::1",
    ],
)
def test_an_insecure_target_is_refused(where: str) -> None:
    """Clear text, user info, other schemes and what is no URL; the message has no query and no password."""
    response = HttpResponse(302, {"location": where}, b"")
    with pytest.raises(UntrustedOrigin, match="nothing was sent there") as caught:
        redirect_target("GET", response, [Target(GRAPH)])
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize(
    ("where", "url", "with_token"),
    [
        ("/v1.0/users", "https://graph.microsoft.com/v1.0/users", True),
        ("beta?x=ü", "https://graph.microsoft.com/v1.0/me/photo/beta?x=%C3%BC", True),
        ("https://GRAPH.microsoft.com:443/x", "https://GRAPH.microsoft.com:443/x", True),
        ("//graph.microsoft.com/x", "https://graph.microsoft.com/x", True),
        ("//evil.example/x", "https://evil.example/x", False),
        ("https://graph.microsoft.com:444/x", "https://graph.microsoft.com:444/x", False),
        ("https://graph.microsoft.com.evil.example/#x", "https://graph.microsoft.com.evil.example/", False),
    ],
)
def test_origins_are_compared_as_such(where: str, url: str, *, with_token: bool) -> None:
    target = redirect_target("GET", HttpResponse(302, {"location": where}, b""), [Target(GRAPH)])
    assert target == Target(url, with_token)


def test_clear_text_stays_on_this_machine() -> None:
    """The emulator by URL is at http://localhost; from https there is no way to it."""
    assert resolved("http://localhost:8080/a", "/b")[0] == "http://localhost:8080/b"
    with pytest.raises(UntrustedOrigin):
        resolved("http://localhost:8080/a", "http://example.com/b")
