"""Microsoft's own client libraries, unchanged, against the emulator."""

import sys
from collections.abc import Callable
from typing import Any

import msal
import pytest

from entra_emulator import Emulator
from entra_emulator.command import run

AUTHORITIES = ["https://login.microsoftonline.com", "localhost"]


@pytest.fixture(params=AUTHORITIES)
def application(entra: Emulator, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """MSAL's confidential client, by Microsoft's name through the proxy or by the emulator's URL.

    It is pointed at the emulator by the environment alone.
    """
    for name, value in entra.environment().items():
        monkeypatch.setenv(name, value)
    base = entra.authority if request.param == "localhost" else request.param
    app, tenant = entra.state.default_app, entra.state.default_tenant

    def make(secret: str | None = None, **rest: Any) -> Any:
        return msal.ConfidentialClientApplication(
            app.id,
            client_credential=secret or app.secrets[0].value,
            authority=f"{base}/{tenant.id}",
            **rest,
        )

    return make


def test_msal_client_credentials(entra: Emulator, application: Callable[..., Any]) -> None:
    """MSAL gets an application's token with instance discovery on, and takes the second from its cache."""
    client = application()
    first = client.acquire_token_for_client(["https://graph.microsoft.com/.default"])
    second = client.acquire_token_for_client(["https://graph.microsoft.com/.default"])
    assert first["token_source"] == "identity_provider"
    assert second["token_source"] == "cache"
    assert first["access_token"] == second["access_token"]
    assert len(entra.token_requests) == 1


def test_msal_refresh_token(entra: Emulator, application: Callable[..., Any]) -> None:
    """MSAL takes over a refresh token, knows the account from the answer, and refreshes it silently for another API."""
    client = application()
    token = entra.sign_in("nadia@northwind-partner.example")
    answer = client.acquire_token_by_refresh_token(token, ["https://graph.microsoft.com/User.Read"])
    assert answer["id_token_claims"]["preferred_username"] == "nadia@northwind-partner.example"
    (account,) = client.get_accounts()
    assert account["home_account_id"] == f"{answer['id_token_claims']['oid']}.{entra.state.default_tenant.id}"
    silent = client.acquire_token_silent(["https://management.azure.com//user_impersonation"], account)
    assert silent["token_source"] == "identity_provider"


def test_msal_tells_the_refusal(application: Callable[..., Any]) -> None:
    """MSAL hands a wrong secret's refusal on as it came."""
    answer = application("wrong").acquire_token_for_client(["https://graph.microsoft.com/.default"])
    assert (answer["error"], answer["error_codes"]) == ("invalid_client", [7000215])


def test_msal_claims_capability(application: Callable[..., Any]) -> None:
    """A client with capability cp1 gets the day-long token."""
    answer = application(client_capabilities=["cp1"]).acquire_token_for_client(["https://graph.microsoft.com/.default"])
    assert answer["expires_in"] == 86399


SDK = """
import os, sys
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientSecretCredential, EnvironmentCredential
from azure.mgmt.resource.resources import ResourceManagementClient

e = os.environ
args = e["AZURE_TENANT_ID"], e["AZURE_CLIENT_ID"], e["AZURE_CLIENT_SECRET"]
subscription = "e1f2a3b4-c5d6-4e7f-8a9b-0c1d2e3f4a01"
for credential in (EnvironmentCredential(), ClientSecretCredential(*args, authority="login.microsoftonline.com")):
    with ResourceManagementClient(credential, subscription) as client:
        print([group.name for group in client.resource_groups.list()])
try:
    ClientSecretCredential(*args[:2], "wrong").get_token("https://graph.microsoft.com/.default")
except ClientAuthenticationError as refusal:
    print(refusal.message[:100].split("AADSTS")[1].split(":")[0])
try:
    with ResourceManagementClient(EnvironmentCredential(), "e1f2a3b4-c5d6-4e7f-8a9b-0c1d2e3f4a02") as client:
        list(client.resource_groups.list())
except ClientAuthenticationError as refusal:
    print(refusal.error.code)
"""


def test_azure_sdk_unchanged(capfd: pytest.CaptureFixture[str]) -> None:
    """azure-identity and azure-mgmt-resource run as they are: by URL and by name, with the refusals they should see."""
    assert run([sys.executable, "-c", SDK]) == 0
    groups = "['rg-web', 'rg-data']"
    assert capfd.readouterr().out.splitlines() == [groups, groups, "7000215", "InvalidAuthenticationTokenTenant"]


SDK_ASYNC = """
import asyncio, os
from azure.identity.aio import ClientSecretCredential, EnvironmentCredential
from azure.mgmt.resource.resources.aio import ResourceManagementClient

async def main():
    e = os.environ
    args = e["AZURE_TENANT_ID"], e["AZURE_CLIENT_ID"], e["AZURE_CLIENT_SECRET"]
    for credential in (EnvironmentCredential(), ClientSecretCredential(*args, authority="login.microsoftonline.com")):
        async with credential, ResourceManagementClient(credential, "e1f2a3b4-c5d6-4e7f-8a9b-0c1d2e3f4a01") as client:
            print([group.name async for group in client.resource_groups.list()])

asyncio.run(main())
"""


def test_azure_sdk_unchanged_under_asyncio(capfd: pytest.CaptureFixture[str]) -> None:
    """The same clients in their asyncio form, over aiohttp."""
    assert run([sys.executable, "-c", SDK_ASYNC]) == 0
    assert capfd.readouterr().out.splitlines() == ["['rg-web', 'rg-data']"] * 2
