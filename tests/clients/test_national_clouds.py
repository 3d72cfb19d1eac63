"""People in the national clouds: Microsoft's clients, with instance discovery on, under those clouds' host names."""

from __future__ import annotations

import webbrowser
from dataclasses import dataclass
from typing import Any

import msal
import pytest
from azure.identity import DeviceCodeCredential, InteractiveBrowserCredential
from tests.support.node import NodeProgram, needs_node
from tests.support.scripted_user import ScriptedUser

from entra_emulator import Emulator

COMMAND_LINE = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"
NADIA = "nadia@northwind-partner.example"
BACK = "http://localhost:5000"


@dataclass(frozen=True)
class Cloud:
    """A national cloud's sign-in host, and its Graph and Resource Manager."""

    host: str
    graph: str
    arm: str

    @property
    def read(self) -> list[str]:
        return [f"{self.graph}/User.Read"]

    @property
    def manage(self) -> list[str]:
        return [f"{self.arm}//user_impersonation"]


CLOUDS = [
    Cloud("login.microsoftonline.us", "https://graph.microsoft.us", "https://management.usgovcloudapi.net"),
    Cloud(
        "login.partner.microsoftonline.cn",
        "https://microsoftgraph.chinacloudapi.cn",
        "https://management.chinacloudapi.cn",
    ),
]


@pytest.fixture(params=CLOUDS, ids=["US Government", "China"])
def cloud(request: pytest.FixtureRequest) -> Cloud:
    made: Cloud = request.param
    return made


def stayed(entra: Emulator, cloud: Cloud) -> bool:
    """Whether every request to the sign-in service was for this cloud's host, but for discovery of the others."""
    return {one.host for one in entra.token_requests} == {cloud.host}


def test_authorization_code(entra: Emulator, cloud: Cloud, nadia: ScriptedUser) -> None:
    """MSAL for Python: code with PKCE, then a silent token for the cloud's Resource Manager; its issuer is there."""
    app, tenant = entra.state.default_app, entra.state.default_tenant.id
    web = msal.ConfidentialClientApplication(app.id, app.secrets[0].value, f"https://{cloud.host}/{tenant}")
    flow = web.initiate_auth_code_flow(cloud.read, redirect_uri=BACK, response_mode="form_post")
    answer = web.acquire_token_by_auth_code_flow(flow, nadia.authorize(flow["auth_uri"]).fields)
    assert answer["id_token_claims"]["iss"] == f"https://{cloud.host}/{tenant}/v2.0"
    (account,) = web.get_accounts()
    assert (account["username"], account["environment"]) == (NADIA, cloud.host)
    assert web.acquire_token_silent(cloud.manage, account)["token_source"] == "identity_provider"
    assert stayed(entra, cloud)


def test_device_code_and_refresh(entra: Emulator, cloud: Cloud, nadia: ScriptedUser) -> None:
    """MSAL for Python: the page for the code is on the cloud's host, and the refresh token works there."""
    tool = msal.PublicClientApplication(COMMAND_LINE, authority=f"https://{cloud.host}/organizations")
    flow = tool.initiate_device_flow(cloud.read)
    assert flow["verification_uri"].startswith(f"https://{cloud.host}/")
    nadia.enter_code(flow["verification_uri"], flow["user_code"])
    taken = tool.acquire_token_by_device_flow(flow)
    assert taken.get("access_token"), taken
    again = tool.acquire_token_by_refresh_token(taken["refresh_token"], cloud.manage)
    assert again.get("access_token"), again
    assert stayed(entra, cloud)


def test_azure_identity(entra: Emulator, cloud: Cloud, nadia: ScriptedUser, monkeypatch: pytest.MonkeyPatch) -> None:
    """Browser and device code with `authority=` as AzureAuthorityHosts has it; other APIs silently."""
    monkeypatch.setattr(webbrowser, "open", nadia.open)
    options: dict[str, Any] = {"client_id": COMMAND_LINE, "authority": cloud.host}
    with InteractiveBrowserCredential(**options, tenant_id=entra.state.default_tenant.id, timeout=30) as browser:
        assert browser.authenticate(scopes=cloud.read).authority == cloud.host
        assert browser.get_token(*cloud.manage).token
    with DeviceCodeCredential(
        **options, prompt_callback=lambda uri, code, _: (nadia.enter_code(uri, code), None)[1]
    ) as device:
        assert device.get_token(*cloud.read).token
    assert stayed(entra, cloud)


@needs_node
def test_msal_node(entra: Emulator, cloud: Cloud, nadia: ScriptedUser) -> None:
    """Code, browser and device code, and a silent token for the cloud's Resource Manager."""
    app, tenant = entra.state.default_app, entra.state.default_tenant.id
    web = {"clientId": app.id, "authority": f"https://{cloud.host}/{tenant}", "clientSecret": app.secrets[0].value}
    tool = {"clientId": COMMAND_LINE, "authority": web["authority"]}
    she = {"from": "network", "user": NADIA}
    program = NodeProgram("msal_node.mjs", nadia)
    try:
        said = program.run("authorization_code", auth=web, scopes=cloud.read, silent=cloud.manage)
        assert said == {**she, "silent": she}
        assert program.run("interactive", auth=tool, scopes=cloud.read) == she
        assert program.run("device_code", auth=tool, scopes=cloud.read) == she
    finally:
        program.close()
    assert stayed(entra, cloud)


def test_a_token_of_another_cloud(entra: Emulator, cloud: Cloud) -> None:
    """The public cloud's Graph is not an API of a national one: MSAL hands 500011 on."""
    app, tenant = entra.state.default_app, entra.state.default_tenant.id
    client = msal.ConfidentialClientApplication(app.id, app.secrets[0].value, f"https://{cloud.host}/{tenant}")
    refused = client.acquire_token_for_client(["https://graph.microsoft.com/.default"])
    assert (refused["error"], refused["error_codes"]) == ("invalid_resource", [500011])
