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
    """What a kept token is good for."""

    FRESH = "fresh"
    STALE = "stale"  # still valid, and due for renewal
    EXPIRED = "expired"


@value
class Token:
    """An access token, in the shape of azure-core's `AccessTokenInfo`.

    `expires_on` and `refresh_on` are epoch seconds, UTC; `refresh_on` is when it should be renewed though still valid.
    `scope` is what the service says it granted, space separated; empty when it did not say. `got_on` is when it came,
    by this machine's clock: where that is to come, the clock was set back, and nobody can say when the token ends.
    """

    token: str = field(repr=False)
    expires_on: int
    token_type: str = "Bearer"
    refresh_on: int | None = None
    scope: str = ""
    got_on: int | None = field(default=None, repr=False, compare=False)

    def freshness(self, now: float, min_ttl: float = 0) -> Freshness:
        """Judge the token at `now` (epoch seconds) for a caller who needs `min_ttl` more seconds of life."""
        if self.expires_on - now < max(min_ttl, LEEWAY_IN):
            return Freshness.EXPIRED
        due = self.refresh_on is not None and now >= self.refresh_on
        return Freshness.STALE if due or now < self.good_from else Freshness.FRESH

    @property
    def good_from(self) -> float:
        """Before this (epoch seconds) the clock was set back since the token came; 0 where that is not known."""
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
    """A kept refresh token: the one to use, and the one before it until the new one has proved to work."""

    current: str = field(secret=True)
    previous: str = field(default="", secret=True)
    ended_by: int = 0
    """The AADSTS code with which the service ended it for good; 0 while it may be used."""
    authority: str = field(default="", compare=False)
    """The origin it came from, and may be sent to; '' where that is not known."""


@value
class TokenInfo:
    """Whose token it is and where it is good, for people to read and choose by; nothing secret. Empty where unknown.

    `account` is the name a sign-in is kept under, `scope` what was asked for, space separated. `username` is the user
    who signed in, as the sign-in said; it chooses nothing.
    """

    authority: str = ""
    tenant: str = ""
    client_id: str = ""
    account: str = ""
    scope: str = ""
    username: str = ""

    def covers(self, other: TokenInfo) -> bool:
        """Whether `other` has every value that is given here; a scope here is a resource, which `other`'s begin with.

        Letter case counts where `other` comes from a standard OAuth server (RFC 6749 section 3.3), not at Entra.
        """
        normalized = str if urlsplit(other.authority).path else str.lower  # `Authority.base_url` of Entra has no path
        names = ("authority", "tenant", "client_id", "account")
        pairs = [(getattr(self, name), getattr(other, name)) for name in names]
        same = all(not mine or normalized(mine) == normalized(theirs) for mine, theirs in pairs)
        resource = normalized(self.scope)
        return same and (not resource or any(scope.startswith(resource) for scope in normalized(other.scope).split()))


@value
class TokenRequest:
    """One question for a token, complete: whoever asks it anywhere gets the same answer.

    `claims` is JSON text of a claims challenge, or empty. `key_id` is the thumbprint of the key that the token is to be
    bound to (RFC 7638), empty for a bearer token. `min_ttl` is the life the caller needs, in seconds; `fresh`
    asks the service even if a token is kept. `timeout_in` is how long the whole answer may take, in seconds;
    `deadline_on` is when that time is over (epoch seconds), once the question is being asked, else 0. `profile` names
    the profile that says who asks, '' for none: it decides nothing and completes the commands of remedies. `silent`:
    no person is to be asked, as the token that is kept still serves.
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
