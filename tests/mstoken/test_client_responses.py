"""What a token service may answer, well or badly, and what a client makes of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import formatdate
from functools import partial
from typing import Any

import pytest
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT, Reply, TokenService, token_reply
from tests.support.unsigned_tokens import jwt

from mstoken import (
    ClientSecret,
    ConsentRequired,
    CredentialRejected,
    Misconfigured,
    SignInRequired,
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
        (Reply(200, {"access_token": "x", "expires_in": 10**30}), "expires_in"),
        (Reply(200, {"access_token": "x", "expires_in": "PT1H"}), "expires_in"),
        (Reply(200, {"access_token": "x", "expires_in": "3_599"}), "expires_in"),
        (Reply(200, {"access_token": "x", "expires_in": "0x0E0F"}), "expires_in"),
        (Reply(200, {"access_token": "x", "expires_in": "1_000_000_000_000"}), "expires_in"),
        (Reply(200, {"access_token": "x", "expires_in": 1_500_000_000}), "expires_in"),
        (Reply(200, {"access_token": "x", "expires_on": "2017-06-20T02:57:58Z"}), "expires_on"),
        (Reply(200, {"access_token": jwt({"exp": 1_500_000_000}), "expires_in": 3599}), "expired, by its own exp"),
        (Reply(200, "{" + '"a":{' * 100_000), "cut off"),
        (Reply(200, b"x" * (1024 * 1024 + 1)), "more than"),
        (Reply(302, "", {"Location": "https://evil.example/"}), "answered with a redirect"),
        (Reply(404, "<html>not found</html>"), "neither a token nor an OAuth error"),
        (Reply(418, {"error": {"code": "Teapot"}}), "neither a token nor an OAuth error"),
    ],
)
def test_an_invalid_response_is_a_clear_error(
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
def test_a_lifetime_may_be_text_or_a_fraction(runner: Runner, token_service: TokenService, app: Any, life: Any) -> None:
    """v1 endpoints and managed identity give seconds as text."""
    token_service.script = [token_reply(expires_in=life)]
    token = runner.run(lambda: app.get_token("graph"))
    assert 3590 < token.expires_on - time.time() <= 3600


@pytest.mark.parametrize(
    "written",
    [
        lambda end: end,
        lambda end: end + 0.75,
        lambda end: f"{end}.0",
        lambda end: f"{end:.9e}",
        lambda end: end * 1000,
        lambda end: str(end * 1000),
        lambda end: datetime.fromtimestamp(end, UTC).isoformat(),
        lambda end: datetime.fromtimestamp(end, UTC).strftime("%Y-%m-%dT%H:%M:%S.1234567Z"),
        lambda end: datetime.fromtimestamp(end + 5.5 * 3600, UTC).strftime("%Y-%m-%d %H:%M:%S +05:30"),
        lambda end: datetime.fromtimestamp(end, UTC).strftime("%m/%d/%Y %I:%M:%S %p +00:00"),
    ],
)
@pytest.mark.parametrize("name", ["expires_in", "expires_on"])
def test_a_point_in_time_is_not_a_duration(
    runner: Runner, token_service: TokenService, app: Any, name: str, written: Callable[[int], Any]
) -> None:
    """The end of a token's life, in whichever form and field, is that point in time."""
    end = int(time.time()) + 3000
    token_service.script = [Reply(200, {"access_token": "x", "token_type": "Bearer", name: written(end)})]
    token = runner.run(lambda: app.get_token("graph"))
    assert token.expires_on == end
    assert token.refresh_on < end


@pytest.mark.parametrize(
    "claims",
    [
        lambda end: {"exp": end},
        lambda end: {"exp": end + 0.5},
        lambda end: {"exp": str(end)},
        lambda end: {"exp": end * 1000},
        lambda end: {"cnf": {"exp": 1}, "padding": "x" * 2000, "exp": end},
    ],
    ids=["seconds", "fraction", "text", "milliseconds", "late in the payload"],
)
def test_no_token_is_used_past_its_own_exp(
    runner: Runner, token_service: TokenService, app: Any, claims: Callable[[int], Any]
) -> None:
    """`expires_in` promises a day; the token itself says 1000 seconds, as RFC 7519 writes it or not quite."""
    end = int(time.time()) + 1000
    token_service.script = [token_reply(jwt(claims(end)), expires_in=86_400)]
    token = runner.run(lambda: app.get_token("graph"))
    assert end - 2 <= token.expires_on <= end
    assert token.refresh_on < end


