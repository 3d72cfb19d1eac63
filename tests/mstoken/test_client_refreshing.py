"""Refresh tokens against a real token service on loopback: what is asked, and which one is kept."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT, Reply, TokenService, token_reply

from mstoken import (
    ClientSecret,
    RefreshToken,
    SignInRequired,
    StoreError,
)

SECRET = "s3cr3t~for+tests&only"
INVALID_GRANT = Reply(
    400, {"error": "invalid_grant", "error_description": "AADSTS700082: expired", "error_codes": [700082]}
)


def user(runner: Runner, service: TokenService, **options: Any) -> Any:
    return runner.client(TENANT, CLIENT_ID, RefreshToken(**{"value": "rt-1", **options}), service.url)


@pytest.mark.parametrize("client_secret", ["", SECRET], ids=["public", "confidential"])
def test_refresh_request_is_exactly_the_documented_one(
    runner: Runner, token_service: TokenService, client_secret: str
) -> None:
    """The refresh-token grant adds refresh_token, and a secret only for a confidential client."""
    client = user(runner, token_service, client=ClientSecret(client_secret) if client_secret else None)
    runner.run(lambda: client.get_token("partner"))
    expected = {
        "client_id": CLIENT_ID,
        "grant_type": "refresh_token",
        "refresh_token": "rt-1",
        "scope": "https://api.partnercenter.microsoft.com/user_impersonation",
    }
    assert token_service.requests[0].form == expected | ({"client_secret": SECRET} if client_secret else {})


def test_a_new_refresh_token_replaces_the_old_one(runner: Runner, token_service: TokenService) -> None:
    """The next request uses the refresh token that the last answer carried, and `on_new` has seen it."""
    seen: list[str] = []
    client = user(runner, token_service, on_new=seen.append)
    token_service.script = [token_reply(refresh_token="rt-2"), token_reply("token-2", refresh_token="rt-3")]
    runner.run(lambda: client.get_token("graph"))
    runner.run(lambda: client.get_token("arm"))
    assert [request.form["refresh_token"] for request in token_service.requests] == ["rt-1", "rt-2"]
    assert seen == ["rt-2", "rt-3"]


def test_the_previous_refresh_token_is_tried_when_the_new_one_is_refused(
    runner: Runner, token_service: TokenService
) -> None:
    """A new refresh token that never works does not cost the one that did."""
    client = user(runner, token_service)
    token_service.script = [token_reply(refresh_token="rt-broken"), INVALID_GRANT, token_reply("token-2")]
    runner.run(lambda: client.get_token("graph"))
    assert runner.run(lambda: client.get_token("arm")).token == "token-2"
    assert [request.form["refresh_token"] for request in token_service.requests] == ["rt-1", "rt-broken", "rt-1"]


def test_the_refresh_token_that_replaces_a_refused_one_is_stored(runner: Runner, token_service: TokenService) -> None:
    """The new token that the previous one brought is used from then on, not the refused one again."""
    client = user(runner, token_service)
    token_service.script = [
        token_reply(refresh_token="rt-broken"),
        INVALID_GRANT,
        token_reply("token-2", refresh_token="rt-3"),
        token_reply("token-3"),
    ]
    for service in ("graph", "arm", "keyvault"):
        runner.run(partial(client.get_token, service))
    assert [request.form["refresh_token"] for request in token_service.requests] == [
        "rt-1",
        "rt-broken",
        "rt-1",
        "rt-3",
    ]


def test_a_failing_refresh_token_callback_fails_the_call(runner: Runner, token_service: TokenService) -> None:
    """If `on_new` cannot keep the new refresh token, the access token is not handed out as if it had."""

    def full(_: str) -> None:
        raise OSError("disk full")

    client = user(runner, token_service, on_new=full)
    token_service.script = [token_reply(refresh_token="rt-2")]
    with pytest.raises(StoreError, match="failed with OSError") as caught:
        runner.run(lambda: client.get_token("graph"))
    assert str(caught.value.__cause__) == "disk full"


def test_an_ended_refresh_token_is_sign_in_required(runner: Runner, token_service: TokenService) -> None:
    """invalid_grant is SignInRequired, with the command that resolves it."""
    token_service.script = [INVALID_GRANT]
    client = user(runner, token_service)
    with pytest.raises(SignInRequired) as caught:
        runner.run(lambda: client.get_token("graph"))
    assert caught.value.codes == (700082,)
    assert "mstoken login" in caught.value.remedy
