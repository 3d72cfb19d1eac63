"""Agent identities: fmi_path, an agent's own token, and tokens of the agent's user account."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.certificates import identity
from tests.support.runners import Runner

from entra_emulator import Emulator
from entra_emulator.model import App, Certificate, Grant, ServicePrincipal, User
from mstoken import (
    AgentIdentity,
    AgentUser,
    ClientCertificate,
    ClientSecret,
    CredentialRejected,
    FmiPath,
    SignInRequired,
    TokenRefused,
    UsageError,
)
from mstoken.protocol.cache_key import cache_key
from mstoken.protocol.jwt import decode

AGENT = "11111111-2222-4333-8444-555555555555"
UPN = "scout@northwind-partner.example"


@pytest.fixture
def entra(entra: Emulator) -> Emulator:
    """An agent of the default application, with a user account and consent."""
    tenant, blueprint = entra.state.default_tenant, entra.state.default_app
    blueprint.certificates.append(Certificate(identity().certificate_pem().decode()))
    entra.state.apps[AGENT] = App(AGENT, "Scout", tenant.id, blueprint=blueprint.id)
    tenant.principals.append(ServicePrincipal(AGENT))
    tenant.users.append(User(UPN, "Scout", agent=AGENT))
    tenant.grants.append(Grant(AGENT, "00000003-0000-0000-c000-000000000000", scopes=["User.Read"]))
    return entra


@pytest.fixture(params=["secret", "certificate"])
def blueprint(entra: Emulator, request: pytest.FixtureRequest) -> ClientSecret | ClientCertificate:
    """The blueprint's own credential."""
    if request.param == "secret":
        return ClientSecret(entra.state.default_app.secrets[0].value)
    return ClientCertificate(data=identity().pem())


def client(runner: Runner, entra: Emulator, credential: Any) -> Any:
    return runner.client(entra.state.default_tenant.id, entra.state.default_app.id, credential, entra.authority)


def get(runner: Runner, app: Any, scope: str) -> str:
    token: str = runner.run(lambda: app.get_token(scope)).token
    return token


def legs(entra: Emulator) -> list[tuple[str | None, str | None]]:
    return [(request.grant_type, request.client_id) for request in entra.token_requests]


def test_an_agent_gets_tokens_of_its_own(runner: Runner, entra: Emulator, blueprint: Any) -> None:
    """Two legs: the blueprint's token for the agent, then the agent's own; the first is kept for the next resource."""
    app = client(runner, entra, AgentIdentity(blueprint, AGENT))
    token = runner.run(lambda: app.get_token("graph"))
    runner.run(lambda: app.get_token("arm"))
    assert decode(token.token).claims["appid"] == AGENT
    first = ("client_credentials", entra.state.default_app.id)
    assert legs(entra) == [first, ("client_credentials", AGENT), ("client_credentials", AGENT)]
    assert "fmi_path" in entra.token_requests[0].form


def test_an_agents_user_gets_delegated_tokens(runner: Runner, entra: Emulator, blueprint: Any) -> None:
    """Three legs: T1, T2, then user_fic; by user name and by id, each a user's token."""
    user = entra.state.default_tenant.user(UPN)
    assert user
    agent = AgentIdentity(blueprint, AGENT)
    for credential in (AgentUser(agent, username=UPN), AgentUser(agent, user_id=user.id)):
        claims = decode(get(runner, client(runner, entra, credential), "graph")).claims
        assert (claims["upn"], claims["scp"]) == (UPN, "User.Read")
    assert legs(entra)[:3] == [
        ("client_credentials", entra.state.default_app.id),
        ("client_credentials", AGENT),
        ("user_fic", AGENT),
    ]


def test_tokens_of_different_fmi_paths_are_cached_separately(runner: Runner, entra: Emulator, blueprint: Any) -> None:
    """Tokens of two paths, of the agent and of the application itself are kept apart."""
    exchange = "api://AzureADTokenExchange/.default"
    subjects = set()
    for credential in (FmiPath(blueprint, "a"), FmiPath(blueprint, "B"), blueprint):
        subjects.add(decode(get(runner, client(runner, entra, credential), exchange)).claims["sub"])
    assert len(subjects) == 3


def test_the_cache_key_distinguishes_application_path_agent_and_user(
    runner: Runner, entra: Emulator, blueprint: Any
) -> None:
    """The store keeps application, path, agent and agent's user apart, and ignores the credential behind them."""
    agent = AgentIdentity(blueprint, AGENT)
    credentials = [
        blueprint,
        FmiPath(blueprint, "a"),
        FmiPath(blueprint, "A"),
        agent,
        AgentUser(agent, username=UPN),
        AgentUser(agent, username="other@northwind-partner.example"),
    ]
    keys = {cache_key(client(runner, entra, credential).token_request("graph")) for credential in credentials}
    assert len(keys) == 6
    renewed = AgentIdentity(ClientSecret("new"), AGENT.upper())
    assert cache_key(client(runner, entra, renewed).token_request("graph")) in keys


def test_an_agent_of_another_blueprint_is_refused(runner: Runner, entra: Emulator, blueprint: Any) -> None:
    """The agent's own leg fails when the blueprint is not its own."""
    entra.state.apps[AGENT].blueprint = "99999999-2222-4333-8444-555555555555"
    app = client(runner, entra, AgentIdentity(blueprint, AGENT))
    with pytest.raises(CredentialRejected, match="AADSTS700213"):
        runner.run(lambda: app.get_token("graph"))


def test_a_user_that_is_not_the_agents_is_refused(runner: Runner, entra: Emulator, blueprint: Any) -> None:
    """An agent acts as its own user account and as no other."""
    credential = AgentUser(AgentIdentity(blueprint, AGENT), username="nadia@northwind-partner.example")
    app = client(runner, entra, credential)
    with pytest.raises(TokenRefused, match="AADSTS50034"):
        runner.run(lambda: app.get_token("graph"))


def test_a_service_that_needs_a_user_refuses_an_agent_without_one(
    runner: Runner, entra: Emulator, blueprint: Any
) -> None:
    """A service that needs a user refuses an agent, and takes an agent's user."""
    agent = AgentIdentity(blueprint, AGENT)
    with pytest.raises(SignInRequired):
        client(runner, entra, agent).token_request("partner")
    assert client(runner, entra, AgentUser(agent, username=UPN)).token_request("partner").scopes


@pytest.mark.parametrize(
    "make",
    [
        lambda: FmiPath(ClientSecret("s"), ""),
        lambda: AgentIdentity(ClientSecret("s"), ""),
        lambda: AgentUser(AgentIdentity(ClientSecret("s"), AGENT)),
        lambda: AgentUser(AgentIdentity(ClientSecret("s"), AGENT), "a@b.example", "id"),
    ],
)
def test_an_incomplete_agent_credential_is_a_usage_error(make: Any) -> None:
    """What names no agent, no path, or not exactly one user is refused when it is made."""
    with pytest.raises(UsageError):
        make()
