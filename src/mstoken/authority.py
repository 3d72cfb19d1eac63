"""Authorities: who issues tokens.

Sources: learn.microsoft.com/entra/identity-platform/msal-client-application-configuration (authority);
learn.microsoft.com/azure/active-directory-b2c/b2clogin and .../custom-domain for user flows;
learn.microsoft.com/entra/external-id/customers/concept-supported-features-customers for External ID.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from mstoken.errors import UsageError
from mstoken.redaction import shown
from mstoken.urls import check_url, origin_of, path_of, redacted_url
from mstoken.values import value

_LONGEST_TENANT = 255
_EXTERNAL_ID = ".ciamlogin.com"
_B2C = (".b2clogin.com", ".b2clogin.cn", ".b2clogin.us", ".b2clogin.de")
"""The domains in which Azure AD B2C gives each tenant a host: of the public cloud, China, US Government, Germany."""
_GUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_POLICY = "b2c_1"
"""How the name of every user flow (`B2C_1_`) and custom policy (`B2C_1A_`) begins; B2C adds it itself."""


@value
class Authority:
    """Who issues the token: an origin and a tenant, or the token endpoint of a standard OAuth 2.0 server.

    `tenant` is a GUID, a domain, or `common`, `organizations`, `consumers`. `token_url` is the token endpoint of a
    standard server, used as it is. `tenant_unknown` means that only the token tells the tenant, as with a managed
    identity. `policy` is the user flow or custom policy of Azure AD B2C, which has endpoints and tokens of its own.
    Raises UsageError for what cannot be an authority.
    """

    origin: str
    tenant: str
    token_url: str = ""
    tenant_unknown: bool = False
    policy: str = ""

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
        """The authority of `tenant` at a sign-in host, such as `login.microsoftonline.com` or `https://localhost:8443`.

        The host of an External ID tenant (`https://contoso.ciamlogin.com`) and the authority of a user flow
        (`https://contoso.b2clogin.com/contoso.onmicrosoft.com/B2C_1_susi`) name the tenant, so `tenant` may be empty.
        """
        return cls._parse(host, tenant.strip())

    @classmethod
    def _parse(cls, host: str, tenant: str, *, tenant_unknown: bool = False) -> Authority:
        origin, named, policy = _customers(host)
        if not named:
            return cls(_login_origin(host, tenant), tenant, tenant_unknown=tenant_unknown)
        if tenant and _differs(tenant, named, host):
            raise UsageError(
                f"The authority {redacted_url(host)!r} names the tenant {named}, the setting {shown(tenant, 100)}.",
                "Leave the tenant out, or write the same one in both.",
            )
        return cls(origin, named if policy or not tenant else tenant, policy=policy)

    @classmethod
    def without_tenant(cls, host: str) -> Authority:
        """The authority at a sign-in host whose tenant only the token tells: for a managed identity or a chain.

        A host that names its tenant gives the authority of that tenant.
        """
        return cls._parse(host, "", tenant_unknown=True)

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
        return self.token_url or self.endpoint("token")

    def endpoint(self, name: str) -> str:
        """The URL of an endpoint: `token`, `authorize` or `devicecode`. A standard OAuth server has none of these."""
        return f"{self.url}/oauth2/v2.0/{name}"

    @property
    def url(self) -> str:
        """The authority as MSAL writes it, with tenant and policy; the token endpoint of a standard OAuth server."""
        return self.token_url or f"{self.origin}/{self.tenant}" + (f"/{self.policy}" if self.policy else "")

    @property
    def knows_services(self) -> bool:
        """Whether Microsoft's services have tokens here: neither at a standard OAuth server nor from a user flow."""
        return not (self.token_url or self.policy)

    @property
    def external(self) -> bool:
        """Whether this is the host of an External ID tenant."""
        return self.origin.endswith(_EXTERNAL_ID)

    @property
    def base_url(self) -> str:
        """The authority without the tenant, as stores keep it: Entra's origin, or the token endpoint's URL.

        Scheme and host are in lower case; the path keeps its own, where letter case counts (RFC 3986 section 6.2.2.1).
        Of a user flow it is the whole authority in lower case: its sign-ins and tokens are its own.
        """
        if self.policy:
            return self.url.lower()
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
        """The same authority for another tenant. A standard OAuth server has no tenants and stays the same.

        Raises UsageError for a user flow, which belongs to one tenant.
        """
        if self.policy and tenant.lower() != self.tenant.lower():
            raise UsageError(
                f"The user flow {self.policy} belongs to the tenant {self.tenant}, not to {shown(tenant, 100)}.",
                "Leave the tenant out, or name the user flow of the other tenant in the authority.",
            )
        if self.token_url or self.policy:
            return self
        return Authority(self.origin, tenant, tenant_unknown=self.tenant_unknown)


