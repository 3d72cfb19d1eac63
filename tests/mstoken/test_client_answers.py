"""What a token service may answer, well or badly, and what a client makes of it."""

from __future__ import annotations

import time
from typing import Any

import pytest
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT, Reply, TokenService, token_reply

from mstoken import (
    ClientSecret,
    TokenRefused,
    UnreadableAnswer,
)

SECRET = "s3cr3t~for+tests&only"


@pytest.fixture
def app(runner: Runner, token_service: TokenService) -> Any:
    """An application's client of the token service."""
    return runner.client(TENANT, CLIENT_ID, ClientSecret(SECRET), token_service.url)


@pytest.mark.parametrize(
    ("reply", "word"),
    [
        (Reply(200, "<html>Sign in to the Wi-Fi</html>"), "web page"),
        (Reply(200, '{"access_token": "abc'), "cut off"),
        (Reply(200, ""), "empty"),
        (Reply(200, "[1, 2]"), "not JSON"),
        (Reply(200, "hello"), "not JSON"),
        (Reply(200, {"token_type": "Bearer"}), "without a usable access_token"),
        (Reply(200, {"access_token": "a b\nc", "expires_in": 1}), "without a usable access_token"),
        (Reply(200, {"access_token": ["x"], "expires_in": 1}), "without a usable access_token"),
        (Reply(200, {"access_token": "x", "expires_in": 0}), "expires_in"),
        (Reply(200, {"access_token": "x", "expires_in": -5}), "expires_in"),
        (Reply(200, {"access_token": "x", "expires_in": "soon"}), "expires_in"),
        (Reply(200, {"access_token": "x", "expires_in": True}), "expires_in"),
        (Reply(200, {"access_token": "x", "expires_in": [3599]}), "expires_in"),
        (Reply(200, '{"access_token": "x", "expires_in": NaN}'), "expires_in"),
        (Reply(200, '{"access_token": "x", "expires_in": Infinity}'), "expires_in"),
        (Reply(200, "{" + '"a":{' * 100_000), "cut off"),
        (Reply(200, b"x" * (1024 * 1024 + 1)), "more than"),
        (Reply(302, "", {"Location": "https://evil.example/"}), "redirected"),
        (Reply(404, "<html>not found</html>"), "neither a token nor an OAuth error"),
        (Reply(418, {"error": {"code": "Teapot"}}), "neither a token nor an OAuth error"),
    ],
)
def test_what_is_no_answer_gives_a_clear_error(
    runner: Runner, token_service: TokenService, app: Any, reply: Reply, word: str
) -> None:
    """HTML, cut-off, huge, redirecting or senseless answers say what came, and never quote it."""
    token_service.script = [reply]
    with pytest.raises(UnreadableAnswer, match=word) as caught:
        runner.run(lambda: app.get_token("graph"))
    assert caught.value.remedy
    assert len(str(caught.value)) < 400
    assert len(token_service.requests) == 1


@pytest.mark.parametrize("life", ["3599", 3599.9, "3599.0"])
def test_a_life_given_as_text_or_fraction_is_understood(
    runner: Runner, token_service: TokenService, app: Any, life: Any
) -> None:
    """v1 endpoints and managed identity give seconds as text."""
    token_service.script = [token_reply(expires_in=life)]
    token = runner.run(lambda: app.get_token("graph"))
    assert 3590 < token.expires_on - time.time() <= 3600


def test_a_life_that_is_not_said_is_taken_to_be_short(runner: Runner, token_service: TokenService, app: Any) -> None:
    """RFC 6749 section 5.1 only recommends to say it: five minutes are safe."""
    token_service.script = [token_reply(expires_in=None)]
    token = runner.run(lambda: app.get_token("graph"))
    assert 0 < token.expires_on - time.time() <= 300


@pytest.mark.parametrize("lie", [0, -1, True, "soon", "NaN", 1e300, 10**30, [1], {}, None])
def test_a_senseless_time_of_renewal_costs_no_token(
    runner: Runner, token_service: TokenService, app: Any, lie: object
) -> None:
    """`refresh_in` is a hint: a token with a life that makes sense is used, and renewed within that life."""
    token_service.script = [token_reply(refresh_in=lie)]
    token = runner.run(lambda: app.get_token("graph"))
    assert token.token == "token-1"
    assert time.time() < token.refresh_on <= token.expires_on


def test_an_endless_life_is_cut(runner: Runner, token_service: TokenService, app: Any) -> None:
    """A server that promises a thousand years is asked again within one."""
    token_service.script = [token_reply(expires_in=10**30)]
    token = runner.run(lambda: app.get_token("graph"))
    assert token.expires_on - time.time() <= 366 * 24 * 3600


def test_an_unknown_refusal_keeps_what_the_server_said(runner: Runner, token_service: TokenService, app: Any) -> None:
    """A server that is not Entra: its error and description reach the caller, without line breaks."""
    token_service.script = [
        Reply(400, {"error": "invalid_target", "error_description": "no such\r\naudience \x1b[31m"})
    ]
    with pytest.raises(TokenRefused) as caught:
        runner.run(lambda: app.get_token("graph"))
    assert caught.value.error == "invalid_target"
    assert "no such audience" in caught.value.message
    assert "\x1b" not in str(caught.value)
