"""MSAL for Python, unchanged: people sign in with a browser, a device code or a password, and web APIs act for them."""

from __future__ import annotations

import webbrowser
from collections.abc import Callable
from typing import Any

import msal
import pytest
import requests
from tests.support.scripted_user import ScriptedUser
from tests.support.ws_trust import ANN, SAML_BEARER, federate

from entra_emulator import Emulator
from entra_emulator.model import Grant
from entra_emulator.resources import GRAPH as GRAPH_ID

READ = ["https://graph.microsoft.com/User.Read"]
ARM = ["https://management.azure.com//user_impersonation"]
COMMAND_LINE = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"
ORDERS = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b03"
NADIA = "nadia@northwind-partner.example"
OTTO = "otto@northwind-partner.example"
passwords = pytest.mark.filterwarnings("ignore:This API has been deprecated for public client flows")
both_ways = pytest.mark.parametrize("authority", ["by name", "by URL"], indirect=True)


@pytest.fixture
def web(entra: Emulator, authority: str) -> Any:
    """A web application's client."""
    app = entra.state.default_app
    return msal.ConfidentialClientApplication(app.id, app.secrets[0].value, authority)


@pytest.fixture
def tool(entra: Emulator, authority: str) -> Any:
    """A command-line tool's client."""
    return msal.PublicClientApplication(COMMAND_LINE, authority=authority)


@both_ways
def test_authorization_code(entra: Emulator, web: Any, nadia: ScriptedUser) -> None:
    """Code flow with PKCE, state and nonce, which MSAL checks itself; then a silent token for another API."""
    flow = web.initiate_auth_code_flow(READ, redirect_uri="http://localhost:5000", response_mode="form_post")
    back = nadia.authorize(flow["auth_uri"]).fields
    answer = web.acquire_token_by_auth_code_flow(flow, back)
    assert answer["id_token_claims"]["preferred_username"] == NADIA
    (account,) = web.get_accounts()
    assert web.acquire_token_silent(ARM, account)["token_source"] == "identity_provider"
    again = web.acquire_token_by_auth_code_flow(flow, back)
    assert again["error_codes"] == [54005]


def test_a_code_with_the_wrong_verifier(web: Any, nadia: ScriptedUser) -> None:
    """PKCE: a stolen code without its verifier is worth nothing, and MSAL hands 501481 on."""
    flow = web.initiate_auth_code_flow(READ, redirect_uri="http://localhost:5000", response_mode="form_post")
    back = nadia.authorize(flow["auth_uri"]).fields
    flow["code_verifier"] = "x" * 43
    answer = web.acquire_token_by_auth_code_flow(flow, back)
    assert (answer["error"], answer["error_codes"]) == ("invalid_grant", [501481])


def test_the_deprecated_methods(entra: Emulator, web: Any, nadia: ScriptedUser) -> None:
    """get_authorization_request_url and acquire_token_by_authorization_code, without PKCE; accounts can be removed."""
    asked = {"redirect_uri": "http://localhost:5000", "response_mode": "form_post"}
    with pytest.warns(DeprecationWarning, match="initiate_auth_code_flow"):
        url = web.get_authorization_request_url(READ, state="s", nonce="n", **asked)
    back = nadia.authorize(url).fields
    assert back["state"] == "s"
    with pytest.warns(DeprecationWarning, match="acquire_token_by_auth_code_flow"):
        answer = web.acquire_token_by_authorization_code(
            back["code"], READ, redirect_uri="http://localhost:5000", nonce="n"
        )
    assert answer["id_token_claims"]["preferred_username"] == NADIA
    (account,) = web.get_accounts(NADIA)
    web.remove_account(account)
    assert web.get_accounts() == []
    assert web.acquire_token_silent(READ, account) is None


def test_nobody_signed_in(web: Any, nadia: ScriptedUser) -> None:
    """prompt=none without a session comes back as login_required, with its state, and MSAL passes it on."""
    flow = web.initiate_auth_code_flow(
        READ, redirect_uri="http://localhost:5000", response_mode="form_post", prompt="none"
    )
    back = nadia.authorize(flow["auth_uri"]).fields
    answer = web.acquire_token_by_auth_code_flow(flow, back)
    assert answer["error"] == "login_required"
    assert "AADSTS50058" in answer["error_description"]


@both_ways
def test_interactive(tool: Any, nadia: ScriptedUser, monkeypatch: pytest.MonkeyPatch) -> None:
    """acquire_token_interactive opens the browser, in which she signs in, and listens on loopback for the code."""
    monkeypatch.setattr(webbrowser, "open", nadia.open)
    answer = tool.acquire_token_interactive(READ, timeout=30)
    assert answer["id_token_claims"]["preferred_username"] == NADIA
    (account,) = tool.get_accounts()
    assert tool.acquire_token_silent(READ, account)["token_source"] == "cache"


@both_ways
def test_device_code(entra: Emulator, tool: Any, nadia: ScriptedUser) -> None:
    """She enters the device's code on its page, and the device gets its tokens."""
    flow = tool.initiate_device_flow(READ)
    assert len(flow["user_code"]) == 9
    assert "You have signed in" in nadia.enter_code(flow["verification_uri"], flow["user_code"])
    answer = tool.acquire_token_by_device_flow(flow)
    assert answer["id_token_claims"]["preferred_username"] == NADIA


