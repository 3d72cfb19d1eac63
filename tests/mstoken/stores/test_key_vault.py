"""Key Vault: its challenge, its answers and its versions."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.token_service import Reply, TokenService
from tests.support.vault_api import TOKEN, VaultApi

from mstoken import StoreError, UntrustedOrigin, UsageError, key_vault_refresh_tokens, key_vault_secret
from mstoken.flows.store_port import RefreshTokenStore, TokenInfo
from mstoken.model import StoredRefreshToken, Token
from mstoken.stores import key_vault

KEY = "account:anna"
INFO = TokenInfo("https://login.microsoftonline.com", "contoso.onmicrosoft.com", "app")


class Asks:
    """Who asks the vault: remembers for what."""

    def __init__(self) -> None:
        self.requests: list[tuple[tuple[str, ...], Any, Any]] = []

    def get_token(
        self, *scopes: str, claims: str | None = None, tenant_id: str | None = None, enable_cae: bool = False
    ) -> Token:
        assert not enable_cae
        self.requests.append((scopes, tenant_id, claims))
        return Token(TOKEN, 4_000_000_000)


@pytest.fixture
def asks() -> Asks:
    """An identity."""
    return Asks()


@pytest.fixture
def vault(token_service: TokenService, monkeypatch: pytest.MonkeyPatch) -> VaultApi:
    """An empty vault that is asked without pauses."""
    monkeypatch.setattr(key_vault, "RETRY_PAUSES_IN", (0.0, 0.0, 0.0))
    return VaultApi(token_service)


@pytest.fixture
def refresh_tokens(vault: VaultApi, asks: Asks) -> RefreshTokenStore:
    """Refresh tokens there."""
    return key_vault_refresh_tokens(vault.url, asks)


def test_the_challenge_selects_the_token(vault: VaultApi, refresh_tokens: RefreshTokenStore, asks: Asks) -> None:
    """Scope and tenant come from it; the first request carries no token and nothing of what is to be kept."""
    refresh_tokens.put(KEY, "r0-secret", INFO)
    assert asks.requests == [(("https://127.0.0.1/.default",), "contoso", None)]
    assert vault.unproved == [b""]
    refresh_tokens.load(KEY)
    assert len(vault.unproved) == 1


@pytest.mark.parametrize(
    "resource", ["https://management.azure.com", "https://vault.azure.net", "https://7.0.0.1", "", "https://[", "x"]
)
def test_a_challenge_for_a_foreign_resource_gets_no_token(
    vault: VaultApi, refresh_tokens: RefreshTokenStore, asks: Asks, resource: str
) -> None:
    """The resource must be the vault's own domain; else nothing is asked for and nothing sent."""
    vault.resource = resource
    with pytest.raises(UntrustedOrigin):
        refresh_tokens.put(KEY, "r0-secret", INFO)
    assert asks.requests == []
    assert vault.unproved == [b""]


def test_a_claims_challenge_is_answered_once(vault: VaultApi, refresh_tokens: RefreshTokenStore, asks: Asks) -> None:
    """With continuous access evaluation the vault may want a newer token: it is asked for with the claims."""
    said = f'Bearer resource="{vault.url}", error="insufficient_claims", claims="eyJhIjp7fX0="'
    vault.next = [Reply(401, {}, {"WWW-Authenticate": said})]
    assert refresh_tokens.load(KEY) is None
    assert [claims for *_, claims in asks.requests] == [None, '{"a":{}}']
    vault.next = [Reply(401, {}, {"WWW-Authenticate": said})] * 3
    with pytest.raises(StoreError, match="401"):
        refresh_tokens.load(KEY)


def test_each_renewal_is_a_version_that_names_its_predecessor(
    vault: VaultApi, refresh_tokens: RefreshTokenStore
) -> None:
    """The vault has the history; names and tags show no account in the secret's name and no token anywhere."""
    refresh_tokens.put(KEY, "r0-secret", INFO)
    refresh_tokens.replace(KEY, "r0-secret", "r1-secret")
    refresh_tokens.replace(KEY, "r1-secret", "r2-secret")
    [(name, versions)] = vault.versions.items()
    assert name.startswith("mstoken-")
    assert "anna" not in name
    assert [json.loads(one["value"])["current"] for one in versions] == ["r0-secret", "r1-secret", "r2-secret"]
    ids = [one["id"].rpartition("/")[2] for one in versions]
    assert [one["tags"].get("after") for one in versions] == [None, ids[0], ids[1]]
    assert "secret" not in json.dumps([one["tags"] for one in versions])


