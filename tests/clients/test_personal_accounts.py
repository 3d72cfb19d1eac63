"""Personal accounts, as MSAL for Python, azure-identity and msal-node see them; nothing in the clients is changed."""

from __future__ import annotations

import webbrowser
from collections.abc import Iterator
from typing import Any

import msal
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientSecretCredential, DeviceCodeCredential, InteractiveBrowserCredential
from tests.support.node import NodeProgram, needs_node
from tests.support.scripted_user import ScriptedUser

from entra_emulator import Emulator
from entra_emulator.ids import PERSONAL
from entra_emulator.scripted_browser import SignInFailed

READ = "https://graph.microsoft.com/User.Read"
MAIL = "https://graph.microsoft.com/Mail.Read"
ARM = "https://management.azure.com/.default"
READER = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b04"
ROBIN, OTTO = "robin@outlook.example", "otto@northwind-partner.example"
BACK = "http://localhost:9"
HOST = "login.microsoftonline.com"
both_ways = pytest.mark.parametrize("base", ["by name", "by URL"], indirect=True)
segments = pytest.mark.parametrize("segment", ["consumers", "common"])


@pytest.fixture
def robin(entra: Emulator) -> Iterator[ScriptedUser]:
    """Somebody with a personal account."""
    person = ScriptedUser(entra, ROBIN)
    yield person
    person.close()


@pytest.fixture
def base(entra: Emulator, request: pytest.FixtureRequest) -> str:
    """Microsoft's own sign-in host through the proxy, or the emulator's URL."""
    return entra.authority if request.param == "by URL" else f"https://{HOST}"


@both_ways
@segments
def test_msal_python(
    entra: Emulator, robin: ScriptedUser, monkeypatch: pytest.MonkeyPatch, base: str, segment: str
) -> None:
    """Interactive, then silent: the account's home is the tenant of all personal accounts, its id begins with zeros."""
    monkeypatch.setattr(webbrowser, "open", robin.open)
    tool = msal.PublicClientApplication(READER, authority=f"{base}/{segment}")
    answer = tool.acquire_token_interactive([READ], timeout=30)
    said = answer["id_token_claims"]
    assert (said["tid"], said["preferred_username"]) == (PERSONAL, ROBIN)
    (account,) = tool.get_accounts()
    assert account["home_account_id"] == f"{said['oid']}.{PERSONAL}"
    assert account["local_account_id"].startswith("00000000-0000-0000-")
    assert tool.acquire_token_silent([READ], account)["token_source"] == "cache"
    again = tool.acquire_token_silent([READ], account, force_refresh=True)
    assert again["token_source"] == "identity_provider"


def test_msal_python_without_consent(entra: Emulator, robin: ScriptedUser) -> None:
    """A silent call for more than was granted comes back as 70000, by which MSAL's callers know personal accounts."""
    tool = msal.PublicClientApplication(READER, authority=f"https://{HOST}/consumers")
    flow = tool.initiate_device_flow([READ])
    robin.enter_code(flow["verification_uri"], flow["user_code"])
    assert tool.acquire_token_by_device_flow(flow).get("access_token")
    (account,) = tool.get_accounts()
    refused = tool.acquire_token_silent_with_error([MAIL], account)
    assert (refused["error"], refused["error_codes"]) == ("invalid_grant", [70000])
    refused = tool.acquire_token_silent_with_error([ARM], account)
    assert (refused["error"], refused["error_codes"]) == ("invalid_request", [9002332])


@pytest.mark.parametrize(
    ("segment", "user", "words"),
    [
        ("organizations", ROBIN, "with a personal account"),
        ("consumers", OTTO, "with a work or school account"),
    ],
)
def test_the_wrong_kind_of_account(entra: Emulator, segment: str, user: str, words: str) -> None:
    """The page says which kind of account is wanted, and the application never hears of it."""
    tool = msal.PublicClientApplication(READER, authority=f"https://{HOST}/{segment}")
    flow = tool.initiate_auth_code_flow([READ], redirect_uri=BACK, response_mode="form_post")
    person = ScriptedUser(entra, user)
    with pytest.raises(SignInFailed, match=words):
        person.authorize(flow["auth_uri"])
    person.close()


def test_an_api_for_organizations(entra: Emulator, robin: ScriptedUser) -> None:
    """Asked for Azure, the page turns a personal account away at /common, too."""
    tool = msal.PublicClientApplication(READER, authority=f"https://{HOST}/common")
    flow = tool.initiate_auth_code_flow([ARM], redirect_uri=BACK, response_mode="form_post")
    with pytest.raises(SignInFailed, match="with a personal account"):
        robin.authorize(flow["auth_uri"])


@both_ways
def test_azure_identity(entra: Emulator, robin: ScriptedUser, monkeypatch: pytest.MonkeyPatch, base: str) -> None:
    """tenant_id consumers: browser and device code; the record names the tenant of personal accounts."""
    monkeypatch.setattr(webbrowser, "open", robin.open)
    options: dict[str, Any] = {"tenant_id": "consumers", "client_id": READER, "authority": base}
    with InteractiveBrowserCredential(**options, timeout=30) as browser:
        record = browser.authenticate(scopes=[READ])
        assert (record.username, record.tenant_id) == (ROBIN, PERSONAL)
        assert browser.get_token(READ).token.startswith("EwB")
    with DeviceCodeCredential(
        **options, prompt_callback=lambda uri, code, _: (robin.enter_code(uri, code), None)[1]
    ) as device:
        assert device.get_token(READ).token


def test_azure_identity_without_a_person(entra: Emulator) -> None:
    """An application has no token of its own at /consumers: ClientAuthenticationError, asked once."""
    entra.state.default_app.audience = "all"
    app = entra.state.default_app
    with (
        ClientSecretCredential("consumers", app.id, app.secrets[0].value, authority=HOST) as credential,
        pytest.raises(ClientAuthenticationError, match="AADSTS9001023"),
    ):
        credential.get_token("https://graph.microsoft.com/.default")
    assert len(entra.token_requests) == 1


@needs_node
@both_ways
def test_msal_node(entra: Emulator, robin: ScriptedUser, base: str) -> None:
    """Browser and device code at /consumers; client credentials msal-node refuses by itself."""
    program = NodeProgram("msal_node.mjs", robin)
    she = {"from": "network", "user": ROBIN}
    auth = {"clientId": READER, "authority": f"{base}/consumers"}
    try:
        assert program.run("interactive", auth=auth) == she
        assert program.run("device_code", auth=auth) == she
        refused = program.run("client_credentials", auth={**auth, "clientSecret": "x"})
        assert (refused["error"], refused["errorCode"]) == ("ClientAuthError", "missing_tenant_id_error")
    finally:
        program.close()