def test_a_waiting_device(tool: Any) -> None:
    """Until somebody signs in the device is told to wait, and MSAL goes on asking for as long as it is let."""
    waiting = tool.acquire_token_by_device_flow(tool.initiate_device_flow(READ), exit_condition=lambda _: True)
    assert (waiting["error"], waiting["error_codes"]) == ("authorization_pending", [70016])


def test_an_expired_device_code(entra: Emulator, tool: Any) -> None:
    """A quarter of an hour later the code is refused, and MSAL returns it as expired_token."""
    flow = tool.initiate_device_flow(READ)
    entra.clock.advance(901)
    answer = tool.acquire_token_by_device_flow(flow, exit_condition=lambda _: True)
    assert (answer["error"], answer["error_codes"]) == ("expired_token", [70020])


@passwords
def test_password(entra: Emulator, tool: Any) -> None:
    """User name and password: MSAL asks for the user's realm first, then for the token."""
    answer = tool.acquire_token_by_username_password(OTTO, entra.state.settings.password, READ)
    assert answer.get("access_token"), answer
    assert tool.get_accounts()[0]["username"] == OTTO
    assert any("/userrealm/" in one.path.lower() for one in entra.requests)


@passwords
@pytest.mark.parametrize("authority", ["by URL"], indirect=True)
def test_password_by_url(entra: Emulator, tool: Any) -> None:
    """MSAL forgets an authority's port when it asks for the user's realm, so a password needs Microsoft's host name."""
    with pytest.raises(requests.exceptions.ConnectionError):
        tool.acquire_token_by_username_password(OTTO, entra.state.settings.password, READ)


def _set(entra: Emulator, **changed: Any) -> None:
    found = entra.state.user(OTTO)
    assert found
    for name, value in changed.items():
        setattr(found[1], name, value)


@passwords
@pytest.mark.parametrize(
    ("cause", "error", "code"),
    [
        (lambda entra: _set(entra, password="another"), "invalid_grant", 50126),
        (lambda entra: _set(entra, enabled=False), "invalid_grant", 50057),
        (lambda entra: _set(entra, password_expired=True), "invalid_grant", 50055),
        (lambda entra: _set(entra, mfa_required=True), "invalid_grant", 50076),
    ],
    ids=["wrong", "disabled", "expired", "second factor"],
)
def test_a_refused_password(
    entra: Emulator, tool: Any, cause: Callable[[Emulator], None], error: str, code: int
) -> None:
    """Each cause has its code, which MSAL hands on; the same question again is answered from its memory."""
    cause(entra)
    for _ in range(2):
        answer = tool.acquire_token_by_username_password(OTTO, entra.state.settings.password, READ)
        assert (answer["error"], answer["error_codes"]) == (error, [code])
    assert len(entra.token_requests) == 1


@both_ways
def test_on_behalf_of(entra: Emulator, web: Any, authority: str) -> None:
    """A web API exchanges its caller's token for Graph's, once somebody consented; MSAL asks each time."""
    caller = web.acquire_token_by_refresh_token(entra.sign_in(NADIA), ["api://northwind-orders/Orders.Read"])
    secret = entra.state.apps[ORDERS].secrets[0].value
    api = msal.ConfidentialClientApplication(ORDERS, secret, authority)
    entra.state.default_tenant.grants.append(Grant(app=ORDERS, resource=GRAPH_ID, scopes=["User.Read"]))
    answer = api.acquire_token_on_behalf_of(caller["access_token"], READ)
    assert answer.get("access_token"), answer
    assert api.acquire_token_on_behalf_of(caller["access_token"], READ)["token_source"] == "identity_provider"


def test_on_behalf_of_without_consent(entra: Emulator, web: Any, authority: str) -> None:
    """Without consent for the web API, MSAL hands 65001 on with its suberror, for the API to tell its caller."""
    caller = web.acquire_token_by_refresh_token(entra.sign_in(NADIA), ["api://northwind-orders/Orders.Read"])
    api = msal.ConfidentialClientApplication(ORDERS, entra.state.apps[ORDERS].secrets[0].value, authority)
    answer = api.acquire_token_on_behalf_of(caller["access_token"], READ)
    assert (answer["error"], answer["suberror"], answer["error_codes"]) == (
        "invalid_grant",
        "consent_required",
        [65001],
    )


@passwords
def test_password_of_a_federated_user(entra: Emulator, tool: Any) -> None:
    """MSAL finds the domain's AD FS by user realm discovery, and exchanges its assertion for tokens."""
    federate(entra)
    outcome = tool.acquire_token_by_username_password(ANN, entra.state.settings.password, READ)
    assert outcome["id_token_claims"]["preferred_username"] == ANN
    assert [one.path for one in entra.requests if one.service == "adfs"] == [
        "/adfs/services/trust/mex",
        "/adfs/services/trust/13/usernamemixed",
    ]
    assert entra.token_requests[-1].grant_type == SAML_BEARER


@passwords
def test_a_wrong_password_of_a_federated_user(entra: Emulator, tool: Any) -> None:
    """The AD FS refuses, and MSAL raises with its words; Entra ID gets no request."""
    federate(entra)
    with pytest.raises(RuntimeError, match="FailedAuthentication"):
        tool.acquire_token_by_username_password(ANN, "wrong", READ)
    assert not entra.token_requests
