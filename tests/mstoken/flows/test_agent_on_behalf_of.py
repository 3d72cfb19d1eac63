"""An agent that acts for the people who call its blueprint: the blueprint's leg, then on-behalf-of as the agent."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.runners import Runner

from entra_emulator import Emulator
from entra_emulator.managed_identity.machine import Machine
from entra_emulator.model import App, FederatedCredential, Grant, Secret, ServicePrincipal
from entra_emulator.resources import GRAPH
from mstoken import (
    AgentIdentity,
    ClientAssertion,
    ClientSecret,
    CredentialRejected,
    ManagedIdentity,
    OnBehalfOf,
    RefreshToken,
    TokenAssertion,
    TokenRefused,
    UsageError,
)
from mstoken.protocol.cache_key import cache_key
from mstoken.protocol.jwt import decode
from mstoken.stores.memory import memory_stores

NADIA = "nadia@northwind-partner.example"
ORDERS = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b03"
AGENT = "11111111-2222-4333-8444-555555555555"
SECRET = ClientSecret("orders-secret-for-tests")


@pytest.fixture
def entra(entra: Emulator) -> Emulator:
    """The Orders API is the blueprint of an agent that may read its callers' profiles."""
    tenant = entra.state.default_tenant
    entra.state.apps[ORDERS].secrets = [Secret(SECRET.secret)]
    entra.state.apps[AGENT] = App(AGENT, "Scout", tenant.id, blueprint=ORDERS)
    tenant.principals.append(ServicePrincipal(AGENT))
    tenant.grants.append(Grant(AGENT, GRAPH, scopes=["User.Read"]))
    return entra


def agents_api(runner: Runner, entra: Emulator, blueprint: Any = SECRET, **options: Any) -> Any:
    credential = AgentIdentity(blueprint, AGENT)
    return runner.client(entra.state.default_tenant.id, ORDERS, credential, entra.authority, **options)


def callers_token(runner: Runner, entra: Emulator, scope: str = "api://northwind-orders/.default") -> str:
    """What a web application sends to the blueprint."""
    app = entra.state.default_app
    credential = RefreshToken(entra.sign_in(NADIA), ClientSecret(app.secrets[0].value))
    web = runner.client(entra.state.default_tenant.id, app.id, credential, entra.authority)
    return str(runner.run(lambda: web.get_token(scope)).token)


def test_the_agent_acts_for_the_caller_of_its_blueprint(runner: Runner, entra: Emulator) -> None:
    """The token is the caller's, got by the agent; the blueprint's leg comes first and is kept for the next caller."""
    api, called = agents_api(runner, entra), callers_token(runner, entra)
    before = len(entra.token_requests)
    claims = decode(runner.run(lambda: api.on_behalf_of(called).get_token("graph")).token).claims
    assert (claims["upn"], claims["appid"], claims["scp"]) == (NADIA, AGENT, "User.Read")
    again = callers_token(runner, entra)
    runner.run(lambda: api.on_behalf_of(again).get_token("graph"))
    jwt_bearer = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    asked = [
        (one.grant_type, one.client_id) for one in entra.token_requests[before:] if one.client_id in (ORDERS, AGENT)
    ]
    assert asked == [("client_credentials", ORDERS), (jwt_bearer, AGENT), (jwt_bearer, AGENT)]


def test_a_session_of_the_agent_continues_after_the_call(runner: Runner, entra: Emulator) -> None:
    """Its refresh token is redeemed as the agent, proved by its blueprint's leg, when the caller is gone."""
    stores = memory_stores()
    api, called = agents_api(runner, entra, stores=stores), callers_token(runner, entra)
    runner.run(lambda: api.on_behalf_of(called, session_key="key-of-this-user").get_token("graph"))
    stores.access_tokens.clear()
    later = runner.run(lambda: api.on_behalf_of("", session_key="key-of-this-user").get_token("graph"))
    assert decode(later.token).claims["appid"] == AGENT
    assert (entra.token_requests[-1].grant_type, entra.token_requests[-1].client_id) == ("refresh_token", AGENT)


def test_a_managed_identity_may_authenticate_the_blueprint(runner: Runner, entra: Emulator, machine: Machine) -> None:
    """Microsoft's recommendation: no secret anywhere, from the machine's token to the caller's."""
    identity = machine.identities.users[0]
    tenant = entra.state.default_tenant
    issuer = f"https://login.microsoftonline.com/{tenant.id}/v2.0"
    entra.state.apps[ORDERS].federated = [FederatedCredential(issuer, identity.object_id)]
    credential = ManagedIdentity(identity.client_id, environment=machine.environment("imds"))
    api = agents_api(runner, entra, ClientAssertion(TokenAssertion(credential)))
    called = callers_token(runner, entra)
    claims = decode(runner.run(lambda: api.on_behalf_of(called).get_token("graph")).token).claims
    assert (claims["upn"], claims["appid"]) == (NADIA, AGENT)
    assert len(machine.requests) == 1


def test_a_token_for_another_api_is_refused(runner: Runner, entra: Emulator) -> None:
    """What was not meant for the blueprint is not exchanged."""
    api, called = agents_api(runner, entra), callers_token(runner, entra, "graph")
    with pytest.raises(TokenRefused, match="AADSTS500131"):
        runner.run(lambda: api.on_behalf_of(called).get_token("graph"))


def test_an_agent_of_another_blueprint_is_refused(runner: Runner, entra: Emulator) -> None:
    """The blueprint's token names an agent that is not its own."""
    called = callers_token(runner, entra)
    entra.state.apps[AGENT].blueprint = entra.state.default_app.id
    api = agents_api(runner, entra)
    with pytest.raises(CredentialRejected, match="AADSTS700213"):
        runner.run(lambda: api.on_behalf_of(called).get_token("graph"))


def test_the_api_and_its_agents_have_separate_tokens(runner: Runner, entra: Emulator) -> None:
    """The same caller's tokens are kept apart by who acts."""
    asked = "0.callers.token"
    clients: list[ClientSecret | AgentIdentity] = [
        SECRET,
        AgentIdentity(SECRET, AGENT),
        AgentIdentity(SECRET, AGENT[:-1] + "6"),
    ]
    made = [runner.client("contoso.com", ORDERS, OnBehalfOf(asked, client)) for client in clients]
    assert len({cache_key(one.token_request("graph")) for one in made}) == 3


def test_only_a_web_api_can_act_for_its_callers(runner: Runner, entra: Emulator) -> None:
    """A person's sign-in has no callers."""
    client = runner.client("contoso.com", ORDERS, RefreshToken("rt"))
    with pytest.raises(UsageError, match="web API"):
        client.on_behalf_of("0.callers.token")
