"""Sign-ins and secrets in a key vault of the emulator, asked by a client of ours at Microsoft's own host names."""

from __future__ import annotations

import pytest

from entra_emulator import Emulator
from mstoken import Client, ClientSecret, RefreshToken, StoreError, Stores, key_vault_refresh_tokens, key_vault_secret
from mstoken.flows.store_port import TokenInfo
from mstoken.model import StoredRefreshToken
from mstoken.stores.memory import MemoryAccessTokens

NADIA = "nadia@northwind-partner.example"
PUBLIC_APP = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"


@pytest.fixture
def vault(entra: Emulator) -> str:
    """The host of an empty vault that the default application may use."""
    made = entra.state.default_tenant.vaults[0]
    made.users, made.secrets = [entra.state.default_app.id], []
    return f"{made.name}.vault.azure.net"


@pytest.fixture
def app(entra: Emulator) -> Client:
    """The default application."""
    return _client(entra)


def _client(entra: Emulator, app_id: str = "") -> Client:
    state = entra.state
    found = state.apps[app_id] if app_id else state.default_app
    return Client(state.default_tenant.id, found.id, ClientSecret(found.secrets[0].value), entra.authority)


def test_a_sign_in_is_renewed_from_the_vault(entra: Emulator, vault: str, app: Client) -> None:
    """The refresh token is kept there, renewed there, and its versions are its history."""
    stores = Stores(MemoryAccessTokens(), key_vault_refresh_tokens(vault, app))
    tenant = entra.state.default_tenant
    stores.refresh_tokens.put(
        "account:nadia", entra.sign_in(NADIA, PUBLIC_APP), TokenInfo(entra.authority, tenant.id, PUBLIC_APP)
    )
    for service in ("graph", "arm"):
        client = Client(tenant.id, PUBLIC_APP, RefreshToken(account="nadia"), entra.authority, stores)
        assert client.get_token(service).token
    assert [secret.tags["key"] for secret in tenant.vaults[0].secrets] == ["account:nadia"] * 3
    kept = stores.refresh_tokens.list_sign_ins()["account:nadia"]
    assert (kept.info.client_id, len(kept.renewals)) == (PUBLIC_APP, 2)


def test_a_removed_sign_in_can_be_stored_again(vault: str, app: Client) -> None:
    """The vault keeps deleted secrets; the name is taken up again."""
    refresh_tokens = key_vault_refresh_tokens(vault, app)
    refresh_tokens.put("account:nadia", "r0", TokenInfo())
    assert refresh_tokens.remove("account:nadia") is True
    assert refresh_tokens.load("account:nadia") is None
    assert refresh_tokens.list_sign_ins() == {}
    refresh_tokens.put("account:nadia", "r1", TokenInfo())
    assert refresh_tokens.load("account:nadia") == StoredRefreshToken("r1")


def test_many_sign_ins_are_all_listed(vault: str, app: Client) -> None:
    """More than a page of them."""
    refresh_tokens = key_vault_refresh_tokens(vault, app)
    for number in range(30):
        refresh_tokens.put(f"account:{number:02}", "r", TokenInfo(tenant=str(number)))
    assert list(refresh_tokens.list_sign_ins()) == [f"account:{number:02}" for number in range(30)]


def test_missing_vault_permissions_are_reported(entra: Emulator, vault: str, app: Client) -> None:
    """403 becomes an error that names the role."""
    entra.state.default_tenant.vaults[0].users = []
    with pytest.raises(StoreError, match="403") as caught:
        key_vault_refresh_tokens(vault, app).list_sign_ins()
    assert "Key Vault Secrets Officer" in caught.value.remedy


def test_a_secret_from_the_vault_authenticates_another_client(entra: Emulator, vault: str, app: Client) -> None:
    """An application's secret comes from the vault; a disabled one is an error."""
    secrets = entra.state.default_tenant.vaults[0].secrets
    key_vault_refresh_tokens(vault, app).put("account:x", "r", TokenInfo())
    secrets[0].name, secrets[0].value = "partner-app", entra.state.default_app.secrets[0].value
    other = Client(
        entra.state.default_tenant.id,
        entra.state.default_app.id,
        ClientSecret(key_vault_secret(vault, "partner-app", app)),
        entra.authority,
    )
    assert other.get_token("graph").token
    secrets[0].enabled = False
    with pytest.raises(StoreError, match="403"):
        key_vault_secret(vault, "partner-app", app)
