"""Authorities: who issues tokens."""

from __future__ import annotations

from urllib.parse import urlsplit

from mstoken.errors import UsageError
from mstoken.redaction import shown
from mstoken.urls import check_url, origin_of, path_of, redacted_url
from mstoken.values import value

_LONGEST_TENANT = 255


@value
class Authority:
    """Who issues the token: an origin and a tenant, or the token endpoint of a standard OAuth 2.0 server.

    `tenant` is a GUID, a domain, or `common`, `organizations`, `consumers`. `token_url` is the token endpoint of a
    standard server, used as it is. `tenant_unknown` means that only the token tells the tenant, as with a managed
    identity. Raises UsageError for what cannot be an authority.
    """

    origin: str
    tenant: str
    token_url: str = ""
    tenant_unknown: bool = False

    def __post_init__(self) -> None:
        if self.tenant_unknown and not self.tenant:
            return
        if not self.token_url and not _is_tenant(self.tenant):
            raise UsageError(
                f"{shown(self.tenant, 100)!r} is not a tenant." if self.tenant else "No tenant was given.",
                "Give a tenant id (a GUID) or a domain such as contoso.onmicrosoft.com.",
            )

    @classmethod
    def of(cls, host: str, tenant: str) -> Authority:
        """The authority of `tenant` at a sign-in host, such as `login.microsoftonline.com` or `https://localhost:8443`."""
        return cls(_login_origin(host, tenant.strip()), tenant.strip())

    @classmethod
    def without_tenant(cls, host: str) -> Authority:
        """The authority at a sign-in host whose tenant only the token tells: for a managed identity or a chain."""
        return cls(_login_origin(host, ""), "", tenant_unknown=True)

    @classmethod
    def oauth(cls, token_endpoint: str) -> Authority:
        """A standard OAuth 2.0 server, by the URL of its token endpoint (RFC 6749 section 3.2)."""
        url = token_endpoint.strip()
        check_url(url, "The token endpoint")  # RFC 6749 section 3.2: it has no fragment
        origin = origin_of(url, "The token endpoint")
        if "://" not in url:
            raise UsageError(f"The token endpoint {url!r} is not a URL.", f"Write the whole URL: https://{url}")
        return cls(origin, "", url)

    @property
    def token_endpoint(self) -> str:
        """Where token requests go: learn.microsoft.com/entra/identity-platform/v2-protocols."""
        return self.token_url or f"{self.origin}/{self.tenant}/oauth2/v2.0/token"

    @property
    def base_url(self) -> str:
        """The authority without the tenant, as stores keep it: Entra's origin, or the token endpoint's URL.

        Scheme and host are in lower case; the path keeps its own, where letter case counts (RFC 3986 section 6.2.2.1).
        """
        if not self.token_url:
            return self.origin
        parts = urlsplit(self.token_url)
        return f"{self.origin}{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"

    def normalized(self, text: str) -> str:
        """A tenant, client id, user name or scope in the spelling in which it is compared.

        Entra ignores letter case. At a standard OAuth server it counts (RFC 6749 section 3.3 for scopes).
        """
        return text if self.token_url else text.lower()

    def for_tenant(self, tenant: str) -> Authority:
        """The same authority for another tenant. A standard OAuth server has no tenants and stays the same."""
        return self if self.token_url else Authority(self.origin, tenant, tenant_unknown=self.tenant_unknown)


def _is_tenant(text: str) -> bool:
    """Letters, digits, dots and dashes, with neither of the last two at an end: a GUID, a domain or a word."""
    inner = text.replace(".", "").replace("-", "")
    ends = f"{text[:1]}{text[-1:]}"
    return inner.isascii() and inner.isalnum() and ends.isalnum() and len(text) <= _LONGEST_TENANT


def _login_origin(host: str, tenant: str) -> str:
    """The origin of a sign-in host. Its path may repeat the tenant, as MSAL's authorities do; another would be lost.

    Raises UsageError that says where the path belongs.
    """
    origin, path = origin_of(host, "The authority"), path_of(host).strip("/")
    if not path or path.lower() == tenant.lower():
        return origin
    message = f"The authority {redacted_url(host)!r} has a path, which would be lost."
    if path.partition("/")[0].lower() == "adfs":
        raise UsageError(message, f"AD FS is not Entra: give its token endpoint, {origin}/adfs/oauth2/token.")
    if "/b2c_1" in f"/{path.lower()}":
        policy = path.removesuffix("/v2.0").partition("/oauth2")[0]
        raise UsageError(message, f"For a B2C policy, give its token endpoint, {origin}/{policy}/oauth2/v2.0/token.")
    if _is_tenant(path):
        raise UsageError(message, f"The tenant is a setting of its own: tenant {path}, authority {origin}")
    raise UsageError(message, f"Write {origin}, or give the token endpoint of a standard OAuth server in full.")
