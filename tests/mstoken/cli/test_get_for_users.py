"""`mstoken get` on behalf of users, by variables and by profile."""

from __future__ import annotations

import ssl
from typing import Any

import httpx
import pytest
from tests.support.program import Program

from entra_emulator import Emulator
from entra_emulator.model import App, Grant, Secret, ServicePrincipal
from entra_emulator.resources import GRAPH
from mstoken.protocol.jwt import decode

OTTO = "otto@northwind-partner.example"
PUBLIC_APP = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"
ORDERS = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b03"
SECRET = "orders-secret-for-tests"


def where(entra: Emulator, client_id: str) -> str:
    return f'[profile.default]\ntenant = "{entra.state.default_tenant.id}"\nclient_id = "{client_id}"\n'


@pytest.fixture
def orders(entra: Emulator) -> str:
    """Let the Orders API read its callers' profiles, and return the token that a caller sends to it."""
    entra.state.apps[ORDERS].secrets = [Secret(SECRET)]
    entra.state.default_tenant.grants.append(Grant(app=ORDERS, resource=GRAPH, scopes=["User.Read"]))
    app = entra.state.default_app
    answer = httpx.post(
        f"{entra.authority}/{entra.state.default_tenant.id}/oauth2/v2.0/token",
        data={
            "client_id": app.id,
            "client_secret": app.secrets[0].value,
            "grant_type": "refresh_token",
            "refresh_token": entra.sign_in(OTTO),
            "scope": "api://northwind-orders/.default",
        },
        verify=_trust(entra),
        trust_env=False,
    )
    return str(answer.json()["access_token"])


def test_user_name_and_password_by_variables(anonymous: Program, entra: Emulator) -> None:
    """AZURE_USERNAME and AZURE_PASSWORD, as for the Azure SDKs; with a warning, and without showing the password."""
    password = entra.state.settings.password
    result = anonymous(
        "get",
        "graph",
        AZURE_TENANT_ID=entra.state.default_tenant.id,
        AZURE_CLIENT_ID=PUBLIC_APP,
        AZURE_USERNAME=OTTO,
        AZURE_PASSWORD=password,
    )
    assert result.code == 0, result.err
    assert decode(result.out.strip()).claims["upn"] == OTTO
    assert "multi-factor" in result.err
    assert password not in result.err


def test_user_name_and_password_by_profile(anonymous: Program, entra: Emulator) -> None:
    """The profile names the password's location; a wrong password is refused with exit code 3 or 4 and a remedy."""
    anonymous.profile(where(entra, PUBLIC_APP) + f'username = "{OTTO}"\npassword = "env:OTTOS_PASSWORD"\n')
    assert anonymous("get", "graph", OTTOS_PASSWORD=entra.state.settings.password).code == 0
    anonymous("logout", f"{OTTO} {PUBLIC_APP} {entra.authority.removeprefix('https://')}")
    refused = anonymous("get", "arm", OTTOS_PASSWORD="not it")
    assert refused.code in (3, 4)
    assert refused.out == ""
    assert "50126" in refused.err


def test_an_applications_secret_wins_over_a_password(at_entra: Program, entra: Emulator) -> None:
    """With both in the environment the application gets the token, as with azure-identity."""
    result = at_entra("get", "graph", AZURE_USERNAME=OTTO, AZURE_PASSWORD=entra.state.settings.password)
    assert result.code == 0, result.err
    assert "upn" not in decode(result.out.strip()).claims


def test_on_behalf_of_by_variables(anonymous: Program, entra: Emulator, orders: str) -> None:
    """MSTOKEN_USER_ASSERTION is the caller's token, beside the API's own secret."""
    result = anonymous(
        "get",
        "graph",
        AZURE_TENANT_ID=entra.state.default_tenant.id,
        AZURE_CLIENT_ID=ORDERS,
        AZURE_CLIENT_SECRET=SECRET,
        MSTOKEN_USER_ASSERTION=orders,
    )
    assert result.code == 0, result.err
    assert decode(result.out.strip()).claims["upn"] == OTTO


def test_on_behalf_of_by_profile(anonymous: Program, entra: Emulator, orders: str) -> None:
    """The same by references; an invalid caller's token is refused with Entra's code."""
    anonymous.profile(
        where(entra, ORDERS) + 'client_secret = "env:ORDERS_SECRET"\nuser_assertion = "env:CALLERS_TOKEN"\n'
    )
    result = anonymous("get", "graph", ORDERS_SECRET=SECRET, CALLERS_TOKEN=orders)
    assert result.code == 0, result.err
    assert decode(result.out.strip()).claims["appid"] == ORDERS
    refused = anonymous("get", "graph", ORDERS_SECRET=SECRET, CALLERS_TOKEN="e30.e30.e30")
    assert refused.code in (3, 4)
    assert "50013" in refused.err


def test_an_agent_on_behalf_of_its_blueprints_caller(anonymous: Program, entra: Emulator, orders: str) -> None:
    """With `agent` beside the caller's token, the agent acts; a user account or a path beside it is refused."""
    agent = "11111111-2222-4333-8444-66666666666a"
    tenant = entra.state.default_tenant
    entra.state.apps[agent] = App(agent, "Scout", tenant.id, blueprint=ORDERS)
    tenant.principals.append(ServicePrincipal(agent))
    tenant.grants.append(Grant(app=agent, resource=GRAPH, scopes=["User.Read"]))
    profile = where(entra, ORDERS) + 'client_secret = "env:ORDERS_SECRET"\nuser_assertion = "env:CALLERS_TOKEN"\n'
    anonymous.profile(f'{profile}agent = "{agent}"\n')
    result = anonymous("get", "graph", ORDERS_SECRET=SECRET, CALLERS_TOKEN=orders)
    assert result.code == 0, result.err
    claims = decode(result.out.strip()).claims
    assert (claims["upn"], claims["appid"]) == (OTTO, agent)
    for more in (f'agent = "{agent}"\nagent_user = "a@b.example"\n', 'fmi_path = "/a"\n'):
        anonymous.profile(profile + more)
        refused = anonymous("get", "graph", ORDERS_SECRET=SECRET, CALLERS_TOKEN=orders)
        assert (refused.code, "user_assertion needs" in refused.err) == (2, True)


def _trust(entra: Emulator) -> Any:
    return ssl.create_default_context(cafile=entra.ca_file)
