"""Agent identities: applications that act through the credential of the blueprint they were created from.

Source: learn.microsoft.com/entra/agent-id/identity-platform/agent-oauth-protocols. The client's own `client_id` is the
blueprint's; the credential names the agent.
"""

from __future__ import annotations

from mstoken.credentials.base import BaseCredential, joined_name, no_account
from mstoken.errors import UsageError
from mstoken.typed import TYPE_CHECKING
from mstoken.values import value

if TYPE_CHECKING:
    from mstoken.authority import Authority
    from mstoken.credentials.client import ClientCredential


@value
class FmiPath(BaseCredential):
    """An application that requests a token for one of its federated identities: client credentials with `fmi_path`."""

    client: ClientCredential
    fmi_path: str

    interactive = False
    acts_for_user = False
    can_bind_key = False
    needs_client_id = True
    serves_user_flows = False
    account_name = no_account

    def __post_init__(self) -> None:
        if not self.fmi_path:
            raise UsageError("The fmi_path is empty.", "Name the federated identity, as FmiPath(credential, path).")

    def cache_partition(self, authority: Authority) -> str:  # noqa: ARG002 - a path is compared as it is
        return f"fmi:{self.fmi_path}"


@value
class AgentIdentity(BaseCredential):
    """An agent that acts for itself: app-only tokens of the agent `agent_id`, with its blueprint's credential."""

    blueprint: ClientCredential
    agent_id: str

    interactive = False
    acts_for_user = False
    can_bind_key = False
    needs_client_id = True
    serves_user_flows = False

    def __post_init__(self) -> None:
        if not self.agent_id:
            raise UsageError("The agent id is empty.", "Give AgentIdentity the agent identity's application id.")

    def cache_partition(self, authority: Authority) -> str:
        return joined_name("agent", authority.normalized(self.agent_id))

    def account_name(self, authority: Authority, client_id: str) -> str:  # noqa: ARG002 - the agent is the account
        return self.cache_partition(authority)


@value
class AgentUser(BaseCredential):
    """An agent that acts as its own user account: delegated tokens. `username` (UPN) or `user_id` names the user."""

    agent: AgentIdentity
    username: str = ""
    user_id: str = ""

    interactive = False
    acts_for_user = True
    can_bind_key = False
    needs_client_id = True
    serves_user_flows = False

    def __post_init__(self) -> None:
        if bool(self.username) == bool(self.user_id):
            raise UsageError(
                "An agent's user needs either a username or a user_id.", "Give AgentUser one of them, and not both."
            )

    def cache_partition(self, authority: Authority) -> str:
        user = ("user", self.username) if self.username else ("user id", self.user_id)
        return joined_name(*map(authority.normalized, ("agent", self.agent.agent_id, *user)))

    def account_name(self, authority: Authority, client_id: str) -> str:  # noqa: ARG002 - the agent's user is
        return self.cache_partition(authority)
