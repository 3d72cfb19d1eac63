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


def access_claims(who: Principal, what: Access, stamp: Stamp) -> dict[str, Any]:
    """The claims of an access token, v1.0 or v2.0 as the resource's registration says."""
    wanted = optional_claims.read(what.resource.optional_claims)
    build = _v2 if what.resource.token_version == 2 else _v1
    claims = build(who, what, stamp, wanted)
    if what.capabilities:
        claims["xms_cc"] = list(what.capabilities)
    claims = {name: value for name, value in claims.items() if value is not None}
    extra = {name: value for name, value in optional_claims.values(wanted, who).items() if name not in claims}
    if who.app.blueprint:
        extra |= agent_claims(who)
    api = what.resource
    return in_order(claims, extra | membership_claims(who, api.app_id, api.group_claims, wanted, what.most_groups))


def in_order(claims: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """The claims with further ones at their alphabetical place."""
    if not extra:
        return dict(claims)
    merged = {**claims, **extra}
    first = list(claims)[:_FIRST]
    return {name: merged[name] for name in [*first, *sorted(merged.keys() - set(first))]}


def _v1(who: Principal, what: Access, stamp: Stamp, wanted: Wanted) -> dict[str, Any]:
    wants, user = wanted.names, who.user
    audience = what.resource.app_id if wanted.has("aud", "use_guid") else what.audience
    claims: dict[str, Any] = {"aud": audience, **stamp.times}
    if user:
        claims["acct"] = (1 if who.foreign else 0) if "acct" in wants else None
        claims["acr"] = "1"
        claims["acrs"] = list(what.contexts) if what.contexts or "acrs" in wants else None
    claims["aio"] = _aio(who.amr) if user else opaque(_AIO_SIZE)
    if user:
        claims["amr"] = list(who.amr)
    claims["app_displayname"] = who.app.name if "app_displayname" in wants else None
    claims["appid"] = who.app.id
    claims["appidacr"] = who.proof
    if user:
        # An application that is an API gets names in its v1.0 tokens; of Microsoft's APIs some do.
        names = "names" in wants or bool(what.resource.registered)
        _describe_user(claims, who, stamp, names=names)
    else:
        claims["idp"] = f"{stamp.sts}{who.tenant.id}/"
    claims["idtyp"] = _idtyp(who, wanted)
    if user:
        claims["ipaddr"] = who.address
        claims["name"] = user.name
    claims["oid"] = who.object_id
    claims["puid"] = f"1003{_digest(user.id).hex()[:12].upper()}" if user and "puid" in wants else None
    claims["rh"] = f"1.{opaque(32)}."
    claims["roles"] = _roles(who, what)
    claims["scp"] = " ".join(what.scopes) if user else None
    claims["sub"] = pairwise(user, what.resource.app_id) if user else who.object_id
    claims["tid"] = who.tenant.id
    if user:
        claims["unique_name"] = f"{LIVE}#{user.upn}" if who.from_live else user.upn
        claims["upn"] = None if who.foreign else user.upn
    return claims | _closing(who, "1.0", wids="wids" in wants or _by_setting(who, what))


def _describe_user(claims: dict[str, Any], who: Principal, stamp: Stamp, *, names: bool) -> None:
    if who.foreign and who.user and who.home:
        claims["email"] = who.user.mail or who.user.upn
        claims["idp"] = _idp(who, stamp)
    if names and who.user:
        claims["family_name"] = who.user.family_name or None
        claims["given_name"] = who.user.given_name or None


def _idp(who: Principal, stamp: Stamp) -> str | None:
    """The identity provider of a guest: the home tenant, or Microsoft's service for personal accounts."""
    if who.from_live:
        return LIVE
    return f"{stamp.sts}{who.home.id}/" if who.foreign and who.home else None


def _idtyp(who: Principal, wanted: Wanted) -> str | None:
    """`app` in an application's own token; `user` in another one only where the API asks for that too."""
    if "idtyp" not in wanted.names:
        return None
    if who.user is None:
        return "app"
    return "user" if wanted.has("idtyp", "include_user_token") else None


def _roles(who: Principal, what: Access) -> list[str] | None:
    """Application permissions in an application's token, the user's own roles at the API in a user's."""
    return list(user_roles(who, what.resource.app_id) if who.user else what.roles) or None


def _v2(who: Principal, what: Access, stamp: Stamp, wanted: Wanted) -> dict[str, Any]:
    user = who.user
    claims: dict[str, Any] = {"aud": what.resource.app_id, **stamp.times}
    claims["acrs"] = list(what.contexts) or None
    claims["aio"] = _aio(who.amr) if user else opaque(_AIO_SIZE)
    claims["azp"] = who.app.id
    claims["azpacr"] = who.proof
    claims["idp"] = _idp(who, stamp)
    claims["idtyp"] = _idtyp(who, wanted)
    if user:
        claims["name"] = user.name
    claims["oid"] = who.object_id
    if user:
        claims["preferred_username"] = user.upn
    claims["rh"] = f"1.{opaque(32)}."
    claims["roles"] = _roles(who, what)
    claims["scp"] = " ".join(what.scopes) if user else None
    claims["sub"] = pairwise(user, what.resource.app_id) if user else who.object_id
    claims["tid"] = who.tenant.id
    return claims | _closing(who, "2.0", wids=_by_setting(who, what))


def _by_setting(who: Principal, what: Access) -> bool:
    """Whether the API's groupMembershipClaims ask for the user's directory roles."""
    return who.user is not None and with_directory_roles(what.resource.group_claims)


def _closing(who: Principal, version: str, *, wids: bool) -> dict[str, Any]:
    ids = [*role_ids(who.roles), _EVERY_USER] if who.user else [_EVERY_APP]
    return {
        "uti": opaque(16),
        "ver": version,
        "wids": ids if wids else None,
        "xms_ftd": opaque(32),
    }


_AIO_SIZE = 48


def _aio(amr: tuple[str, ...]) -> str:
    """An opaque claim in which Entra records data for its own use: here how the user signed in."""
    recorded = b"\0" + ",".join(amr).encode()
    return base64url(os.urandom(max(_AIO_SIZE - len(recorded), 8)).replace(b"\0", b"\1") + recorded)


def recorded_methods(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """How the user of an access token of ours had signed in, which v2.0 tokens do not say in `amr`."""
    text = from_base64url(str(claims.get("aio", ""))).rpartition(b"\0")[2].decode()
    return tuple(text.split(",")) if text else ()


def pairwise(user: User, audience: str) -> str:
    """`sub`: one user looks different to each application, and always the same to one."""
    return base64url(_digest(f"{user.id} {audience}"))


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