def tenant_in(authority: str) -> str:
    """The tenant that an authority names by itself, '' if it is a setting of its own. Raises UsageError."""
    return _customers(authority)[1]


def names_user_flow(authority: str) -> bool:
    """Whether an authority is a user flow of Azure AD B2C. Raises UsageError."""
    return bool(_customers(authority)[2])


def _customers(text: str) -> tuple[str, str, str]:
    """Read an authority of External ID or B2C: origin, tenant, policy. The tenant is '' for any other authority.

    Raises UsageError for one that names no user flow, and for a path that is understood in no way.
    """
    path = path_of(text)
    parts = path.partition("?")[0].strip("/").split("/")
    host = _host(text)
    flow = _user_flow(host, parts)
    if flow is None and not host.endswith(_EXTERNAL_ID):
        return "", "", ""
    origin = origin_of(text, "The authority")
    if flow is not None:
        return origin, *_tenant_and_policy(text, host, flow)
    named = [part for part in parts if part.lower() != "v2.0"]
    if path.strip("/") and ("?" in path or "#" in path or len(named) > 1 or not _is_tenant(named[0] if named else "")):
        raise UsageError(
            f"The authority {redacted_url(text)!r} has more than a tenant after the host, which would be lost.",
            f"Write {origin}/ or {origin}/TENANT",
        )
    name = host.partition(".")[0]
    return origin, named[0] if path.strip("/") else name if re.fullmatch(_GUID, name) else f"{name}.onmicrosoft.com", ""


def _user_flow(host: str, parts: list[str]) -> list[str] | None:
    """Return the path of a user flow without `tfp` and the version; None for a path that is not one's.

    Custom domains are recognized by `tfp` or by the policy's name, as in MSAL.
    """
    names = [part for part in parts if part]
    begins = [name.lower() for name in names[:1]] == ["tfp"]
    if not (host.endswith(_B2C) or begins or any(map(_is_policy, names[1:2]))):
        return None
    return [name for name in names[begins:] if name.lower() != "v2.0"]


def _tenant_and_policy(text: str, host: str, names: list[str]) -> tuple[str, str]:
    """Return tenant and policy. Raises UsageError, which says what to write."""
    path = path_of(text)
    if len(names) == 2 and _is_tenant(names[0]) and _is_policy(names[1]) and not {"?", "#"} & set(path):
        return names[0], names[1]
    known = f"{host.partition('.')[0]}.onmicrosoft.com" if host.endswith(_B2C) else "TENANT"
    tenant = next((name for name in names[:1] if _is_tenant(name) and not _is_policy(name)), known)
    query = re.search(r"[?&]p=([\w.-]+)", path, re.IGNORECASE)
    policy = next((name for name in [*names, query[1] if query else ""] if _is_policy(name)), "")
    if not policy and len(names) == 2 and _is_policy(f"{_POLICY}_{names[1]}"):
        policy = f"B2C_1_{names[1]}"
    example = f"{origin_of(text, 'The authority')}/{tenant}/{policy or 'B2C_1_NAME'}"
    shown_text = redacted_url(text)
    if policy:
        raise UsageError(
            f"The authority {shown_text!r} is not a tenant and a user flow of Azure AD B2C.", f"Did you mean {example}?"
        )
    raise UsageError(
        f"The authority {shown_text!r} names no user flow of Azure AD B2C.",
        f"Write tenant and user flow (or custom policy) after the host: {example}. Tokens for Microsoft's own APIs are "
        f"not a user flow's: for those, the authority is https://login.microsoftonline.com with the tenant {tenant}.",
    )


def _is_policy(text: str) -> bool:
    return bool(re.fullmatch(rf"{_POLICY}a?_[\w.-]+", text, re.IGNORECASE | re.ASCII)) and len(text) <= _LONGEST_TENANT


def _differs(tenant: str, named: str, host: str) -> bool:
    """Return whether a tenant in the settings contradicts the authority. An External ID host alone says only a name."""
    return tenant.lower() != named.lower() and bool(path_of(host).strip("/"))


def _host(text: str) -> str:
    rest = text.strip().partition("://")[2] or text.strip()
    return re.split(r"[/?#:]", rest, maxsplit=1)[0].lower().removesuffix(".")


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
    if _is_tenant(path):
        raise UsageError(message, f"The tenant is a setting of its own: tenant {path}, authority {origin}")
    raise UsageError(message, f"Write {origin}, or give the token endpoint of a standard OAuth server in full.")
