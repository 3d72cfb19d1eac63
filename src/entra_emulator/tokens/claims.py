"""The claims of access tokens, in the order Entra puts them.

Source: learn.microsoft.com/entra/identity-platform, "Access token claims reference";
what is not described there (aio, rh, uti, xms_…) is opaque to clients and here random.
"""

import functools
import hashlib
import tomllib
from dataclasses import dataclass, field
from importlib import resources as files
from typing import Any

from entra_emulator.ids import base64url, opaque
from entra_emulator.model import App, Tenant, User
from entra_emulator.resources import Resource

BACKDATED_IN = 300  # Entra dates tokens five minutes back, for clocks that are late
_EVERY_USER = "b79fbf4d-3ef9-4689-8143-76b194e85509"
_EVERY_APP = "0997a1d0-0d1d-4acb-b408-d5ca73121e90"
LIVE = "live.com"


@dataclass(frozen=True)
class Principal:
    """Who a token speaks for: an application in a tenant, or a user through it.

    `proof`: how the application showed who it is: "0" not at all, "1" secret, "2" certificate or assertion.
    `address`: the IP address the user came from.
    """

    tenant: Tenant
    app: App
    proof: str
    object_id: str
    user: User | None = None
    home: Tenant | None = None
    roles: list[str] = field(default_factory=list)
    amr: tuple[str, ...] = ()
    address: str = ""

    @property
    def foreign(self) -> bool:
        """Whether the user comes from another tenant."""
        return bool(self.home and self.home.id != self.tenant.id)

    @property
    def from_live(self) -> bool:
        """Whether the user is a guest with a personal account."""
        return bool(self.foreign and self.home and self.home.personal)


@dataclass(frozen=True)
class Access:
    """What an access token allows: `scp` for users, `roles` for applications, at `resource` named `audience`.

    `contexts`: authentication contexts that the sign-in has met (`acrs`).
    """

    resource: Resource
    audience: str
    scopes: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    contexts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stamp:
    """Who issues and when: `issuer` and `sts` (the base of identity providers' names), times in epoch seconds."""

    issuer: str
    sts: str
    issued_on: int
    expires_on: int

    @property
    def times(self) -> dict[str, Any]:
        """iss, iat, nbf, exp."""
        return {"iss": self.issuer, "iat": self.issued_on, "nbf": self.issued_on, "exp": self.expires_on}


def access_claims(who: Principal, what: Access, stamp: Stamp) -> dict[str, Any]:
    """The claims of an access token, v1.0 or v2.0 as the resource wants."""
    build = _v2 if what.resource.token_version == 2 else _v1
    claims = build(who, what, stamp)
    if what.capabilities:
        claims["xms_cc"] = list(what.capabilities)
    return {name: value for name, value in claims.items() if value is not None}


def _v1(who: Principal, what: Access, stamp: Stamp) -> dict[str, Any]:
    wants = what.resource.optional_claims
    user = who.user
    claims: dict[str, Any] = {"aud": what.audience, **stamp.times}
    if user:
        claims["acct"] = (1 if who.foreign else 0) if "acct" in wants else None
        claims["acr"] = "1"
        claims["acrs"] = list(what.contexts) if what.contexts or "acrs" in wants else None
    claims["aio"] = opaque(48)
    if user:
        claims["amr"] = list(who.amr)
    claims["app_displayname"] = who.app.name if "app_displayname" in wants else None
    claims["appid"] = who.app.id
    claims["appidacr"] = who.proof
    if user:
        _describe_user(claims, who, stamp, names="names" in wants)
    else:
        claims["idp"] = f"{stamp.sts}{who.tenant.id}/"
    claims["idtyp"] = ("user" if user else "app") if "idtyp" in wants else None
    if user:
        claims["ipaddr"] = who.address
        claims["name"] = user.name
    claims["oid"] = who.object_id
    claims["puid"] = f"1003{_digest(user.id).hex()[:12].upper()}" if user and "puid" in wants else None
    claims["rh"] = f"1.{opaque(32)}."
    claims["roles"] = list(what.roles) or None
    claims["scp"] = " ".join(what.scopes) if user else None
    claims["sub"] = pairwise(user, what.resource.app_id) if user else who.object_id
    claims["tid"] = who.tenant.id
    if user:
        claims["unique_name"] = f"{LIVE}#{user.upn}" if who.from_live else user.upn
        claims["upn"] = None if who.foreign else user.upn
    return claims | _closing(who, "1.0", wids="wids" in wants)


def _describe_user(claims: dict[str, Any], who: Principal, stamp: Stamp, *, names: bool) -> None:
    if who.foreign and who.user and who.home:
        claims["email"] = who.user.mail or who.user.upn
        claims["idp"] = _idp(who, stamp)
    if names and who.user:
        claims["family_name"] = who.user.family_name or None
        claims["given_name"] = who.user.given_name or None


def _idp(who: Principal, stamp: Stamp) -> str | None:
    """Who vouches for a guest: the home tenant, or Microsoft's own service for personal accounts."""
    if who.from_live:
        return LIVE
    return f"{stamp.sts}{who.home.id}/" if who.foreign and who.home else None


def _v2(who: Principal, what: Access, stamp: Stamp) -> dict[str, Any]:
    user = who.user
    claims: dict[str, Any] = {"aud": what.resource.app_id, **stamp.times}
    claims["acrs"] = list(what.contexts) or None
    claims["aio"] = opaque(48)
    claims["azp"] = who.app.id
    claims["azpacr"] = who.proof
    claims["idp"] = _idp(who, stamp)
    claims["idtyp"] = ("user" if user else "app") if "idtyp" in what.resource.optional_claims else None
    if user:
        claims["name"] = user.name
    claims["oid"] = who.object_id
    if user:
        claims["preferred_username"] = user.upn
    claims["rh"] = f"1.{opaque(32)}."
    claims["roles"] = list(what.roles) or None
    claims["scp"] = " ".join(what.scopes) if user else None
    claims["sub"] = pairwise(user, what.resource.app_id) if user else who.object_id
    claims["tid"] = who.tenant.id
    return claims | _closing(who, "2.0", wids=False)


def _closing(who: Principal, version: str, *, wids: bool) -> dict[str, Any]:
    ids = [*role_ids(who.roles), _EVERY_USER] if who.user else [_EVERY_APP]
    return {
        "uti": opaque(16),
        "ver": version,
        "wids": ids if wids else None,
        "xms_ftd": opaque(32),
    }


def pairwise(user: User, audience: str) -> str:
    """`sub`: one user looks different to each application, and always the same to one."""
    return base64url(_digest(f"{user.id} {audience}"))


@functools.cache
def role_templates() -> dict[str, str]:
    """Directory roles by name in lower case, with their template ids."""
    return {name.lower(): template for name, template in directory_roles().items()}


@functools.cache
def directory_roles() -> dict[str, str]:
    """Template ids of the directory roles by name, as data/roles.toml lists them."""
    return tomllib.loads(files.files("entra_emulator").joinpath("data/roles.toml").read_text(encoding="utf-8"))


def role_ids(roles: list[str]) -> list[str]:
    """Template ids of directory roles; what is no known name is taken to be an id."""
    return [role_templates().get(role.lower(), role) for role in roles]


def role_name(template: str) -> str:
    """The name of a directory role by its template id; empty for one that is not known."""
    return next((name for name, known in directory_roles().items() if known == template.lower()), "")


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
