"""What `client.request` sends as it is given, and what it refuses before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT, RecordedRequest, Reply, TokenService

from mstoken import ClientSecret, UsageError


@pytest.fixture
def api() -> Iterator[TokenService]:
    service = TokenService()
    service.script = [Reply(200, {})]
    yield service
    service.close()


def call(runner: Runner, token_service: TokenService, api: TokenService, method: Any, **more: Any) -> RecordedRequest:
    """Call the API; the request that it received."""
    client = runner.client(TENANT, CLIENT_ID, ClientSecret("not-a-secret"), token_service.url)
    url = api.url + more.pop("path", "/")
    runner.run(lambda: client.request(method, url, scope="graph", origin=api.url, **more))
    [request] = api.requests
    return request


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"headers": {"Authorization": "Bearer mine"}}, "authorization cannot be set"),
        ({"headers": {"authorization": "Bearer mine"}}, "authorization cannot be set"),
        ({"headers": {"AUTHORIZATION": ""}}, "authorization cannot be set"),
        ({"headers": {"Host": "graph.microsoft.com"}}, "host cannot be set"),
        ({"headers": {"hOST": "evil.example"}}, "host cannot be set"),
        ({"headers": {"Accept": "a", "accept": "b"}}, "accept is given more than once"),
        ({"headers": {"X-One": "1\r\nX-Two: 2"}}, "X-One"),
        ({"headers": {"X-One": "1\n"}}, "X-One"),
        ({"headers": {"X-One": "1\x00"}}, "X-One"),
        ({"headers": {"X-One\r\nX-Two": "1"}}, "is not the name of a header"),
        ({"headers": {"X-One ": "1"}}, "is not the name of a header"),
        ({"headers": {"": "1"}}, "is not the name of a header"),
        ({"headers": {"X-One": "€"}}, "X-One"),
        ({"headers": {"X-One": "\udcff"}}, "X-One"),
        ({"headers": {"X-One": 1}}, "X-One"),
        ({"headers": {1: "x"}}, "is not the name of a header"),
        ({"headers": {"Content-Length": "7"}, "body": b"{}"}, "Content-Length"),
        ({"headers": {"Transfer-Encoding": "chunked"}}, "Transfer-Encoding"),
        ({"body": "\udcff"}, "body"),
        ({"body": {"a": 1}}, "body"),
        ({"body": 7}, "body"),
        ({"path": "/a\x00b"}, "control character"),
    ],
)
def test_an_unsendable_request_is_refused_before_a_token_is_requested(
    runner: Runner, token_service: TokenService, api: TokenService, more: dict[str, Any], said: str
) -> None:
    """Headers that decide who calls or where, line breaks, what is not text: refused by name."""
    with pytest.raises(UsageError, match=said):
        call(runner, token_service, api, "POST", **more)
    assert token_service.requests == api.requests == []


@pytest.mark.parametrize("method", ["", "GE T", "GET /other HTTP/1.1\r\n", "GÉT", "\udcff", "G\x00T", None, 7.5])
def test_an_invalid_method_is_refused(
    runner: Runner, token_service: TokenService, api: TokenService, method: Any
) -> None:
    """RFC 9110 section 9.1: a method is a token."""
    with pytest.raises(UsageError, match="is not an HTTP method"):
        call(runner, token_service, api, method)
    assert token_service.requests == api.requests == []


def test_text_as_body_is_sent_as_utf_8(runner: Runner, token_service: TokenService, api: TokenService) -> None:
    """`json.dumps(...)` can be given as it is."""
    request = call(runner, token_service, api, "POST", body='{"name":"José 🙂"}', headers={"Content-Type": "x/y"})
    assert request.body.decode() == '{"name":"José 🙂"}'
    assert request.headers["Content-Length"] == str(len(request.body))


def test_headers_with_any_byte_that_http_allows_arrive(
    runner: Runner, token_service: TokenService, api: TokenService
) -> None:
    """Blanks, tabs and Latin-1 (RFC 9110 section 5.5), a length that is right, the caller's own User-Agent."""
    headers = {"X-One": "a \t\xe9\xff", "content-length": "2", "user-agent": "mine"}
    request = call(runner, token_service, api, "post", body="{}", headers=headers)
    assert request.method == "POST"
    assert request.headers["X-One"] == "a \t\xe9\xff"
    lengths = [name for name in request.headers if name.lower() in {"content-length", "user-agent"}]
    assert len(lengths) == 2
