"""The values everything else speaks in. Frozen; secrets never show in a repr."""

from __future__ import annotations

import re
from enum import Enum
from urllib.parse import urlsplit

from mstoken.errors import UsageError
from mstoken.typed import TYPE_CHECKING
from mstoken.urls import check_url, origin_of, path_of, shown_url
from mstoken.values import field, value

if TYPE_CHECKING:
    from mstoken.credentials import Credential

LEEWAY_IN = 60
"""A token with less life than this, in seconds, is treated as expired: clocks differ and requests take time."""

TIMEOUT_IN = 30.0
"""How long a call may take, in seconds, when nothing else is said."""

SET_BACK_IN = 300
"""A clock that is behind by no more than this, in seconds, was not set back: machines that share a store may differ."""

_TENANT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,253}[A-Za-z0-9])?")


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
class StoredRefreshToken:
    """A kept refresh token: the one to use, and the one before it until the new one has proved to work."""

    current: str = field(repr=False)
    previous: str = field(default="", repr=False)
    ended_by: int = 0
    """The AADSTS code with which the service ended it for good; 0 while it may be used."""
    authority: str = field(default="", compare=False)
    """The origin it came from, and may be sent to; '' where that is not known."""


@value
class TokenInfo:
    """Whose token it is and where it is good, for people to read and choose by; nothing secret. Empty where unknown.

    `account` is the name a sign-in is kept under, `scope` what was asked for, space separated.
    """

    authority: str = ""
    tenant: str = ""
    client_id: str = ""
    account: str = ""
    scope: str = ""

    def covers(self, other: TokenInfo) -> bool:
        """Whether `other` has every value that is given here; a scope here is a resource, which `other`'s begin with.

        Letter case counts where `other` comes from a standard OAuth server (RFC 6749 section 3.3), not at Entra.
        """
        spelled = str if urlsplit(other.authority).path else str.lower  # `Authority.place` of Entra has no path
        names = ("authority", "tenant", "client_id", "account")
        pairs = [(getattr(self, name), getattr(other, name)) for name in names]
        same = all(not mine or spelled(mine) == spelled(theirs) for mine, theirs in pairs)
        resource = spelled(self.scope)
        return same and (not resource or any(scope.startswith(resource) for scope in spelled(other.scope).split()))


@value
class Authority:
    """Who issues the token: an origin and a tenant, or any OAuth server's token endpoint.

    `tenant` is a GUID, a domain, or `common`, `organizations`, `consumers`. With `token_url` the authority is a
    standard OAuth 2.0 server and the URL is used as it is. `untold`: the tenant is only known by the token, as with a
    managed identity. Raises UsageError for what cannot be an authority.
    """

    origin: str
    tenant: str
    token_url: str = ""
    untold: bool = False

    def __post_init__(self) -> None:
        if self.untold and not self.tenant:
            return
        if not self.token_url and not _TENANT.fullmatch(self.tenant):
            raise UsageError(
                f"{self.tenant!r} is not a tenant." if self.tenant else "No tenant was given.",
                "Give a tenant id (a GUID) or a domain such as contoso.onmicrosoft.com.",
            )

    @classmethod
    def of(cls, host: str, tenant: str) -> Authority:
        """The authority of `tenant` at a login host such as `login.microsoftonline.com` or `https://localhost:8443`."""
        return cls(_login_origin(host, tenant.strip()), tenant.strip())

    @classmethod
    def of_any(cls, host: str) -> Authority:
        """An authority at a login host whose tenant is the token's own: of a managed identity, or a chain."""
        return cls(_login_origin(host, ""), "", untold=True)

    @classmethod
    def oauth(cls, token_endpoint: str) -> Authority:
        """A standard OAuth 2.0 server, by the URL of its token endpoint (RFC 6749 section 3.2)."""
        url = token_endpoint.strip()
        check_url(url, "The token endpoint")  # RFC 6749 section 3.2: it has no fragment
        origin = origin_of(url, "The token endpoint")
        if "://" not in url:
            raise UsageError(f"The token endpoint {url!r} is not a URL.", f"Write it whole: https://{url}")
        return cls(origin, "", url)

    @property
    def token_endpoint(self) -> str:
        """Where token requests go: learn.microsoft.com/entra/identity-platform/v2-protocols."""
        return self.token_url or f"{self.origin}/{self.tenant}/oauth2/v2.0/token"

    @property
    def place(self) -> str:
        """The authority without the tenant, as it is kept beside a token: Entra's origin, or a token endpoint's URL.

        Scheme and host are in lower case; the path keeps its own, where letter case counts (RFC 3986 section 6.2.2.1).
        """
        if not self.token_url:
            return self.origin
        parts = urlsplit(self.token_url)
        return f"{self.origin}{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"

    def spelled(self, text: str) -> str:
        """A tenant, client id, user name or scope in the spelling in which it is compared.

        Entra ignores letter case. At a standard OAuth server it counts (RFC 6749 section 3.3 for scopes).
        """
        return text if self.token_url else text.lower()

    def for_tenant(self, tenant: str) -> Authority:
        """The same authority for another tenant; a standard OAuth server has no tenants and stays itself."""
        return self if self.token_url else Authority(self.origin, tenant, untold=self.untold)


def _login_origin(host: str, tenant: str) -> str:
    """The origin of a login host. Its path may repeat the tenant, as MSAL's authorities do; another would be lost.

    Raises UsageError that says where the path belongs.
    """
    origin, path = origin_of(host, "The authority"), path_of(host).strip("/")
    if not path or path.lower() == tenant.lower():
        return origin
    message = f"The authority {shown_url(host)!r} has a path, which would be lost."
    if path.partition("/")[0].lower() == "adfs":
        raise UsageError(message, f"AD FS is not Entra: give its token endpoint, {origin}/adfs/oauth2/token.")
    if "/b2c_1" in f"/{path.lower()}":
        policy = path.removesuffix("/v2.0").partition("/oauth2")[0]
        raise UsageError(message, f"For a B2C policy, give its token endpoint, {origin}/{policy}/oauth2/v2.0/token.")
    if _TENANT.fullmatch(path):
        raise UsageError(message, f"The tenant is a setting of its own: tenant {path}, authority {origin}")
    raise UsageError(message, f"Write {origin}, or give the token endpoint of a standard OAuth server in full.")


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
