"""The program beside a local Entra ID."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support.at_entra import anonymous, at_entra, entra, memory
from tests.support.certificates import identity
from tests.support.oidc_issuer import SUBJECT, OidcIssuer

from entra_emulator import Emulator
from entra_emulator.model import App, Certificate, FederatedCredential, Grant, ServicePrincipal, User

__all__ = ["anonymous", "at_entra", "entra", "memory"]

AGENT = "11111111-2222-4333-8444-555555555555"
UPN = "scout@northwind-partner.example"
APP = identity(0)


@pytest.fixture(scope="session")
def known(entra: Emulator) -> Emulator:
    """The default application has a certificate, and an agent with a user account."""
    tenant, app = entra.state.default_tenant, entra.state.default_app
    app.certificates.append(Certificate(APP.certificate_pem().decode()))
    entra.state.apps[AGENT] = App(AGENT, "Scout", tenant.id, blueprint=app.id)
    tenant.principals.append(ServicePrincipal(AGENT))
    tenant.users.append(User(UPN, "Scout", agent=AGENT))
    tenant.grants.append(Grant(AGENT, "00000003-0000-0000-c000-000000000000", scopes=["User.Read"]))
    return entra


@pytest.fixture
def issuer(known: Emulator) -> Iterator[OidcIssuer]:
    """An issuer whose jobs the default application trusts."""
    made = OidcIssuer()
    app = known.state.default_app
    app.federated = [
        FederatedCredential(made.url, SUBJECT),
        FederatedCredential(made.url, "sc://org/project/connection-1"),
    ]
    yield made
    app.federated = []
    made.close()
