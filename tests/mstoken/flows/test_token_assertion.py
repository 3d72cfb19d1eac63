"""Applications proved by another identity's token: a managed identity, or another application's federated one."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT, TokenService

from entra_emulator import Emulator
from entra_emulator.login.federation import fmi_subject
from entra_emulator.managed_identity.machine import Machine
from entra_emulator.model import App, FederatedCredential, ServicePrincipal
from mstoken import (
    ClientAssertion,
    ClientSecret,
    CredentialRejected,
    FmiPath,
    ManagedIdentity,
    TokenAssertion,
    UsageError,
)

FOREIGN_APP = "11111111-2222-4333-8444-555555555555"


def client(runner: Runner, entra: Emulator, credential: Any) -> Any:
    return runner.client(entra.state.default_tenant.id, entra.state.default_app.id, credential, entra.authority)


def test_a_managed_identity_authenticates_the_application(runner: Runner, entra: Emulator, machine: Machine) -> None:
    """The machine's token for the token exchange is the assertion: no secret anywhere; it is asked for once."""
    identity = machine.identities.users[0]
    app = entra.state.default_app
    issuer = f"https://login.microsoftonline.com/{entra.state.default_tenant.id}/v2.0"
    app.federated = [FederatedCredential(issuer, identity.object_id)]
    managed = ManagedIdentity(identity.client_id, environment=machine.environment("imds"))
    proved = client(runner, entra, ClientAssertion(TokenAssertion(managed)))
    assert runner.run(lambda: proved.get_token("graph")).token
    assert runner.run(lambda: proved.get_token("arm")).token
    assert len(machine.requests) == 1
    app.federated = [FederatedCredential(issuer, "somebody-else")]
    refused = client(runner, entra, ClientAssertion(TokenAssertion(managed)))
    with pytest.raises(CredentialRejected, match="AADSTS700213"):
        runner.run(lambda: refused.get_token("graph"))


@pytest.mark.parametrize("scope", ["graph", "api://AzureADTokenExchange/.default"])
def test_an_application_cannot_authenticate_with_its_own_token(
    runner: Runner, token_service: TokenService, scope: str
) -> None:
    """A circle is refused rather than waited in."""
    credential = ClientAssertion(TokenAssertion(ClientSecret("s")))
    app = runner.client(TENANT, CLIENT_ID, credential, token_service.url)
    with pytest.raises(UsageError, match="a token of its own"):
        runner.run(lambda: app.get_token(scope))
    assert token_service.requests == []


def test_another_identitys_token_authenticates_the_application(runner: Runner, entra: Emulator) -> None:
    """A token for the token exchange, got with another credential of another client, is the assertion; it is kept."""
    state = entra.state
    tenant, other = state.default_tenant, state.default_app
    own = f"{entra.authority}/{tenant.id}/v2.0"
    subject = fmi_subject(tenant.id, other.id, "runner")
    state.apps[FOREIGN_APP] = App(FOREIGN_APP, "Orders", tenant.id, federated=[FederatedCredential(own, subject)])
    tenant.principals.append(ServicePrincipal(FOREIGN_APP))
    source = TokenAssertion(FmiPath(ClientSecret(other.secrets[0].value), "runner"), client_id=other.id)
    app = runner.client(tenant.id, FOREIGN_APP, ClientAssertion(source), entra.authority)
    assert runner.run(lambda: app.get_token("graph")).token
    assert runner.run(lambda: app.get_token("arm")).token
    assert [request.client_id for request in entra.token_requests] == [other.id, FOREIGN_APP, FOREIGN_APP]
    plain = TokenAssertion(ClientSecret(other.secrets[0].value), client_id=other.id)
    refused = runner.client(tenant.id, FOREIGN_APP, ClientAssertion(plain), entra.authority)
    with pytest.raises(CredentialRejected, match="700213"):
        runner.run(lambda: refused.get_token("graph"))
