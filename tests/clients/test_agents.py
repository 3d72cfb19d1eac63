"""Agent identities through MSAL for Python and msal-node: three legs, to a token of the agent's own user account."""

from __future__ import annotations

from typing import Any

import msal
import pytest
from tests.support.agents import AGENT, AGENT_UPN, add_agent
from tests.support.node import NodeProgram, needs_node
from tests.support.scripted_user import ScriptedUser

from entra_emulator import Emulator

READ = ["https://graph.microsoft.com/User.Read"]
EXCHANGE = ["api://AzureADTokenExchange/.default"]
both_ways = pytest.mark.parametrize("authority", ["by name", "by URL"], indirect=True)


@pytest.fixture
def blueprint(entra: Emulator, authority: str) -> Any:
    """MSAL's client of the application whose agents there are."""
    app = entra.state.default_app
    return msal.ConfidentialClientApplication(app.id, app.secrets[0].value, authority)


@pytest.fixture
def agent(blueprint: Any, authority: str) -> Any:
    """MSAL's client of the agent, proved by tokens that the blueprint gets for it (fmi_path)."""

    def proof() -> str:
        return str(blueprint.acquire_token_for_client(EXCHANGE, fmi_path=AGENT)["access_token"])

    return msal.ConfidentialClientApplication(AGENT, {"client_assertion": proof}, authority)


@both_ways
def test_msal_python(entra: Emulator, agent: Any) -> None:
    """fmi_path, the agent's own token, then the user's: by name or by object id; refresh and cache as for people."""
    user = add_agent(entra)
    own = agent.acquire_token_for_client(EXCHANGE)["access_token"]
    for named in ({"username": AGENT_UPN}, {"user_object_id": user.id}):
        answer = agent.acquire_token_by_user_federated_identity_credential(READ, own, **named)
        assert answer["id_token_claims"]["preferred_username"] == AGENT_UPN, answer
    (account,) = agent.get_accounts()
    assert agent.acquire_token_silent(READ, account)["token_source"] == "cache"
    assert [one.grant_type for one in entra.token_requests].count("user_fic") == 2


def test_fmi_paths_are_cached_separately(entra: Emulator, blueprint: Any) -> None:
    """Tokens for two agents are two tokens in MSAL's cache; asked again, the first comes from there."""
    add_agent(entra)
    first, second = (blueprint.acquire_token_for_client(EXCHANGE, fmi_path=path) for path in (AGENT, "another"))
    assert first["access_token"] != second["access_token"]
    assert blueprint.acquire_token_for_client(EXCHANGE, fmi_path=AGENT)["token_source"] == "cache"
    assert len(entra.token_requests) == 2


def test_a_user_that_is_not_the_agents(entra: Emulator, agent: Any) -> None:
    """An agent cannot be somebody else: 50034 for a person, as MSAL hands it on."""
    add_agent(entra)
    own = agent.acquire_token_for_client(EXCHANGE)["access_token"]
    nadia = "nadia@northwind-partner.example"
    refused = agent.acquire_token_by_user_federated_identity_credential(READ, own, username=nadia)
    assert (refused["error"], refused["error_codes"]) == ("invalid_grant", [50034])


@needs_node
@both_ways
def test_msal_node(entra: Emulator, authority: str, nadia: ScriptedUser) -> None:
    """The same three legs, with the account of the answer."""
    add_agent(entra)
    app = entra.state.default_app
    auth = {"clientId": app.id, "authority": authority, "clientSecret": app.secrets[0].value}
    program = NodeProgram("msal_node.mjs", nadia)
    try:
        said = program.run("agent", auth=auth, agent=AGENT, username=AGENT_UPN)
        assert said == {"from": "network", "user": AGENT_UPN}
    finally:
        program.close()
