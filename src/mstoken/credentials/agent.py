"""Agent identities: applications that act by the credential of the blueprint they were made from.

Source: learn.microsoft.com/entra/agent-id/identity-platform/agent-oauth-protocols. The client's own `client_id` is the
blueprint's; the agent is named by the credential.
"""

from __future__ import annotations

from mstoken.errors import UsageError
from mstoken.typed import TYPE_CHECKING
from mstoken.values import value

if TYPE_CHECKING:
    from mstoken.credentials import ClientCredential


@value
class FmiPath:
    """An application asking in the name of one of its federated identities: client credentials with `fmi_path`."""

    client: ClientCredential
    fmi_path: str

    def __post_init__(self) -> None:
        if not self.fmi_path:
            raise UsageError("The fmi_path is empty.", "Name the federated identity, as FmiPath(credential, path).")


@value
class AgentIdentity:
    """An agent acting for itself: app-only tokens of the agent `agent_id`, proved by its blueprint's credential."""

    blueprint: ClientCredential
    agent_id: str

    def __post_init__(self) -> None:
        if not self.agent_id:
            raise UsageError("The agent is not named.", "Give AgentIdentity the agent identity's application id.")


@value
class AgentUser:
    """An agent acting as its own user account: delegated tokens. Name the user by `username` (UPN) or `user_id`."""

    agent: AgentIdentity
    username: str = ""
    user_id: str = ""

    def __post_init__(self) -> None:
        if bool(self.username) == bool(self.user_id):
            raise UsageError("An agent's user is named once.", "Give AgentUser a username or a user_id, not both.")
