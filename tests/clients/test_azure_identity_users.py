"""azure-identity, unchanged, in blocking code: credentials in which a person signs in, or is acted for."""

from __future__ import annotations

import webbrowser
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    AuthenticationRequiredError,
    AuthorizationCodeCredential,
    DeviceCodeCredential,
    InteractiveBrowserCredential,
    OnBehalfOfCredential,
    UsernamePasswordCredential,
)
from tests.support.certificates import identity
from tests.support.oidc_issuer import SUBJECT, OidcIssuer
from tests.support.scripted_user import ScriptedUser

from entra_emulator import Emulator
from entra_emulator.model import Certificate, FederatedCredential, Grant
from entra_emulator.resources import GRAPH as GRAPH_ID

READ = "https://graph.microsoft.com/User.Read"
ARM = "https://management.azure.com/.default"
COMMAND_LINE = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"
ORDERS = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b03"
NADIA = "nadia@northwind-partner.example"
OTTO = "otto@northwind-partner.example"
BACK = "http://localhost:5000"
CHALLENGE = '{"access_token":{"nbf":{"essential":true,"value":"1700000000"}}}'
both_ways = pytest.mark.parametrize("authority", ["by name", "by URL"], indirect=True)
passwords = pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")


def base(authority: str) -> str:
    """azure-identity takes host and tenant apart."""
    return authority.rpartition("/")[0]


@both_ways
def test_interactive(entra: Emulator, authority: str, nadia: ScriptedUser, monkeypatch: pytest.MonkeyPatch) -> None:
    """The browser opens, she signs in; the record of who it was leads to silent tokens for other APIs."""
    monkeypatch.setattr(webbrowser, "open", nadia.open)
    tenant = entra.state.default_tenant.id
    with InteractiveBrowserCredential(
        tenant_id=tenant, client_id=COMMAND_LINE, authority=base(authority), timeout=30
    ) as credential:
        record = credential.authenticate(scopes=[READ])
        assert (record.username, record.tenant_id) == (NADIA, tenant)
        assert credential.get_token(ARM).token
    assert [one.grant_type for one in entra.token_requests] == ["authorization_code", "refresh_token"]


@both_ways
def test_device_code(entra: Emulator, authority: str, nadia: ScriptedUser) -> None:
    """The prompt is shown, she enters the code, and the credential's next question is answered."""
    shown: list[datetime] = []

    def prompt(uri: str, code: str, expires_on: datetime) -> None:
        shown.append(expires_on)
        nadia.enter_code(uri, code)

    with DeviceCodeCredential(
        COMMAND_LINE, tenant_id=entra.state.default_tenant.id, authority=base(authority), prompt_callback=prompt
    ) as credential:
        assert credential.get_token(READ).token
    assert len(shown) == 1


@both_ways
def test_the_default_client_id(entra: Emulator, authority: str, nadia: ScriptedUser) -> None:
    """Without a client id the credentials are the Azure CLI, which exists in every tenant and needs no consent."""

    def prompt(uri: str, code: str, _: datetime) -> None:
        nadia.enter_code(uri, code)

    with DeviceCodeCredential(authority=base(authority), prompt_callback=prompt) as credential:
        assert credential.get_token("https://management.azure.com/.default").token
    assert entra.token_requests[-1].client_id == "04b07795-8ddb-461a-bbee-02f9e1bf7b46"


def test_a_declined_device(entra: Emulator, nadia: ScriptedUser) -> None:
    """She says no: ClientAuthenticationError, and the device stops asking."""

    def prompt(uri: str, code: str, expires_on: datetime) -> None:
        nadia.refuse_code(uri, code)

    with (
        DeviceCodeCredential(
            COMMAND_LINE, tenant_id=entra.state.default_tenant.id, authority=_NAME, prompt_callback=prompt
        ) as credential,
        pytest.raises(ClientAuthenticationError, match="AADSTS65004"),
    ):
        credential.get_token(READ)
    assert len(entra.token_requests) == 1


@both_ways
def test_authorization_code(entra: Emulator, authority: str, nadia: ScriptedUser) -> None:
    """A web application redeems the code it got, once; later tokens come by the refresh token, for that scope only."""
    app = entra.state.default_app
    parameters = {
        "client_id": app.id,
        "response_type": "code",
        "redirect_uri": BACK,
        "scope": f"{READ} openid profile offline_access",
    }
    code = nadia.authorize(f"{authority}/oauth2/v2.0/authorize?{urlencode(parameters)}").fields["code"]
    with AuthorizationCodeCredential(
        entra.state.default_tenant.id,
        app.id,
        code,
        BACK,
        authority=base(authority),
        client_secret=app.secrets[0].value,
    ) as credential:
        assert credential.get_token(READ).token
        assert credential.get_token(READ, claims=CHALLENGE).token
        with pytest.raises(ClientAuthenticationError, match="No authorization code"):
            credential.get_token("https://management.azure.com//user_impersonation")
    assert [one.grant_type for one in entra.token_requests] == ["authorization_code", "refresh_token"]


