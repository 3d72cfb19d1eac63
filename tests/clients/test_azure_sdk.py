"""The Azure SDK's management and Key Vault clients, unchanged, with azure-identity and with mstoken."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.identity import DeviceCodeCredential, EnvironmentCredential
from azure.keyvault.secrets import SecretClient
from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy
from azure.mgmt.resource.resources import ResourceManagementClient
from azure.mgmt.resource.subscriptions import SubscriptionClient
from tests.support.scripted_user import ScriptedUser

from entra_emulator import Emulator
from entra_emulator.model import Policy
from mstoken import Client

COMMAND_LINE = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"
CREDENTIALS: dict[str, Callable[[], Any]] = {"azure-identity": EnvironmentCredential, "mstoken": Client.from_env}
SCRIPT = Path(__file__).parent / "scripts" / "azure_sdk_aio.py"


@pytest.fixture(params=CREDENTIALS)
def credential(entra: Emulator, request: pytest.FixtureRequest) -> Iterator[Any]:
    with CREDENTIALS[request.param]() as made:
        yield made


@pytest.fixture
def vault_url(entra: Emulator) -> str:
    return f"https://{entra.state.default_tenant.vaults[0].name}.vault.azure.net"


def test_resource_manager(credential: Any) -> None:
    """Subscriptions and resource groups are listed, by Resource Manager's own host name."""
    with SubscriptionClient(credential) as subscriptions:
        [subscription] = subscriptions.subscriptions.list()
    with ResourceManagementClient(credential, str(subscription.subscription_id)) as resources:
        assert {one.name for one in resources.resource_groups.list()} == {"rg-data", "rg-web"}


def test_resource_groups_are_created_and_deleted(entra: Emulator, credential: Any) -> None:
    """A group is made, changed, found, and deleted by the client's own poller; a second place for it is refused."""
    with ResourceManagementClient(credential, entra.state.default_tenant.subscriptions[0].id) as client:
        groups = client.resource_groups
        made = groups.create_or_update("rg-new", {"location": "West Europe", "tags": {"team": "web"}})
        assert (made.location, made.tags) == ("westeurope", {"team": "web"})
        with pytest.raises(ResourceExistsError, match="InvalidResourceGroupLocation"):
            groups.create_or_update("rg-new", {"location": "uksouth"})
        assert groups.update("rg-new", {"tags": {"team": "data"}}).tags == {"team": "data"}
        assert groups.check_existence("rg-new")
        poller = groups.begin_delete("rg-new")
        entra.clock.advance(1)
        poller.result(timeout=60)
        assert not groups.check_existence("rg-new")
        with pytest.raises(ResourceNotFoundError, match="ResourceGroupNotFound"):
            groups.begin_delete("rg-new")


def test_a_reader_changes_nothing(entra: Emulator, credential: Any) -> None:
    """Who may only read a subscription can list its groups, and gets a 403 that names the action for the rest."""
    subscription = entra.state.default_tenant.subscriptions[0]
    subscription.readers, subscription.contributors = subscription.contributors, []
    with ResourceManagementClient(credential, subscription.id) as client:
        assert len(list(client.resource_groups.list())) == 2
        for act in (
            lambda: client.resource_groups.create_or_update("rg-new", {"location": "westeurope"}),
            lambda: client.resource_groups.begin_delete("rg-web"),
        ):
            with pytest.raises(HttpResponseError, match=r"resourceGroups/(write|delete)") as raised:
                act()
            assert (raised.value.status_code, "AuthorizationFailed" in str(raised.value)) == (403, True)
    assert [one.name for one in subscription.resource_groups] == ["rg-web", "rg-data"]


def test_key_vault(credential: Any, vault_url: str) -> None:
    """The vault's challenge leads to a token; then secrets are set, read, listed and deleted."""
    with SecretClient(vault_url, credential) as vault:
        assert vault.get_secret("greeting").value == "hello from the vault"
        vault.set_secret("colour", "red")
        vault.set_secret("colour", "blue")
        assert vault.get_secret("colour").value == "blue"
        assert len(list(vault.list_properties_of_secret_versions("colour"))) == 2
        vault.begin_delete_secret("colour").result()
        with pytest.raises(ResourceNotFoundError):
            vault.get_secret("colour")


