"""On-behalf-of: a web API that calls another API as the user who called it."""

from __future__ import annotations

from mstoken.credentials.agent import AgentIdentity
from mstoken.credentials.base import BaseCredential
from mstoken.errors import UsageError
from mstoken.fingerprints import fingerprint_of_text
from mstoken.typed import TYPE_CHECKING
from mstoken.values import field, value

if TYPE_CHECKING:
    from mstoken.authority import Authority
    from mstoken.credentials.client import ClientCredential


@value
class OnBehalfOf(BaseCredential):
    """The user who called a web API (learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow).

    `assertion` is the access token that the caller sent. `client` is the web API's own credential, or an agent, which
    then acts for the user who called its blueprint
    (learn.microsoft.com/entra/agent-id/identity-platform/agent-on-behalf-of-oauth-flow).

    For work that outlives the call, give a `session_key` too: the refresh token is stored under it, and
    `OnBehalfOf(client=…, session_key=…)` continues later without the caller's token. A session key stands for one
    user, and whoever knows it acts as that user: use a new unguessable one for each user, such as
    `secrets.token_urlsafe()`.
    """

    assertion: str = field(default="", secret=True)
    client: ClientCredential | AgentIdentity | None = None
    session_key: str = field(default="", secret=True)

    interactive = False
    acts_for_user = True
    can_bind_key = False
    needs_client_id = True
    serves_user_flows = False

    def __post_init__(self) -> None:
        if not self.assertion and not self.session_key:
            raise UsageError(
                "On-behalf-of needs a user's token or a session key.",
                "Give OnBehalfOf the access token that your API was called with, or the session_key of a session.",
            )
        if self.client is None:
            raise UsageError(
                "On-behalf-of needs the web API's own credential.", "Give OnBehalfOf a client, such as ClientSecret."
            )

    def cache_partition(self, authority: Authority) -> str:
        assertion = fingerprint_of_text(self.assertion) if self.assertion else ""
        session = fingerprint_of_text(self.session_key) if self.session_key else ""
        agent = f":{self.client.cache_partition(authority)}" if isinstance(self.client, AgentIdentity) else ""
        return f"on behalf of:{assertion}:{session}{agent}"

    def account_name(self, authority: Authority, client_id: str) -> str:  # noqa: ARG002 - a session key is enough
        """The account that stores the session's refresh token; of the session key only a fingerprint."""
        return f"session {fingerprint_of_text(self.session_key)}" if self.session_key else ""

    def acting_client_id(self, client_id: str) -> str:
        return self.client.agent_id if isinstance(self.client, AgentIdentity) else client_id