@both_ways
def test_on_behalf_of(entra: Emulator, authority: str, callers_token: str) -> None:
    """A web API acts for its caller; azure-identity keeps the answer for the same caller."""
    entra.state.default_tenant.grants.append(Grant(app=ORDERS, resource=GRAPH_ID, scopes=["User.Read"]))
    with OnBehalfOfCredential(
        entra.state.default_tenant.id,
        ORDERS,
        client_secret=entra.state.apps[ORDERS].secrets[0].value,
        user_assertion=callers_token,
        authority=base(authority),
    ) as credential:
        first = credential.get_token(READ)
        assert credential.get_token(READ).token == first.token


def test_on_behalf_of_by_other_proofs(entra: Emulator, callers_token: str) -> None:
    """The web API may prove itself by a certificate or another issuer's token, too."""
    made, issuer = identity(1), OidcIssuer()
    orders = entra.state.apps[ORDERS]
    orders.certificates = [Certificate(made.certificate_pem().decode())]
    orders.federated = [FederatedCredential(issuer.url, SUBJECT)]
    entra.state.default_tenant.grants.append(Grant(app=ORDERS, resource=GRAPH_ID, scopes=["User.Read"]))
    proofs: list[dict[str, Any]] = [{"client_certificate": made.pem()}, {"client_assertion_func": issuer.token}]
    for proof in proofs:
        with OnBehalfOfCredential(
            entra.state.default_tenant.id, ORDERS, user_assertion=callers_token, authority=_NAME, **proof
        ) as credential:
            assert credential.get_token(READ).token
    issuer.close()


def test_on_behalf_of_without_consent(entra: Emulator, callers_token: str) -> None:
    """Without consent the web API's credential raises ClientAuthenticationError with 65001."""
    with (
        OnBehalfOfCredential(
            entra.state.default_tenant.id,
            ORDERS,
            client_secret=entra.state.apps[ORDERS].secrets[0].value,
            user_assertion=callers_token,
            authority=_NAME,
        ) as credential,
        pytest.raises(ClientAuthenticationError, match="AADSTS65001"),
    ):
        credential.get_token(READ)


@passwords
def test_password(entra: Emulator) -> None:
    """A user's password, by Microsoft's host name (MSAL underneath forgets the port of a URL)."""
    tenant, password = entra.state.default_tenant.id, entra.state.settings.password
    with UsernamePasswordCredential(COMMAND_LINE, OTTO, password, tenant_id=tenant, authority=_NAME) as credential:
        assert credential.get_token(READ).token


@passwords
def test_a_password_where_a_second_factor_is_needed(entra: Emulator) -> None:
    """ClientAuthenticationError with 50076, which no retry can heal; the credential asks no second time by itself."""
    found = entra.state.user(OTTO)
    assert found
    found[1].mfa_required = True
    tenant, password = entra.state.default_tenant.id, entra.state.settings.password
    with (
        UsernamePasswordCredential(COMMAND_LINE, OTTO, password, tenant_id=tenant, authority=_NAME) as credential,
        pytest.raises(ClientAuthenticationError, match="AADSTS50076"),
    ):
        credential.get_token(READ)
    assert len(entra.token_requests) == 1


def test_a_user_has_to_sign_in_again(entra: Emulator, nadia: ScriptedUser, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions are revoked: a credential told not to open browsers raises AuthenticationRequiredError."""
    monkeypatch.setattr(webbrowser, "open", nadia.open)
    with InteractiveBrowserCredential(
        tenant_id=entra.state.default_tenant.id,
        client_id=COMMAND_LINE,
        authority=_NAME,
        disable_automatic_authentication=True,
    ) as credential:
        credential.authenticate(scopes=[READ])
        found = entra.state.user(NADIA)
        assert found
        found[1].tokens_valid_from = entra.clock.now() + 1
        with pytest.raises(AuthenticationRequiredError) as raised:
            credential.get_token(ARM)
        assert raised.value.scopes == (ARM,)


_NAME = "login.microsoftonline.com"
