"""An agent identity of the default application, with a user account of its own."""

from __future__ import annotations

from entra_emulator import Emulator
from entra_emulator.model import App, Grant, ServicePrincipal, User
from entra_emulator.resources import GRAPH

AGENT = "11111111-2222-4333-8444-555555555555"
AGENT_UPN = "scout@northwind-partner.example"


def add_agent(entra: Emulator) -> User:
    """Add an agent and return its user, who has consented to Graph."""
    tenant = entra.state.default_tenant
    entra.state.apps[AGENT] = App(AGENT, "Scout", tenant.id, blueprint=entra.state.default_app.id)
    user = User(AGENT_UPN, "Scout", agent=AGENT)
    tenant.principals.append(ServicePrincipal(AGENT))
    tenant.users.append(user)
    tenant.grants.append(Grant(AGENT, GRAPH, scopes=["User.Read"]))
    return user
