"""The claims of access tokens, in Entra's order.

Source: learn.microsoft.com/entra/identity-platform/access-token-claims-reference. The claims that it calls opaque (aio,
rh, uti, xms_ftd) are random here.
"""

import hashlib
import os
from collections.abc import Mapping
from typing import Any

from entra_emulator.ids import base64url, from_base64url, opaque
from entra_emulator.model import User

from . import optional_claims
from .agents import agent_claims
from .directory_roles import role_ids
from .memberships import membership_claims, user_roles, with_directory_roles
from .optional_claims import Wanted
from .principals import Access, Principal, Stamp

BACKDATED_IN = 300  # Entra dates tokens five minutes back, for clocks that are late
_EVERY_USER = "b79fbf4d-3ef9-4689-8143-76b194e85509"
_EVERY_APP = "0997a1d0-0d1d-4acb-b408-d5ca73121e90"
LIVE = "live.com"


_FIRST = 5  # aud, iss, iat, nbf, exp; the others follow in alphabetical order


def access_claims(principal: Principal, access: Access, stamp: Stamp) -> dict[str, Any]:
    """Return the claims of an access token, v1.0 or v2.0 as the resource's registration says."""
    wanted = optional_claims.parse(access.resource.optional_claims)
    build = _v2 if access.resource.token_version == 2 else _v1
    claims = build(principal, access, stamp, wanted)
    if access.capabilities:
        claims["xms_cc"] = list(access.capabilities)
    claims = {name: value for name, value in claims.items() if value is not None}
    extra = {name: value for name, value in optional_claims.values(wanted, principal).items() if name not in claims}
    if principal.app.blueprint:
        extra |= agent_claims(principal)
    api = access.resource
    return in_order(
        claims, extra | membership_claims(principal, api.app_id, api.group_claims, wanted, access.most_groups)
    )


