"""On-behalf-of: a web API that calls another API as the user who called it."""

from __future__ import annotations

from mstoken.errors import UsageError
from mstoken.typed import TYPE_CHECKING
from mstoken.values import field, value

if TYPE_CHECKING:
    from mstoken.credentials import AgentIdentity, ClientCredential


@value
class OnBehalfOf:
    """The user who called a web API (learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow).

    `assertion` is the access token the caller sent, `client` the web API's own credential; or an agent, which then acts
    for who called its blueprint (learn.microsoft.com/entra/agent-id/identity-platform/agent-on-behalf-of-oauth-flow).
    For work that outlives the call, give a `session_key` as well: the refresh token is then kept under it, and
    `OnBehalfOf(client=…, session_key=…)` goes on later without the caller's token. A session key stands for one user,
    and who knows it acts as that user: make it hard to guess, as `secrets.token_urlsafe()` does, and one for each user.
    """

    assertion: str = field(default="", repr=False)
    client: ClientCredential | AgentIdentity | None = None
    session_key: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if not self.assertion and not self.session_key:
            raise UsageError(
                "On-behalf-of has neither a user's token nor a session.",
                "Give OnBehalfOf the access token your API was called with, or the session_key of a session begun.",
            )
        if self.client is None:
            raise UsageError(
                "On-behalf-of needs the web API's own credential.", "Give OnBehalfOf a client, such as ClientSecret."
            )