@pytest.mark.parametrize("ahead_in", [-7200, 7200])
def test_a_wrong_local_clock_does_not_shorten_the_lifetime(
    runner: Runner, token_service: TokenService, app: Any, ahead_in: int
) -> None:
    """Where the server's Date differs from this machine's clock, `exp` and `expires_on` are read by the server's."""
    theirs = int(time.time()) - ahead_in
    dated = {"Date": formatdate(theirs, usegmt=True)}
    body = {"access_token": jwt({"exp": theirs + 3600}), "token_type": "Bearer"}
    token_service.script = [
        Reply(200, body | {"expires_in": 3599}, dated),
        Reply(200, body | {"expires_on": str(theirs + 3600)}, dated),
    ]
    for service in ("graph", "arm"):
        token = runner.run(partial(app.get_token, service))
        assert token.expires_on - time.time() == pytest.approx(3600, abs=5)


@pytest.mark.parametrize("value", ["opaque", "eyJ.not.base64", jwt([1]), jwt({"exp": "soon"}), jwt({"exp": None})])
def test_without_a_readable_exp_the_responses_lifetime_counts(
    runner: Runner, token_service: TokenService, app: Any, value: str
) -> None:
    """An access token's format is its API's business (RFC 6749 section 1.4)."""
    token_service.script = [token_reply(value)]
    token = runner.run(lambda: app.get_token("graph"))
    assert 3590 < token.expires_on - time.time() <= 3600


def test_a_missing_lifetime_is_assumed_to_be_short(runner: Runner, token_service: TokenService, app: Any) -> None:
    """RFC 6749 section 5.1 only recommends to say it: five minutes are safe."""
    token_service.script = [token_reply(expires_in=None)]
    token = runner.run(lambda: app.get_token("graph"))
    assert 0 < token.expires_on - time.time() <= 300


@pytest.mark.parametrize("lie", [0, -1, True, "soon", "NaN", 1e300, 10**30, [1], {}, None])
def test_an_invalid_refresh_in_does_not_fail_the_call(
    runner: Runner, token_service: TokenService, app: Any, lie: object
) -> None:
    """`refresh_in` is a hint: a token with a life that makes sense is used, and renewed within that life."""
    token_service.script = [token_reply(refresh_in=lie)]
    token = runner.run(lambda: app.get_token("graph"))
    assert token.token == "token-1"
    assert time.time() < token.refresh_on <= token.expires_on


def test_an_excessive_lifetime_is_capped(runner: Runner, token_service: TokenService, app: Any) -> None:
    """A server that promises a thousand years is asked again within one."""
    token_service.script = [token_reply(expires_in=1000 * 365 * 24 * 3600)]
    token = runner.run(lambda: app.get_token("graph"))
    assert token.expires_on - time.time() <= 366 * 24 * 3600


def test_an_unknown_error_keeps_the_servers_description(runner: Runner, token_service: TokenService, app: Any) -> None:
    """A server that is not Entra: its error and description reach the caller, without line breaks."""
    token_service.script = [
        Reply(400, {"error": "invalid_target", "error_description": "no such\r\naudience \x1b[31m"})
    ]
    with pytest.raises(TokenRefused) as caught:
        runner.run(lambda: app.get_token("graph"))
    assert caught.value.error == "invalid_target"
    assert "no such audience" in caught.value.message
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "description", "kind"),
    [
        ("invalid_grant", "AADB2C90080: The provided grant has expired.\r\nCorrelation ID: 1-2", SignInRequired),
        ("invalid_request", "AADB2C90081: The specified client_secret does not match", CredentialRejected),
        ("access_denied", "AADB2C90091: The user has cancelled", ConsentRequired),
        ("invalid_request", "AADB2C90058: not configured to allow public clients", Misconfigured),
    ],
)
def test_a_b2c_error_is_recognized_by_its_code(
    runner: Runner, token_service: TokenService, app: Any, error: str, description: str, kind: type[TokenRefused]
) -> None:
    """Its codes stand in the description alone; the error's name says too little."""
    token_service.script = [Reply(400, {"error": error, "error_description": description})]
    with pytest.raises(kind) as caught:
        runner.run(lambda: app.get_token("graph"))
    assert caught.value.message.startswith(description.partition(":")[0])