def test_a_vault_without_access(entra: Emulator, credential: Any, vault_url: str) -> None:
    """Without access the vault answers 403, which is HttpResponseError, and no new token is asked for."""
    entra.state.default_tenant.vaults[0].users.clear()
    with SecretClient(vault_url, credential) as vault, pytest.raises(HttpResponseError) as raised:
        vault.get_secret("greeting")
    assert raised.value.status_code == 403
    assert len(entra.token_requests) == 1


def _revoke(entra: Emulator) -> None:
    principal = entra.state.default_tenant.principal(entra.state.default_app.id)
    assert principal
    entra.clock.advance(2)
    principal.tokens_valid_from = entra.clock.now() - 1


def test_resource_manager_revokes(entra: Emulator, credential: Any) -> None:
    """A revocation is challenged only where continuous access evaluation is switched on; and azure-core takes just the
    error insufficient_claims for a challenge, so invalid_token, as recorded, reaches the caller as an exception.
    """
    for policy, calls in ((None, [200, 200]), (_aware(credential), [200, 401])):
        entra.requests.clear()
        with SubscriptionClient(credential, authentication_policy=policy) as subscriptions:
            assert len(list(subscriptions.subscriptions.list())) == 1
            _revoke(entra)
            with pytest.raises(ClientAuthenticationError) if 401 in calls else contextlib.nullcontext():
                list(subscriptions.subscriptions.list())
        assert [one.status for one in entra.requests if one.service == "arm"] == calls
    assert len(entra.token_requests) == 1


def test_resource_manager_requires_step_up(entra: Emulator, nadia: ScriptedUser) -> None:
    """A subscription that wants an authentication context: its challenge gets a token that has it, without a person."""
    tenant = entra.state.default_tenant
    tenant.subscriptions[0].context = "c1"
    tenant.policies.append(Policy("Second factor for c1", "mfa", contexts=["c1"]))

    def prompt(uri: str, code: str, _: datetime) -> None:
        nadia.enter_code(uri, code)

    with (
        DeviceCodeCredential(COMMAND_LINE, tenant_id=tenant.id, prompt_callback=prompt) as credential,
        ResourceManagementClient(
            credential, tenant.subscriptions[0].id, authentication_policy=_aware(credential)
        ) as resources,
    ):
        assert len(list(resources.resource_groups.list())) == 2
    assert [one.status for one in entra.requests if one.service == "arm"] == [401, 200]
    assert "claims" in entra.token_requests[-1].form


def _aware(credential: Any) -> ARMChallengeAuthenticationPolicy:
    return ARMChallengeAuthenticationPolicy(credential, "https://management.azure.com/.default", enable_cae=True)


def test_a_failing_api(entra: Emulator, credential: Any) -> None:
    """A 503 of the API is tried again by the SDK; a refusal of the sign-in service is not."""
    entra.inject(status=503, service="arm", retry_after_in=0)
    with SubscriptionClient(credential) as subscriptions:
        assert len(list(subscriptions.subscriptions.list())) == 1
    assert [one.status for one in entra.requests if one.service == "arm"] == [503, 200]


def test_an_error_reaches_the_caller(entra: Emulator) -> None:
    """The sign-in service's refusal comes out of the management client as azure-identity's exception."""
    entra.state.default_app.enabled = False
    with (
        EnvironmentCredential() as credential,
        SubscriptionClient(credential) as subscriptions,
        pytest.raises(ClientAuthenticationError, match="AADSTS7000112"),
    ):
        list(subscriptions.subscriptions.list())


def test_under_asyncio(entra: Emulator, vault_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same clients' asyncio forms tell the same story."""
    monkeypatch.setenv("VAULT_URL", vault_url)
    done = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    same = "Northwind Production rg-data rg-web kept SecretNotFound"
    assert done.stdout.splitlines() == [f"azure-identity {same}", f"mstoken {same}"]
