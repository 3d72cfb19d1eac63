"""At a standard OAuth server letter case counts: scopes, client ids and paths that differ by it share nothing."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.runners import Runner
from tests.support.token_service import RecordedRequest, Reply, TokenService, token_reply

from mstoken import Authority, ClientSecret, Password, RefreshToken, Stores, Throttled, Token, UntrustedOrigin
from mstoken.stores.memory import MemoryAccessTokens, MemoryRefreshTokens


@pytest.fixture
def service(token_service: TokenService) -> TokenService:
    """Each answer has a token of its own."""

    def answer(_: RecordedRequest) -> Reply:
        number = len(token_service.requests)
        return token_reply(f"token-{number}", refresh_token=f"refresh-{number}")

    token_service.script = [answer]
    return token_service


def at(runner: Runner, service: TokenService, path: str = "/Token", client_id: str = "App", **more: Any) -> Any:
    credential, stores = more.get("credential", ClientSecret("s3cret")), more.get("stores")
    return runner.client("", client_id, credential, Authority.oauth(service.url + path), stores)


def got(runner: Runner, client: Any, scope: str) -> Token:
    token: Token = runner.run(lambda: client.get_token(scope))
    return token


@pytest.mark.parametrize("scopes", [("READ", "read"), ("api/Reports", "api/reports"), ("Openid", "openid")])
def test_two_scopes_get_two_tokens(runner: Runner, service: TokenService, scopes: tuple[str, str]) -> None:
    """RFC 6749 section 3.3: scopes are case-sensitive. Each is asked for once, as it is written."""
    client = at(runner, service)
    tokens = [got(runner, client, scope).token for scope in (*scopes, *scopes)]
    assert tokens == ["token-1", "token-2", "token-1", "token-2"]
    assert [request.form["scope"] for request in service.requests] == list(scopes)


def test_two_applications_and_two_realms_get_separate_tokens(runner: Runner, service: TokenService) -> None:
    """They share a store, and neither client id nor path of one is the other's."""
    stores = Stores(MemoryAccessTokens(), MemoryRefreshTokens())
    clients = [
        at(runner, service, stores=stores),
        at(runner, service, client_id="app", stores=stores),
        at(runner, service, path="/token", stores=stores),
        at(runner, service, path="/TOKEN?realm=b", stores=stores),
        at(runner, service, path="/TOKEN?realm=B", stores=stores),
    ]
    tokens = [got(runner, client, "READ").token for client in clients]
    assert tokens == [f"token-{number}" for number in range(1, 6)]


def test_a_pause_of_one_realm_delays_no_other(runner: Runner, service: TokenService) -> None:
    """A 429 is shared by those who ask as the same client at the same endpoint, whose path counts as it is written."""
    stores = Stores(MemoryAccessTokens(), MemoryRefreshTokens())
    answers = service.script[0]
    service.script = [Reply(429, {"error": "slow_down"}, {"Retry-After": "3600"}), answers]
    paused, other = (at(runner, service, path, stores=stores) for path in ("/realms/a", "/realms/A"))
    with pytest.raises(Throttled):
        got(runner, paused, "READ")
    with pytest.raises(Throttled):
        got(runner, paused, "READ")
    assert got(runner, other, "READ").token == "token-2"


def test_a_refresh_token_of_one_realm_is_not_sent_to_another(runner: Runner, service: TokenService) -> None:
    """It goes back to the endpoint it came from, though both are on one host."""
    stores = Stores(MemoryAccessTokens(), MemoryRefreshTokens())
    person = at(runner, service, "/realms/a", credential=Password("anna", "pw", account="work"), stores=stores)
    got(runner, person, "READ")
    before = len(service.requests)
    elsewhere = at(runner, service, "/realms/A", credential=RefreshToken(account="work"), stores=stores)
    with pytest.raises(UntrustedOrigin, match="/realms/a"):
        got(runner, elsewhere, "READ")
    assert len(service.requests) == before
    again = at(runner, service, "/realms/a", credential=RefreshToken(account="work"), stores=stores)
    got(runner, again, "WRITE")
    assert service.requests[-1].form["grant_type"] == "refresh_token"


def test_two_users_of_one_host_have_separate_sign_ins(runner: Runner, service: TokenService) -> None:
    """User names are case-sensitive text there, and each realm has users of its own."""
    stores = Stores(MemoryAccessTokens(), MemoryRefreshTokens())
    for path, name in (("/a", "Anna"), ("/a", "anna"), ("/b", "anna")):
        person = at(runner, service, path, credential=Password(name, "pw"), stores=stores)
        got(runner, person, "READ")
    assert len(stores.refresh_tokens.list_sign_ins()) == 3
    assert [request.form["username"] for request in service.requests] == ["Anna", "anna", "anna"]
