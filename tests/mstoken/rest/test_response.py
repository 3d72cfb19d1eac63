"""`request(json=, params=, timeout=)`, relative paths, and what the response can do."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT, Reply, TokenService, token_reply

from mstoken import ApiRefused, ApiResponse, ClientSecret, ServiceUnavailable, SignInRequired, Throttled, UsageError
from mstoken.errors import TransportError, UnreadableAnswer


def call(runner: Runner, service: TokenService, reply: Reply, method: str = "GET", **options: Any) -> ApiResponse:
    """Call an API that answers with `reply`."""
    service.script = [lambda request: token_reply() if request.path.endswith("/token") else reply]
    client = runner.client(TENANT, CLIENT_ID, ClientSecret("s"), service.url)
    path = options.pop("path", "/v1.0/me")
    given = {"scope": "graph", "origin": service.url} | options
    return runner.run(lambda: client.request(method, service.url + path, **given))  # type: ignore[no-any-return]


def test_json_is_sent_as_json(runner: Runner, token_service: TokenService) -> None:
    """The body is the value, and Content-Type says so unless the caller does."""
    call(runner, token_service, Reply(200, {}), "POST", json={"name": "é", "n": 1})
    call(
        runner,
        token_service,
        Reply(200, {}),
        "PATCH",
        json=[],
        headers={"Content-Type": "application/merge-patch+json"},
    )
    first, second = [request for request in token_service.requests if not request.path.endswith("/token")]
    assert (json.loads(first.body), first.headers["Content-Type"]) == ({"name": "é", "n": 1}, "application/json")
    assert (second.body, second.headers["Content-Type"]) == (b"[]", "application/merge-patch+json")


@pytest.mark.parametrize("value", [{"a": object()}, math.nan], ids=["object", "nan"])
def test_values_that_json_cannot_represent_are_refused(runner: Runner, token_service: TokenService, value: Any) -> None:
    """Before anything is sent."""
    with pytest.raises(UsageError, match="cannot be written as JSON"):
        call(runner, token_service, Reply(200, {}), "POST", json=value)
    assert token_service.requests == []


def test_json_and_body_exclude_each_other(runner: Runner, token_service: TokenService) -> None:
    """A request has one body."""
    with pytest.raises(UsageError, match="one body"):
        call(runner, token_service, Reply(200, {}), "POST", json={}, body=b"x")


def test_params_are_added_to_the_query(runner: Runner, token_service: TokenService) -> None:
    """They are encoded; a list gives a pair for each item, and None gives none."""
    params = {"$filter": "a eq 'b & c'", "id": [1, 2], "none": None}
    call(runner, token_service, Reply(200, {}), path="/users?$top=5", params=params)
    assert token_service.requests[-1].path == "/users?$top=5&%24filter=a+eq+%27b+%26+c%27&id=1&id=2"


def test_a_timeout_ends_the_call(runner: Runner, token_service: TokenService) -> None:
    """A server that does not answer in time is a TransportError."""
    with pytest.raises(TransportError, match="in time"):
        call(runner, token_service, Reply(200, {}, delay=5), timeout=0.5)


def test_a_relative_path_belongs_to_azure_resource_manager(runner: Runner) -> None:
    """As on the command line; any other path is refused."""
    client = runner.client(TENANT, CLIENT_ID, ClientSecret("s"))
    assert client.api_url("/subscriptions", {"api-version": "2022-12-01"}) == (
        "https://management.azure.com/subscriptions?api-version=2022-12-01"
    )
    with pytest.raises(UsageError, match="is not a URL"):
        client.api_url("/me")
    with pytest.raises(TypeError, match="url is text"):
        client.api_url(b"/subscriptions")


def test_the_response_reads_json_and_text(runner: Runner, token_service: TokenService) -> None:
    """With the charset of its Content-Type."""
    response = call(runner, token_service, Reply(200, {"a": "é"}))
    assert (response.json(), response.ok, response.raise_for_status()) == ({"a": "é"}, True, response)
    latin = Reply(200, "é".encode("latin-1"), {"Content-Type": "text/plain; charset=ISO-8859-1"})
    assert call(runner, token_service, latin).text == "é"
    assert call(runner, token_service, Reply(200, b"\xef\xbb\xbfa\xff")).text == "a\N{REPLACEMENT CHARACTER}"


def test_a_body_that_is_not_json_is_reported_and_not_quoted(runner: Runner, token_service: TokenService) -> None:
    """The error says what came instead."""
    response = call(runner, token_service, Reply(200, "<html>private</html>", {"Content-Type": "text/html"}))
    with pytest.raises(UnreadableAnswer, match=r"not JSON \(text/html\)") as caught:
        response.json()
    assert "private" not in str(caught.value)


def test_headers_are_found_in_any_letter_case(runner: Runner, token_service: TokenService) -> None:
    """RFC 9110 section 5.1."""
    headers = call(runner, token_service, Reply(200, {}, {"X-Note": "yes"})).headers
    assert headers["X-NOTE"] == headers["x-note"] == headers.get("X-Note") == "yes"
    assert "X-Note" in headers
    assert headers.get("X-Other") is None
    with pytest.raises(KeyError):
        headers["X-Other"]


@pytest.mark.parametrize(
    ("reply", "kind", "retry_in"),
    [
        (Reply(403, {"error": {"code": "Authorization_RequestDenied", "message": "No."}}), ApiRefused, None),
        (Reply(404, {"error": {"code": "NotFound", "message": "Gone."}}), ApiRefused, None),
        (Reply(401, {"code": 900421, "description": "MFA"}), SignInRequired, None),
        (Reply(429, {}, {"Retry-After": "7"}), Throttled, 7),
        (Reply(503, {}, {"Retry-After": "9"}), ServiceUnavailable, 9),
        (Reply(500, "oops"), ServiceUnavailable, None),
    ],
    ids=["403", "404", "401", "429", "503", "500"],
)
def test_raise_for_status_raises_our_errors(
    runner: Runner, token_service: TokenService, reply: Reply, kind: type[Exception], retry_in: float | None
) -> None:
    """With the status, a remedy, and the seconds to wait."""
    response = call(runner, token_service, reply, retries=0)
    with pytest.raises(kind) as caught:
        response.raise_for_status()
    assert f"returned {reply.status}" in str(caught.value)
    assert getattr(caught.value, "retry_in", None) == retry_in
    if isinstance(caught.value, ApiRefused):
        assert (caught.value.status, caught.value.code) == (reply.status, reply.body["error"]["code"])
        assert caught.value.remedy
    assert not response.ok


def test_the_repr_shows_no_body(runner: Runner, token_service: TokenService) -> None:
    """A response may contain a token."""
    response = call(runner, token_service, Reply(200, {"access_token": "private"}))
    assert "private" not in repr(response)
