"""What Microsoft's clients make of Conditional Access, and how a person then heals it on the pages."""

from __future__ import annotations

import base64
import json
import webbrowser
from typing import Any

import msal
import pytest
from azure.identity import AuthenticationRequiredError, InteractiveBrowserCredential
from tests.support.node import NodeProgram, needs_node
from tests.support.scripted_user import ScriptedUser

from entra_emulator import Emulator
from entra_emulator.model import Location

READ = ["https://graph.microsoft.com/User.Read"]
COMMAND_LINE = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"
NADIA = "nadia@northwind-partner.example"
HOUR_IN = 3600


@pytest.fixture
def tool(entra: Emulator, authority: str, nadia: ScriptedUser, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A command-line tool's client, with a browser in which Nadia sits; she has signed in."""
    monkeypatch.setattr(webbrowser, "open", nadia.open)
    client = msal.PublicClientApplication(COMMAND_LINE, authority=authority)
    assert client.acquire_token_interactive(READ, timeout=30).get("access_token")
    return client


def silent(tool: Any, scopes: list[str] = READ) -> dict[str, Any]:
    """A silent call past the cache, as it comes back."""
    (account,) = tool.get_accounts()
    answer: dict[str, Any] = tool.acquire_token_silent_with_error(scopes, account, force_refresh=True)
    return answer


def refused(answer: dict[str, Any]) -> tuple[Any, ...]:
    return answer.get("error"), answer.get("suberror"), answer.get("error_codes")


def amr(answer: dict[str, Any]) -> list[str]:
    payload = answer["access_token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return list(claims["amr"])


def test_sign_in_frequency(entra: Emulator, tool: Any) -> None:
    """After an hour the refresh token is refused, 70043; her browser's session is too old as well, and she signs in."""
    entra.add_policy("sign_in_frequency", resources=["graph"], frequency_in=HOUR_IN)
    assert silent(tool)["token_source"] == "identity_provider"
    entra.clock.advance(HOUR_IN)
    assert refused(silent(tool)) == ("invalid_grant", "token_expired", [70043])
    assert tool.acquire_token_interactive(READ, timeout=30).get("access_token")
    assert silent(tool)["token_source"] == "identity_provider"


def test_a_second_factor_that_is_too_old(entra: Emulator, tool: Any) -> None:
    """50078 where the tenant remembers multi-factor authentication for an hour; approving once more heals it."""
    entra.state.default_tenant.mfa_valid_in = HOUR_IN
    entra.clock.advance(HOUR_IN)
    assert refused(silent(tool)) == ("invalid_grant", "basic_action", [50078])
    assert tool.acquire_token_interactive(READ, timeout=30).get("access_token")
    assert silent(tool)["token_source"] == "identity_provider"


def test_authentication_strength(entra: Emulator, tool: Any) -> None:
    """Phishing-resistant: password and phone are not enough, 50074 with claims; with her key she gets the token."""
    entra.find_user(NADIA)[1].methods.append("security_key")
    entra.add_policy("strength", resources=["graph"])
    answer = silent(tool)
    assert refused(answer) == ("invalid_grant", "basic_action", [50074])
    healed = tool.acquire_token_interactive(READ, timeout=30, claims_challenge=answer["claims"])
    assert amr(healed) == ["fido", "mfa"]
    assert amr(silent(tool)) == ["fido", "mfa"]


def test_without_a_key(entra: Emulator, tool: Any, nadia: ScriptedUser) -> None:
    """Who has none is told so on the page, and the application never hears of it."""
    entra.add_policy("strength", resources=["graph"])
    flow = tool.initiate_auth_code_flow(READ, redirect_uri="http://localhost:9", response_mode="form_post")
    page = nadia.visit(flow["auth_uri"])
    assert isinstance(page, str)
    assert "AADSTS50074" in page


def test_terms_of_use(entra: Emulator, tool: Any) -> None:
    """50158 until she has accepted them in the browser."""
    entra.add_policy("terms_of_use", resources=["graph"])
    assert refused(silent(tool)) == ("invalid_grant", "basic_action", [50158])
    assert tool.acquire_token_interactive(READ, timeout=30).get("access_token")
    assert silent(tool)["token_source"] == "identity_provider"
    assert entra.find_user(NADIA)[1].accepted_terms


def test_a_blocked_location(entra: Emulator, tool: Any) -> None:
    """Abroad the silent call is refused, 53003; back in the office the same refresh token works."""
    entra.state.default_tenant.locations.append(Location("Office", ["203.0.113.0/24"], trusted=True))
    entra.add_policy("block", resources=["graph"], except_locations=["trusted"])
    entra.state.settings.address = "198.51.100.7"
    assert refused(silent(tool)) == ("invalid_grant", "message_only", [53003])
    entra.state.settings.address = "203.0.113.7"
    assert refused(silent(tool)) == ("invalid_grant", "message_only", [53003])  # MSAL remembers for a minute
    assert silent(tool, ["https://graph.microsoft.com/.default"])["token_source"] == "identity_provider"


def test_azure_identity(entra: Emulator, nadia: ScriptedUser, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told not to open browsers, it raises AuthenticationRequiredError; asked to authenticate again, it goes on."""
    monkeypatch.setattr(webbrowser, "open", nadia.open)
    entra.add_policy("sign_in_frequency", resources=["arm"], frequency_in=HOUR_IN)
    arm = "https://management.azure.com/.default"
    with InteractiveBrowserCredential(
        tenant_id=entra.state.default_tenant.id,
        client_id=COMMAND_LINE,
        disable_automatic_authentication=True,
        timeout=30,
    ) as credential:
        credential.authenticate(scopes=READ)
        entra.clock.advance(HOUR_IN)
        with pytest.raises(AuthenticationRequiredError) as raised:
            credential.get_token(arm)
        credential.authenticate(scopes=raised.value.scopes)
        assert credential.get_token(arm).token


@needs_node
def test_msal_node(entra: Emulator, authority: str, nadia: ScriptedUser) -> None:
    """What is blocked is InteractionRequiredAuthError; a sign-in that is too old only ServerError with its number."""
    app = entra.state.default_app
    auth = {"clientId": app.id, "authority": authority, "clientSecret": app.secrets[0].value}
    token = entra.sign_in(NADIA)
    frequency = entra.add_policy("sign_in_frequency", resources=["graph"], frequency_in=HOUR_IN)
    entra.clock.advance(HOUR_IN)
    program = NodeProgram("msal_node.mjs", nadia)
    try:
        said = program.run("refresh_token", auth=auth, refresh_token=token)
        assert (said["error"], said["errorNo"], said["subError"]) == ("ServerError", 70043, "token_expired")
        frequency.require = "block"
        said = program.run("refresh_token", auth=auth, refresh_token=token)
        assert (said["error"], said["errorNo"], said["subError"]) == (
            "InteractionRequiredAuthError",
            53003,
            "message_only",
        )
    finally:
        program.close()
