"""Claims challenges: answered once with another token, else an error that says how to sign in."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.fake_clock import use_fake_clock
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT, Reply, TokenService, token_reply

from mstoken import ApiRefused, ClientSecret, RefreshToken, SignInRequired

CLAIMS = json.dumps({"access_token": {"acrs": {"essential": True, "value": "c1"}}})
CHALLENGE = f'Bearer error="insufficient_claims", claims="{base64.b64encode(CLAIMS.encode()).decode()}"'


@pytest.fixture
def api() -> Iterator[TokenService]:
    service = TokenService()
    yield service
    service.close()


def refuses(status: int) -> Reply:
    return Reply(status, {"error": {"code": "accessDenied"}}, {"WWW-Authenticate": CHALLENGE})


def call(runner: Runner, service: TokenService, api: TokenService, credential: Any) -> Any:
    service.script = [token_reply("first"), token_reply("second")]
    client = runner.client(TENANT, CLIENT_ID, credential, service.url)
    use_fake_clock(client)
    return runner.run(lambda: client.request("PATCH", f"{api.url}/x", scope="graph", origin=api.url, body=b"{}"))


@pytest.mark.parametrize("status", [401, 403])
def test_a_challenge_is_answered_once_with_a_token_that_has_the_claims(
    runner: Runner, token_service: TokenService, api: TokenService, status: int
) -> None:
    """Graph answers 403 for an authentication context. The body is sent again with the new token."""
    api.script = [refuses(status), Reply(200, {})]
    assert call(runner, token_service, api, ClientSecret("not-a-secret")).status == 200
    assert [request.headers["Authorization"] for request in api.requests] == ["Bearer first", "Bearer second"]
    assert json.loads(token_service.requests[1].form["claims"]) == json.loads(CLAIMS)
    assert [request.body for request in api.requests] == [b"{}", b"{}"]


@pytest.mark.parametrize("status", [401, 403])
def test_a_user_who_cannot_meet_it_gets_the_command(
    runner: Runner, token_service: TokenService, api: TokenService, status: int
) -> None:
    """With the very claims, in the error too; and the request is not sent a third time."""
    api.script = [refuses(status)]
    response = call(runner, token_service, api, RefreshToken("not-a-token"))
    with pytest.raises(SignInRequired) as caught:
        response.raise_for_status()
    encoded = base64.urlsafe_b64encode(CLAIMS.encode()).decode()
    assert encoded in caught.value.remedy
    assert json.loads(caught.value.claims) == json.loads(CLAIMS)
    assert len(api.requests) == 2


def test_the_command_has_the_claims_of_the_api_if_the_refusal_of_the_token_has_none(
    runner: Runner, token_service: TokenService, api: TokenService
) -> None:
    """Also claims that are longer than other values of a command may be."""
    long = json.dumps({"access_token": {"acrs": {"essential": True, "values": [f"c{n}" for n in range(1, 100)]}}})
    challenge = f'Bearer error="insufficient_claims", claims="{base64.b64encode(long.encode()).decode()}"'
    api.script = [Reply(403, {}, {"WWW-Authenticate": challenge})]
    refused = Reply(400, {"error": "invalid_grant", "error_description": "AADSTS50076: …", "error_codes": [50076]})
    token_service.script = [token_reply("first"), refused]
    client = runner.client(TENANT, CLIENT_ID, RefreshToken("not-a-token"), token_service.url)
    use_fake_clock(client)
    with pytest.raises(SignInRequired) as caught:
        runner.run(lambda: client.request("PATCH", f"{api.url}/x", scope="graph", origin=api.url, body=b"{}"))
    assert json.loads(caught.value.claims) == json.loads(long)
    assert base64.urlsafe_b64encode(long.encode()).decode() in caught.value.remedy
    assert len(api.requests) == 1


def test_an_application_has_nobody_to_sign_in(runner: Runner, token_service: TokenService, api: TokenService) -> None:
    api.script = [refuses(403)]
    with pytest.raises(ApiRefused):
        call(runner, token_service, api, ClientSecret("not-a-secret")).raise_for_status()


def test_a_403_without_claims_is_final(runner: Runner, token_service: TokenService, api: TokenService) -> None:
    api.script = [Reply(403, {}, {"WWW-Authenticate": 'Bearer error="insufficient_claims", claims="?"'})]
    assert call(runner, token_service, api, RefreshToken("not-a-token")).status == 403
    assert len(api.requests) == 1
