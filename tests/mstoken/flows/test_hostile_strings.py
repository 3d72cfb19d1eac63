"""Strings that a server should not send, from the wire to the store: what is good of the answer is used."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT, RecordedRequest, Reply, TokenService, token_reply

from mstoken import ClientSecret, ManagedIdentity, MstokenError, RefreshToken, Stores, UnreadableAnswer
from mstoken.stores.memory import MemoryAccessTokens, MemoryRefreshTokens

SURROGATE = "r\ud800"
LINES = "r\r\nX: 1"
ESCAPE = "r\x1b[2J"


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize("text", [SURROGATE, LINES, ESCAPE])
def test_an_invalid_refresh_token_does_not_lose_the_access_token(
    runner: Runner, token_service: TokenService, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    """The one before it stays in use, nothing of the new one is stored, and a warning names the field."""
    stores = Stores(MemoryAccessTokens(), MemoryRefreshTokens())
    token_service.script = [token_reply("a", refresh_token=text), token_reply("b", refresh_token="r2")]
    client = runner.client(TENANT, CLIENT_ID, RefreshToken("r1"), token_service.url, stores)
    assert runner.run(lambda: client.get_token("graph")).token == "a"
    [warning] = warnings_of(caplog)
    assert "refresh_token" in warning
    assert text not in warning
    assert stores.refresh_tokens.list_sign_ins() == {}
    assert runner.run(lambda: client.get_token("graph", fresh=True)).token == "b"
    assert [request.form["refresh_token"] for request in token_service.requests] == ["r1", "r1"]


@pytest.mark.parametrize("field", ["scope", "foci", "id_token"])
@pytest.mark.parametrize("text", [SURROGATE, LINES, ESCAPE])
def test_other_invalid_fields_do_not_lose_the_access_token(
    runner: Runner, token_service: TokenService, caplog: pytest.LogCaptureFixture, field: str, text: str
) -> None:
    """An application's token with a scope that no scope can be, and the like; the cache serves it afterwards."""
    token_service.script = [token_reply("a", **{field: text})]
    client = runner.client(TENANT, CLIENT_ID, ClientSecret("s"), token_service.url)
    for _ in range(2):
        assert runner.run(lambda: client.get_token("graph")).token == "a"
    [warning] = warnings_of(caplog)
    assert field in warning


@pytest.mark.parametrize("text", ["Bearer\r\nX-Injected: 1", "Bearer\n", "Be\ud800arer", "Bea rer"])
def test_a_token_type_with_a_line_break_is_refused(runner: Runner, token_service: TokenService, text: str) -> None:
    """It would go into headers: nothing of that answer is used or stored."""
    stores = Stores(MemoryAccessTokens(), MemoryRefreshTokens())
    token_service.script = [token_reply("a", token_type=text)]
    client = runner.client(TENANT, CLIENT_ID, ClientSecret("s"), token_service.url, stores)
    with pytest.raises(UnreadableAnswer, match="token_type"):
        runner.run(lambda: client.get_token("graph"))
    assert stores.access_tokens.tokens() == []


def machine_of(runner: Runner, service: TokenService, **which: str) -> Any:
    environment = {"AZURE_POD_IDENTITY_AUTHORITY_HOST": service.url}
    return runner.client("", "", ManagedIdentity(environment=environment, **which))


def test_a_managed_identitys_response_is_checked_too(
    runner: Runner, token_service: TokenService, caplog: pytest.LogCaptureFixture
) -> None:
    """A scope that cannot be used is left out; a token type that cannot be used is an unreadable answer."""
    token_service.script = [token_reply("a", scope=SURROGATE), token_reply("b", token_type=LINES)]
    client = machine_of(runner, token_service)
    assert runner.run(lambda: client.get_token("arm")).token == "a"
    assert ["scope" in warning for warning in warnings_of(caplog)] == [True]
    with pytest.raises(UnreadableAnswer, match="token_type"):
        runner.run(lambda: client.get_token("arm", fresh=True))


@pytest.mark.parametrize(
    "body",
    [
        {"error": SURROGATE, "error_description": ESCAPE},
        {"error": {"code": SURROGATE, "message": "a\u202eb"}},
        {"statusCode": 400, "message": "a\x9b2Jb\ud800"},
    ],
)
def test_a_managed_identitys_error_is_shown_in_printable_text(
    runner: Runner, token_service: TokenService, body: dict[str, Any]
) -> None:
    """Whatever the endpoint writes, message and remedy steer no terminal and can be encoded."""
    token_service.script = [Reply(400, body)]
    client = machine_of(runner, token_service, client_id="11111111-2222-3333-4444-555555555555")
    with pytest.raises(MstokenError) as caught:
        runner.run(lambda: client.get_token("arm"))
    assert str(caught.value).replace("\n", "").isprintable()


def test_an_unsendable_claims_challenge_keeps_the_error(runner: Runner, token_service: TokenService) -> None:
    """A lone surrogate in `claims` is no reason to lose what the service said."""
    token_service.script = [
        Reply(400, {"error": "interaction_required", "error_codes": [50076], "claims": '{"a":"\ud800"}'})
    ]
    client = runner.client(TENANT, CLIENT_ID, RefreshToken("r1"), token_service.url)
    with pytest.raises(MstokenError, match="50076") as caught:
        runner.run(lambda: client.get_token("graph"))
    assert getattr(caught.value, "claims", None) == ""


def test_an_unsendable_challenge_of_an_api_returns_its_response(runner: Runner, token_service: TokenService) -> None:
    """The API's 401 goes to the caller, and no token with such claims is requested."""

    claims = base64.b64encode(b'{"a":"\\ud800"}').decode()
    api = TokenService()

    def refuse(_: RecordedRequest) -> Reply:
        return Reply(401, {}, {"WWW-Authenticate": f'Bearer error="insufficient_claims", claims="{claims}"'})

    api.script = [refuse]
    client = runner.client(TENANT, CLIENT_ID, ClientSecret("s"), token_service.url)
    response = runner.run(lambda: client.request("GET", api.url, scope="graph", origin=api.url))
    api.close()
    assert (response.status, len(api.requests), len(token_service.requests)) == (401, 1, 1)