def in_order(claims: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return the claims with further ones in alphabetical order."""
    if not extra:
        return dict(claims)
    merged = {**claims, **extra}
    first = list(claims)[:_FIRST]
    return {name: merged[name] for name in [*first, *sorted(merged.keys() - set(first))]}


def _v1(principal: Principal, access: Access, stamp: Stamp, wanted: Wanted) -> dict[str, Any]:
    wants, user = wanted.names, principal.user
    audience = access.resource.app_id if wanted.has("aud", "use_guid") else access.audience
    claims: dict[str, Any] = {"aud": audience, **stamp.times}
    if user:
        claims["acct"] = (1 if principal.foreign else 0) if "acct" in wants else None
        claims["acr"] = "1"
        claims["acrs"] = list(access.contexts) if access.contexts or "acrs" in wants else None
    claims["aio"] = _aio(principal.amr) if user else opaque(_AIO_SIZE)
    if user:
        claims["amr"] = list(principal.amr)
    claims["app_displayname"] = principal.app.name if "app_displayname" in wants else None
    claims["appid"] = principal.app.id
    claims["appidacr"] = principal.proof
    if user:
        # An application that is an API gets names in its v1.0 tokens; of Microsoft's APIs some do.
        names = "names" in wants or bool(access.resource.registered)
        _describe_user(claims, principal, stamp, names=names)
    else:
        claims["idp"] = f"{stamp.sts}{principal.tenant.id}/"
    claims["idtyp"] = _idtyp(principal, wanted)
    if user:
        claims["ipaddr"] = principal.address
        claims["name"] = user.name
    claims["oid"] = principal.object_id
    claims["puid"] = f"1003{_digest(user.id).hex()[:12].upper()}" if user and "puid" in wants else None
    claims["rh"] = f"1.{opaque(32)}."
    claims["roles"] = _roles(principal, access)
    claims["scp"] = " ".join(access.scopes) if user else None
    claims["sub"] = pairwise(user, access.resource.app_id) if user else principal.object_id
    claims["tid"] = principal.tenant.id
    if user:
        claims["unique_name"] = f"{LIVE}#{user.upn}" if principal.from_live else user.upn
        claims["upn"] = None if principal.foreign else user.upn
    return claims | _closing(principal, "1.0", wids="wids" in wants or _by_setting(principal, access))


def _describe_user(claims: dict[str, Any], principal: Principal, stamp: Stamp, *, names: bool) -> None:
    if principal.foreign and principal.user and principal.home:
        claims["email"] = principal.user.mail or principal.user.upn
        claims["idp"] = _idp(principal, stamp)
    if names and principal.user:
        claims["family_name"] = principal.user.family_name or None
        claims["given_name"] = principal.user.given_name or None


def _idp(principal: Principal, stamp: Stamp) -> str | None:
    """Return the identity provider of a guest: the home tenant, or Microsoft's service for personal accounts."""
    if principal.from_live:
        return LIVE
    return f"{stamp.sts}{principal.home.id}/" if principal.foreign and principal.home else None


def _idtyp(principal: Principal, wanted: Wanted) -> str | None:
    """Return `app` for an application's own token; `user` for a user's token if the API requests that."""
    if "idtyp" not in wanted.names:
        return None
    if principal.user is None:
        return "app"
    return "user" if wanted.has("idtyp", "include_user_token") else None


def _roles(principal: Principal, access: Access) -> list[str] | None:
    """Return application permissions for an application's token, the user's own roles at the API for a user's."""
    return list(user_roles(principal, access.resource.app_id) if principal.user else access.roles) or None


def _v2(principal: Principal, access: Access, stamp: Stamp, wanted: Wanted) -> dict[str, Any]:
    user = principal.user
    claims: dict[str, Any] = {"aud": access.resource.app_id, **stamp.times}
    claims["acrs"] = list(access.contexts) or None
    claims["aio"] = _aio(principal.amr) if user else opaque(_AIO_SIZE)
    claims["azp"] = principal.app.id
    claims["azpacr"] = principal.proof
    claims["idp"] = _idp(principal, stamp)
    claims["idtyp"] = _idtyp(principal, wanted)
    if user:
        claims["name"] = user.name
    claims["oid"] = principal.object_id
    if user:
        claims["preferred_username"] = user.upn
    claims["rh"] = f"1.{opaque(32)}."
    claims["roles"] = _roles(principal, access)
    claims["scp"] = " ".join(access.scopes) if user else None
    claims["sub"] = pairwise(user, access.resource.app_id) if user else principal.object_id
    claims["tid"] = principal.tenant.id
    return claims | _closing(principal, "2.0", wids=_by_setting(principal, access))


def _by_setting(principal: Principal, access: Access) -> bool:
    """Return whether the API's groupMembershipClaims ask for the user's directory roles."""
    return principal.user is not None and with_directory_roles(access.resource.group_claims)


def _closing(principal: Principal, version: str, *, wids: bool) -> dict[str, Any]:
    ids = [*role_ids(principal.roles), _EVERY_USER] if principal.user else [_EVERY_APP]
    return {
        "uti": opaque(16),
        "ver": version,
        "wids": ids if wids else None,
        "xms_ftd": opaque(32),
    }


_AIO_SIZE = 48


def _aio(amr: tuple[str, ...]) -> str:
    """Return an opaque claim in which Entra records data for its own use: here how the user signed in."""
    recorded = b"\0" + ",".join(amr).encode()
    return base64url(os.urandom(max(_AIO_SIZE - len(recorded), 8)).replace(b"\0", b"\1") + recorded)


def recorded_methods(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """Return how the user of one of the emulator's access tokens signed in; v2.0 tokens have no `amr`."""
    text = from_base64url(str(claims.get("aio", ""))).rpartition(b"\0")[2].decode()
    return tuple(text.split(",")) if text else ()


def pairwise(user: User, audience: str) -> str:
    """Return `sub`, which differs between applications and is always the same for one user and one application."""
    return base64url(_digest(f"{user.id} {audience}"))


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
