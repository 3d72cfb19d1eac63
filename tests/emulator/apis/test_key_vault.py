"""Key Vault: its challenge, its secrets, with Microsoft's own client."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.identity import ClientSecretCredential
from azure.keyvault.secrets import SecretClient
from azure.keyvault.secrets._shared import http_challenge_cache

from entra_emulator import Emulator
from entra_emulator.model import Vault
from entra_emulator.vaults import VaultSecret

Get = Callable[..., httpx.Response]
SCOPE = "https://vault.azure.net/.default"


@pytest.fixture
def secrets(entra: Emulator, entra_environment: dict[str, str]) -> Any:
    """Microsoft's client, unchanged, at the vault's real name."""
    app, tenant = entra.state.default_app, entra.state.default_tenant
    credential = ClientSecretCredential(tenant.id, app.id, app.secrets[0].value)
    http_challenge_cache.clear()  # it remembers the vaults of the whole process, another test's too
    with SecretClient("https://northwind.vault.azure.net", credential) as client:
        yield client


def test_first_request_is_challenged(entra: Emulator, http: httpx.Client, proxied: httpx.Client) -> None:
    """Without a token: 401 that says whom to ask and for what, by name and on localhost."""
    tenant = entra.state.default_tenant.id
    by_name = proxied.get("https://northwind.vault.azure.net/secrets/greeting")
    local = http.get(f"{entra.api('vault')}/northwind/secrets/greeting")
    expected = f'Bearer authorization="{{}}/{tenant}", resource="https://vault.azure.net"'
    assert by_name.headers["www-authenticate"] == expected.format("https://login.microsoftonline.com")
    assert local.headers["www-authenticate"] == expected.format(entra.authority)
    assert by_name.json()["error"]["message"].startswith("AKV10000: ")


def test_client_reads(secrets: Any, entra: Emulator) -> None:
    """The client meets the challenge, gets a token and reads, with one challenge only."""
    assert secrets.get_secret("greeting").value == "hello from the vault"
    assert secrets.get_secret("greeting").value == "hello from the vault"
    assert [one.status for one in entra.requests if one.service == "vault"] == [401, 200, 200]


def test_client_writes_versions(secrets: Any) -> None:
    """Setting a secret again makes a version; each can be read."""
    first = secrets.set_secret("key", "1", content_type="text/plain")
    secrets.set_secret("key", "2")
    assert secrets.get_secret("key").value == "2"
    assert secrets.get_secret("key", first.properties.version).value == "1"
    assert len(list(secrets.list_properties_of_secret_versions("key"))) == 2
    with pytest.raises(ResourceNotFoundError):
        secrets.get_secret("key", "0" * 32)


def test_client_deletes_and_recovers(secrets: Any) -> None:
    """A deleted secret is gone, its name taken, until it is recovered or purged."""
    secrets.begin_delete_secret("greeting").wait()
    with pytest.raises(ResourceNotFoundError):
        secrets.get_secret("greeting")
    with pytest.raises(HttpResponseError, match="deleted but recoverable"):
        secrets.set_secret("greeting", "x")
    assert [one.name for one in secrets.list_deleted_secrets()] == ["greeting"]
    secrets.begin_recover_deleted_secret("greeting").wait()
    assert secrets.get_secret("greeting").value == "hello from the vault"
    secrets.begin_delete_secret("greeting").wait()
    secrets.purge_deleted_secret("greeting")
    assert list(secrets.list_deleted_secrets()) == []


def test_client_pages(secrets: Any, entra: Emulator) -> None:
    """Lists come in pages of 25, which the client puts together."""
    vault = entra.state.default_tenant.vaults[0]
    vault.secrets += [VaultSecret(f"s{number:03}", "x") for number in range(60)]
    assert len(list(secrets.list_properties_of_secrets())) == 61
    assert len([one for one in entra.requests if one.service == "vault" and one.status == 200]) == 3


def test_disabled_secret(secrets: Any, entra: Emulator) -> None:
    """A disabled secret is 403."""
    entra.state.default_tenant.vaults[0].secrets[0].enabled = False
    with pytest.raises(HttpResponseError, match="disabled secret"):
        secrets.get_secret("greeting")


def test_client_changes_a_secrets_properties(secrets: Any) -> None:
    """Tags, kind and state of a version change, its value does not; a version of the past can be meant too."""
    first = secrets.set_secret("key", "1", tags={"a": "1"}, expires_on=datetime(2100, 1, 1, tzinfo=UTC))
    secrets.set_secret("key", "2")
    changed = secrets.update_secret_properties("key", first.properties.version, content_type="text/plain", enabled=True)
    assert (changed.content_type, changed.tags) == ("text/plain", {"a": "1"})
    assert changed.expires_on == first.properties.expires_on
    secrets.update_secret_properties("key", enabled=False)
    with pytest.raises(HttpResponseError, match="disabled secret"):
        secrets.get_secret("key")
    assert secrets.get_secret("key", first.properties.version).value == "1"


def test_client_backs_up_and_restores(secrets: Any) -> None:
    """A backup brings all versions back after a purge, and nothing where there is such a secret."""
    secrets.set_secret("key", "1")
    secrets.set_secret("key", "2")
    backup = secrets.backup_secret("key")
    with pytest.raises(ResourceExistsError):
        secrets.restore_secret_backup(backup)
    secrets.begin_delete_secret("key").wait()
    secrets.purge_deleted_secret("key")
    assert secrets.restore_secret_backup(backup).name == "key"
    assert len(list(secrets.list_properties_of_secret_versions("key"))) == 2
    assert secrets.get_secret("key").value == "2"
    for nonsense in (b"nonsense", b"[]", b'[{"name": "x"}]'):
        with pytest.raises(HttpResponseError, match="no backup") as raised:
            secrets.restore_secret_backup(nonsense)
        assert raised.value.status_code == 400


def test_callers_without_a_role_are_refused(entra: Emulator, http: httpx.Client, app_token: Get) -> None:
    """A caller the vault does not name is 403; a token for another API 401; a vault that is not there 404."""
    url = f"{entra.api('vault')}/northwind/secrets/greeting"
    good = {"Authorization": f"Bearer {app_token(SCOPE).json()['access_token']}"}
    other = {"Authorization": f"Bearer {app_token().json()['access_token']}"}
    assert http.get(url, headers=other).json()["error"]["message"].startswith("AKV10022: ")
    assert http.get(url, headers={"Authorization": "Bearer x"}).json()["error"]["message"].startswith("AKV10046: ")
    assert http.get(f"{entra.api('vault')}/nowhere/secrets/x", headers=good).status_code == 404
    entra.state.default_tenant.vaults[0].users.clear()
    refused = http.get(url, headers=good)
    assert (refused.status_code, refused.json()["error"]["innererror"]["code"]) == (403, "ForbiddenByRbac")


def test_token_of_another_tenant(entra: Emulator, http: httpx.Client, app_token: Get) -> None:
    """A vault takes tokens of its own tenant only, and says which."""
    entra.state.tenants["3c1b7b9e-5f0a-4d5c-9a52-7d0a4d1c0e02"].vaults.append(Vault("bakery"))
    headers = {"Authorization": f"Bearer {app_token(SCOPE).json()['access_token']}"}
    answer = http.get(f"{entra.api('vault')}/bakery/secrets", headers=headers)
    assert answer.status_code == 401
    assert "AKV10032: Invalid issuer" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("x", "{"),
        ("x", "{}"),
        ("x", '{"value": 7}'),
        ("x", '{"value": "1", "attributes": []}'),
        ("x", '{"value": "1", "attributes": {"exp": "tomorrow"}}'),
        ("x", '{"value": "1", "tags": {"a": 1}}'),
        ("a_b", '{"value": "1"}'),
    ],
)
def test_bad_secret(entra: Emulator, http: httpx.Client, app_token: Get, name: str, body: str) -> None:
    """A name, value, attribute or tag that cannot be is refused, and nothing is kept."""
    headers = {"Authorization": f"Bearer {app_token(SCOPE).json()['access_token']}"}
    answer = http.put(f"{entra.api('vault')}/northwind/secrets/{name}", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadParameter")
    assert [one.name for one in entra.state.default_tenant.vaults[0].secrets] == ["greeting"]
