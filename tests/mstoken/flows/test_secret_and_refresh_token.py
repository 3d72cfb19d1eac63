"""A secret and a refresh token against the emulator: what they get, and the ways they end."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from tests.support.runners import Runner

from entra_emulator import Emulator
from entra_emulator.model import Grant, Secret
from entra_emulator.resources import ARM
from mstoken import ClientSecret, CredentialRejected, MstokenError, RefreshToken, SignInRequired
from mstoken.protocol.jwt import decode

NADIA = "nadia@northwind-partner.example"
PUBLIC_APP = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"
CUSTOMER = "3c1b7b9e-5f0a-4d5c-9a52-7d0a4d1c0e02"


def _client(runner: Runner, entra: Emulator, credential: Any, client_id: str = "") -> Any:
    app = client_id or entra.state.default_app.id
    return runner.client(entra.state.default_tenant.id, app, credential, entra.authority)


def _claims(runner: Runner, client: Any, service: str, **options: Any) -> dict[str, Any]:
    return decode(runner.run(partial(client.get_token, service, **options)).token).claims


def _secret(entra: Emulator) -> ClientSecret:
    return ClientSecret(entra.state.default_app.secrets[0].value)


def test_a_secret_gets_tokens_of_the_application(runner: Runner, entra: Emulator) -> None:
    """One secret, any resource: the tokens are the application's own and of no user."""
    client = _client(runner, entra, _secret(entra))
    for service, audience in (("graph", "https://graph.microsoft.com"), ("arm", "https://management.azure.com")):
        claims = _claims(runner, client, service)
        assert claims["aud"].startswith(audience)
        assert claims["appid"] == entra.state.default_app.id
        assert "upn" not in claims


@pytest.mark.parametrize("code", [7000215, 7000222], ids=["wrong", "expired"])
def test_a_secret_that_is_wrong_or_expired_is_refused(runner: Runner, entra: Emulator, code: int) -> None:
    """The exception tells the two apart, says how to make a new one, and does not show the secret."""
    value = "secret-of-last-year"
    if code == 7000222:
        entra.state.default_app.secrets.append(Secret(value, expires_on=1.0))
    with pytest.raises(CredentialRejected) as caught:
        runner.run(partial(_client(runner, entra, ClientSecret(value)).get_token, "graph"))
    assert caught.value.codes[0] == code
    assert entra.state.default_app.id in caught.value.remedy
    assert value not in str(caught.value)


@pytest.mark.parametrize("public", [True, False], ids=["public", "confidential"])
def test_a_refresh_token_serves_resources_and_tenants(runner: Runner, entra: Emulator, public: bool) -> None:  # noqa: FBT001
    """One refresh token, public client or confidential: two resources at home and one in a customer's tenant."""
    app = PUBLIC_APP if public else entra.state.default_app.id
    value = entra.sign_in(NADIA, app)
    client = _client(runner, entra, RefreshToken(value, None if public else _secret(entra)), app)
    for service in ("graph", "arm"):
        assert _claims(runner, client, service)["upn"] == NADIA
    entra.state.tenants[CUSTOMER].grants.append(Grant(app, ARM, scopes=["user_impersonation"]))
    assert _claims(runner, client, "arm", tenant_id=CUSTOMER)["tid"] == CUSTOMER


def test_a_confidential_clients_refresh_token_needs_client_authentication(runner: Runner, entra: Emulator) -> None:
    """Without the secret, and with a wrong one, the refresh token alone gets nothing."""
    value = entra.sign_in(NADIA)
    for proof in (None, ClientSecret("wrong")):
        with pytest.raises(CredentialRejected):
            runner.run(partial(_client(runner, entra, RefreshToken(value, proof)).get_token, "graph"))


@pytest.mark.parametrize("value", ["", "no-refresh-token"], ids=["revoked", "made up"])
def test_an_expired_refresh_token_is_sign_in_required(runner: Runner, entra: Emulator, value: str) -> None:
    """Revoked or never given: the error is SignInRequired and names the command."""
    given = value or entra.sign_in(NADIA, PUBLIC_APP)
    if not value:
        entra.revoke(NADIA)
    client = _client(runner, entra, RefreshToken(given), PUBLIC_APP)
    with pytest.raises(MstokenError, match="mstoken login") as caught:
        runner.run(partial(client.get_token, "graph"))
    assert type(caught.value) is SignInRequired