def test_every_page_of_a_list_is_read(vault: VaultApi, refresh_tokens: RefreshTokenStore) -> None:
    """Page by page, sign-ins only; a secret of somebody else is left out."""
    vault.versions["theirs"] = [{"id": f"{vault.url}/secrets/theirs/1", "value": "x", "tags": {}}]
    for number in range(8):
        refresh_tokens.put(f"account:{number}", "r", INFO)
    assert list(refresh_tokens.list_sign_ins()) == [f"account:{number}" for number in range(8)]
    assert refresh_tokens.list_sign_ins()["account:3"].info == INFO


def test_a_next_link_to_another_host_is_not_followed(vault: VaultApi, refresh_tokens: RefreshTokenStore) -> None:
    """The token would go there."""
    refresh_tokens.load(KEY)
    vault.next = [Reply(200, {"value": [], "nextLink": "https://evil.example/secrets"})]
    with pytest.raises(UntrustedOrigin):
        refresh_tokens.list_sign_ins()


def test_a_deleted_sign_in_can_be_stored_again(vault: VaultApi, refresh_tokens: RefreshTokenStore) -> None:
    """With soft delete the name stays taken: it is recovered, and then has the new token."""
    refresh_tokens.put(KEY, "r0", INFO)
    assert refresh_tokens.remove(KEY) is True
    assert refresh_tokens.load(KEY) is None
    refresh_tokens.put(KEY, "r9", INFO)
    assert refresh_tokens.load(KEY) == StoredRefreshToken("r9")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_throttled_request_is_retried(vault: VaultApi, refresh_tokens: RefreshTokenStore, status: int) -> None:
    """A renewed token must not be lost to a moment's throttling; a vault that stays busy is an error."""
    refresh_tokens.put(KEY, "r0", INFO)
    vault.next = [Reply(status, {}, {"Retry-After": "0"}), Reply(status, {})]
    refresh_tokens.replace(KEY, "r0", "r1")
    assert refresh_tokens.load(KEY) == StoredRefreshToken("r1", "r0")
    vault.next = [Reply(status, {})] * 9
    with pytest.raises(StoreError, match=str(status)) as caught:
        refresh_tokens.load(KEY)
    assert caught.value.remedy


@pytest.mark.parametrize(
    "answer",
    [
        Reply(200, "<html>"),
        Reply(200, "[]"),
        Reply(200, {"value": "not ours", "id": "x"}),
        Reply(200, {"value": '{"current": 1}'}),
        Reply(403, {"error": {"code": "Forbidden"}}),
        Reply(302, "", {"Location": "https://evil.example"}),
        Reply(200, raw=b""),
    ],
)
def test_a_secret_that_is_no_sign_in_is_an_error_and_not_changed(
    vault: VaultApi, refresh_tokens: RefreshTokenStore, answer: Reply
) -> None:
    """Reading and writing raise StoreError with what to do, and write nothing."""
    refresh_tokens.put(KEY, "r0", INFO)
    calls: list[Callable[[], object]] = [
        lambda: refresh_tokens.load(KEY),
        lambda: refresh_tokens.replace(KEY, "r0", "r1"),
    ]
    for call in calls:
        vault.next = [answer] * (len(key_vault.RETRY_PAUSES_IN) + 1 if answer.raw is not None else 1)
        with pytest.raises(StoreError) as caught:
            call()
        assert caught.value.remedy
        vault.next = []
    assert refresh_tokens.load(KEY) == StoredRefreshToken("r0")


def test_a_secret_is_read_by_name(vault: VaultApi, asks: Asks) -> None:
    """Another application's secret, for a client to prove itself with; a missing one says how to make it."""
    vault.versions["partner-app"] = [{"id": f"{vault.url}/secrets/partner-app/1", "value": "s3cret", "tags": {}}]
    assert key_vault_secret(vault.url, "partner-app", asks) == "s3cret"
    with pytest.raises(UsageError, match="no secret other"):
        key_vault_secret(vault.url, "other", asks)
    for name in ("", "a/b", "../x", "a?b"):
        with pytest.raises(UsageError):
            key_vault_secret(vault.url, name, asks)


@pytest.mark.parametrize(
    "url", ["contoso", "http://contoso.vault.azure.net", "https://a@b.vault.azure.net", "ftp://x.y"]
)
def test_an_invalid_vault_url_is_refused(asks: Asks, url: str) -> None:
    """A secret is never asked of a host in disguise, or in clear."""
    with pytest.raises(UsageError):
        key_vault_refresh_tokens(url, asks)
