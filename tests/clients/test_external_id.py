"""MSAL for Python and azure-identity, unchanged: External ID and B2C authorities by Microsoft's host names, by URL, and
at own domains."""

from __future__ import annotations

from typing import Any

import msal
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientSecretCredential
from tests.support.scripted_user import BrowserRedirect, ScriptedUser

from entra_emulator import Emulator
from entra_emulator.model import Grant

TENANT = "northwindpartner.onmicrosoft.com"
TOOL = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"
ORDERS = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b03"
READ = ["api://northwind-orders/Orders.Read"]
OTTO = "otto@northwind-partner.example"
B2C, CIAM = "https://northwindpartner.b2clogin.com", "https://northwindpartner.ciamlogin.com"
passwords = pytest.mark.filterwarnings("ignore:This API has been deprecated for public client flows")


@pytest.fixture(params=["by name", "by URL", "custom domain"])
def b2c(request: pytest.FixtureRequest, entra: Emulator) -> str:
    """The base of B2C authorities: the tenant's host, the emulator's URL, or a custom domain."""
    entra.state.default_tenant.custom_domains.append("login.northwind.test")
    entra.state.default_tenant.grants.append(Grant(TOOL, ORDERS, scopes=["Orders.Read"]))
    hosts = {"by name": B2C, "by URL": entra.authority, "custom domain": "https://login.northwind.test"}
    return f"{hosts[request.param]}/{TENANT}"


def signed_in(client: Any, entra: Emulator) -> dict[str, Any]:
    """The answer to a sign-in of Otto's in the browser."""
    flow = client.initiate_auth_code_flow(READ, redirect_uri="http://localhost:5000", response_mode="form_post")
    otto = ScriptedUser(entra, OTTO)
    try:
        back = otto.authorize(flow["auth_uri"]).fields
    finally:
        otto.close()
    answer: dict[str, Any] = client.acquire_token_by_auth_code_flow(flow, back)
    return answer


def test_a_user_flow(entra: Emulator, b2c: str) -> None:
    """Code flow with PKCE, then a silent token; another flow refuses the refresh token with AADB2C90088."""
    client = msal.PublicClientApplication(TOOL, authority=f"{b2c}/B2C_1_susi")
    answer = signed_in(client, entra)
    assert answer["id_token_claims"]["tfp"] == "B2C_1_susi"
    assert answer["id_token_claims"]["emails"] == [OTTO]
    (account,) = client.get_accounts()
    silent = client.acquire_token_silent(READ, account, force_refresh=True)
    assert silent["token_source"] == "identity_provider"
    other = msal.PublicClientApplication(TOOL, authority=f"{b2c}/B2C_1_reset")
    refused = other.acquire_token_by_refresh_token(answer["refresh_token"], READ)
    assert refused["error"] == "invalid_grant"
    assert refused["error_description"].startswith("AADB2C90088")


def test_a_canceled_user_flow(entra: Emulator, b2c: str) -> None:
    client = msal.PublicClientApplication(TOOL, authority=f"{b2c}/B2C_1_susi")
    flow = client.initiate_auth_code_flow(READ, redirect_uri="http://localhost:5000", response_mode="form_post")
    otto = ScriptedUser(entra, OTTO)
    back = otto.visit(flow["auth_uri"], cancel=True)
    otto.close()
    assert isinstance(back, BrowserRedirect)
    answer = client.acquire_token_by_auth_code_flow(flow, back.fields)
    assert (answer["error"], answer["error_description"][:11]) == ("access_denied", "AADB2C90091")


def test_an_application_of_a_user_flow(entra: Emulator, b2c: str) -> None:
    app = entra.state.default_app
    client = msal.ConfidentialClientApplication(app.id, app.secrets[0].value, f"{b2c}/B2C_1_susi")
    assert client.acquire_token_for_client(["api://northwind-orders/.default"])["expires_in"] == 3600
    wrong = msal.ConfidentialClientApplication(app.id, "wrong", f"{b2c}/B2C_1_susi")
    answer = wrong.acquire_token_for_client(["api://northwind-orders/.default"])
    assert answer["error_description"].startswith("AADB2C90081")


@passwords
@pytest.mark.parametrize("b2c", ["by name", "custom domain"], indirect=True)
def test_a_password_flow(entra: Emulator, b2c: str) -> None:
    """Not by URL: MSAL asks for the user's realm at the authority's host without its port."""
    client = msal.PublicClientApplication(TOOL, authority=f"{b2c}/B2C_1_ropc")
    answer = client.acquire_token_by_username_password(OTTO, "emulator", [TOOL])
    assert answer["id_token_claims"]["tfp"] == "B2C_1_ropc"
    wrong = client.acquire_token_by_username_password(OTTO, "wrong", [TOOL])
    assert (wrong["error"], wrong["error_description"][:11]) == ("access_denied", "AADB2C90225")


@pytest.mark.parametrize(
    "authority",
    [{"authority": f"{CIAM}/"}, {"authority": f"{CIAM}/{TENANT}"}, {"oidc_authority": f"{CIAM}/{TENANT}/v2.0"}],
)
def test_external_id(entra: Emulator, authority: dict[str, str]) -> None:
    """A sign-in in the browser, an application's own token, and a wrong secret; authorities with and without tenant."""
    entra.state.default_tenant.grants.append(Grant(TOOL, ORDERS, scopes=["Orders.Read"]))
    tenant = entra.state.default_tenant.id
    client = msal.PublicClientApplication(TOOL, **authority)
    answer = signed_in(client, entra)
    assert answer["id_token_claims"]["iss"] == f"https://{tenant}.ciamlogin.com/{tenant}/v2.0"
    (account,) = client.get_accounts()
    assert client.acquire_token_silent(READ, account, force_refresh=True)["token_source"] == "identity_provider"
    app = entra.state.default_app
    web = msal.ConfidentialClientApplication(app.id, app.secrets[0].value, **authority)
    assert "access_token" in web.acquire_token_for_client(["https://graph.microsoft.com/.default"])
    wrong = msal.ConfidentialClientApplication(app.id, "wrong", **authority)
    assert wrong.acquire_token_for_client(["https://graph.microsoft.com/.default"])["error_codes"] == [7000215]


def test_an_unknown_tenant_of_external_id(entra: Emulator) -> None:
    """MSAL reads the tenant's document first, and the host has none for another tenant."""
    with pytest.raises(ValueError, match="Unable to get authority configuration"):
        msal.PublicClientApplication(TOOL, authority=f"{CIAM}/tailwindbakery.onmicrosoft.com")


def test_azure_identity_at_external_id(entra: Emulator) -> None:
    """A client secret at the tenant's host; with a wrong one, its exception has the code."""
    app, host = entra.state.default_app, f"{CIAM}/"
    tenant = entra.state.default_tenant.id
    with ClientSecretCredential(tenant, app.id, app.secrets[0].value, authority=host) as credential:
        assert credential.get_token("https://graph.microsoft.com/.default").token
    with (
        ClientSecretCredential(tenant, app.id, "wrong", authority=host) as credential,
        pytest.raises(ClientAuthenticationError, match="AADSTS7000215"),
    ):
        credential.get_token("https://graph.microsoft.com/.default")
    assert {request.host for request in entra.token_requests} == {CIAM.removeprefix("https://")}
