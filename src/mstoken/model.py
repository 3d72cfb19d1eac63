"""The values that all packages share. They are frozen, and secrets never show in a repr."""

from __future__ import annotations

from enum import Enum
from urllib.parse import urlsplit

from mstoken.typed import TYPE_CHECKING
from mstoken.values import field, value

if TYPE_CHECKING:
    from mstoken.authority import Authority
    from mstoken.credentials import Credential

LEEWAY_IN = 60
"""A token with less life than this, in seconds, is treated as expired: clocks differ and requests take time."""

TIMEOUT_IN = 30.0
"""How long a call may take, in seconds, when nothing else is said."""

SET_BACK_IN = 300
"""A clock that is behind by no more than this, in seconds, was not set back: machines that share a store may differ."""


class Freshness(Enum):
    """The state of a cached token."""

    FRESH = "fresh"
    STALE = "stale"  # still valid, and due for renewal
    EXPIRED = "expired"


@value
class Token:
    """An access token, in the shape of azure-core's `AccessTokenInfo`.

    `expires_on` and `refresh_on` are epoch seconds, UTC; from `refresh_on` on the token should be renewed although it
    is still valid. `scope` is the granted scope by the response, separated by spaces; empty if the response has none.
    `got_on` is when the token was received, by this machine's clock: if that is in the future, the clock was set back,
    and the expiry is unknown.
    """

    token: str = field(repr=False)
    expires_on: int
    token_type: str = "Bearer"
    refresh_on: int | None = None
    scope: str = ""
    got_on: int | None = field(default=None, repr=False, compare=False)

    def freshness(self, now: float, min_ttl: float = 0) -> Freshness:
        """Return the token's state at `now` (epoch seconds) for a caller that needs it for `min_ttl` more seconds."""
        if self.expires_on - now < max(min_ttl, LEEWAY_IN):
            return Freshness.EXPIRED
        due = self.refresh_on is not None and now >= self.refresh_on
        return Freshness.STALE if due or now < self.good_from else Freshness.FRESH

    @property
    def good_from(self) -> float:
        """If the time (epoch seconds) is before this, the clock was set back since the token arrived; 0 if unknown."""
        return 0 if self.got_on is None else self.got_on - SET_BACK_IN


@value
class Note:
    """A text that all callers of a store share for a limited time, such as a pause after a 429. Never a secret.

    `written_on` and `expires_on` are epoch seconds, UTC.
    """

    text: str
    written_on: int
    expires_on: int


@value
class StoredRefreshToken:
    """A stored refresh token: the current one, and the previous one until the current one has worked."""

    current: str = field(secret=True)
    previous: str = field(default="", secret=True)
    ended_by: int = 0
    """The AADSTS code with which the service ended it for good; 0 while it may be used."""
    authority: str = field(default="", compare=False)
    """The origin it came from, and may be sent to; '' where that is not known."""


@value
class TokenInfo:
    """Account and scope of a token, for lists and filters; nothing secret. Empty if unknown.

    `account` is the name of the stored sign-in, `scope` the requested scope, separated by spaces. `username` is the
    signed-in user, for display only.
    """

    authority: str = ""
    tenant: str = ""
    client_id: str = ""
    account: str = ""
    scope: str = ""
    username: str = ""

    def covers(self, other: TokenInfo) -> bool:
        """Return whether `other` has every value that is set here. A scope here is a resource: `other`'s scopes begin
        with it.

        Letter case counts if `other` comes from a standard OAuth server (RFC 6749 section 3.3), but not at Entra ID.
        """
        path = urlsplit(other.authority).path  # `Authority.base_url` of Entra has none, that of a user flow its name
        normalized = str if path and "/b2c_1" not in path else str.lower
        names = ("authority", "tenant", "client_id", "account")
        pairs = [(getattr(self, name), getattr(other, name)) for name in names]
        same = all(not wanted or normalized(wanted) == normalized(actual) for wanted, actual in pairs)
        resource = normalized(self.scope)
        return same and (not resource or any(scope.startswith(resource) for scope in normalized(other.scope).split()))


@value
class TokenRequest:
    """A complete request for a token: equal requests have the same result.

    `claims` is the JSON text of a claims challenge, or empty. `key_id` is the thumbprint of the key that the token is
    bound to (RFC 7638), empty for a bearer token. `min_ttl` is the validity that the caller needs, in seconds; `fresh`
    sends a request even if a token is cached. `timeout_in` is the time limit of the whole call, in seconds;
    `deadline_on` is its end (epoch seconds), 0 before the call starts. `profile` names the profile of the client, ''
    for none; it only completes the commands of remedies. `silent`: the user must not be prompted, because the cached
    token is still valid.
    """

    authority: Authority
    client_id: str
    credential: Credential
    scopes: tuple[str, ...]
    claims: str = ""
    enable_cae: bool = False
    key_id: str = ""
    min_ttl: float = 0
    fresh: bool = False
    timeout_in: float = TIMEOUT_IN
    deadline_on: float = field(default=0, compare=False)
    profile: str = field(default="", compare=False)
    silent: bool = field(default=False, compare=False)
