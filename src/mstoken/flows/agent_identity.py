"""Agent identities: three token requests lead from a blueprint's credential to a token for the agent or its user.

    1. The blueprint requests a token-exchange token with `fmi_path` set to the agent: T1.
    2. The agent authenticates with T1 and requests an app-only token, or a token-exchange token: T2.
    3. The agent authenticates with T1 and presents T2 to request a token for its user account: grant `user_fic`.

Instead of steps 2 and 3, the agent can act for a person who called its blueprint: on-behalf-of, authenticated with T1.

Source: learn.microsoft.com/entra/agent-id/identity-platform/agent-oauth-protocols and its pages on the autonomous app
flow and the user flow. T1 and T2 are cached like other tokens.
"""

from __future__ import annotations

from mstoken.credentials import ClientAssertion, FmiPath, TokenAssertion
from mstoken.flows.client_auth import request_token
from mstoken.flows.client_credentials import client_credentials
from mstoken.flows.federated_assertion import federated_assertion
from mstoken.typed import TYPE_CHECKING
from mstoken.values import replace

if TYPE_CHECKING:
    from mstoken.credentials import AgentIdentity, AgentUser
    from mstoken.flows.port import Port
    from mstoken.model import Token, TokenRequest


async def agent_identity(request: TokenRequest, credential: AgentIdentity, port: Port) -> Token:
    """Get an app-only token for the agent. `request.client_id` is the blueprint's.

    Raises TokenRefused, TryLater or UnreadableAnswer, for any of the token requests.
    """
    agent_request, proof = as_agent(request, credential)
    return await client_credentials(agent_request, proof, port)


async def agent_user(request: TokenRequest, credential: AgentUser, port: Port) -> Token:
    """Get a delegated token for the agent's user account. Raises as `agent_identity`."""
    second = TokenAssertion(credential.agent)
    grant = {
        "grant_type": "user_fic",
        "user_federated_identity_credential": await federated_assertion(second, request, port, fresh=request.fresh),
        "requested_token_use": "on_behalf_of",
    }
    if credential.user_id:
        grant["user_id"] = credential.user_id
    else:
        grant["username"] = credential.username
    agent_request, proof = as_agent(request, credential.agent)
    return (await request_token(proof, grant, agent_request, port)).token


def as_agent(request: TokenRequest, agent: AgentIdentity) -> tuple[TokenRequest, ClientAssertion]:
    """Return the request with the agent as the client, and its assertion T1, which the blueprint requests for it."""
    first = TokenAssertion(FmiPath(agent.blueprint, agent.agent_id), client_id=request.client_id)
    return replace(request, client_id=agent.agent_id), ClientAssertion(first)
