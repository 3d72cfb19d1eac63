"""The claims of ID tokens, in Entra's order.

Sources: learn.microsoft.com/entra/identity-platform/id-token-claims-reference; for personal accounts the sample token
on the page "ID tokens" of that documentation; OpenID Connect Core section 3.3.2.11 for `at_hash` and `c_hash`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from entra_emulator.ids import base64url, opaque
from entra_emulator.model import User

from . import optional_claims
from .claims import in_order, pairwise
from .directory_roles import role_ids
from .memberships import JWT_LIMIT, membership_claims, user_roles, with_directory_roles
from .principals import Principal, Stamp

LIFE_IN = 3900
PERSONAL_LIFE_IN = 86_700


@dataclass(frozen=True)
class IdTokenRequest:
    """What a request says about its ID token.

    `oidc`: the OpenID scopes. `beside`: the hashes of what the authorization endpoint hands out in the same response.
    `most_groups`: how many groups fit.
    """

    oidc: frozenset[str] = frozenset()
    nonce: str | None = None
    beside: Mapping[str, str] = field(default_factory=dict)
    most_groups: int = JWT_LIMIT


def lifetime_in(who: Principal) -> int:
    """Seconds from `iat` to `exp`."""
    return PERSONAL_LIFE_IN if who.tenant.personal else LIFE_IN


def hashes(*, code: str = "", token: str = "") -> dict[str, str]:
    """`at_hash` and `c_hash` of what is handed out beside an ID token: the left half of the SHA-256, base64url."""
    given = {"at_hash": token, "c_hash": code}
    return {name: _half(value) for name, value in given.items() if value}


def _half(value: str) -> str:
    return base64url(hashlib.sha256(value.encode()).digest()[:16])


def _user(who: Principal) -> User:
    if who.user is None:
        raise ValueError("An ID token speaks of a user.")
    return who.user


def id_token_claims(who: Principal, stamp: Stamp, request: IdTokenRequest) -> dict[str, Any]:
    """The claims of a v2.0 ID token for the application itself."""
    user = _user(who)
    if who.tenant.personal:
        return _personal(who, user, stamp, request)
    full = "profile" in request.oidc
    claims: dict[str, Any] = {"aud": who.app.id, **stamp.times, "aio": opaque(48), **request.beside}
    claims["email"] = user.mail or None if "email" in request.oidc else None
    claims["idp"] = f"{stamp.sts}{who.home.id}/" if who.foreign and who.home else None
    claims["name"] = user.name if full else None
    claims["nonce"] = request.nonce
    claims["oid"] = who.object_id if full else None
    claims["preferred_username"] = user.upn if full else None
    claims["rh"] = f"1.{opaque(32)}."
    claims["sub"] = pairwise(user, who.app.id)
    claims["tid"] = who.tenant.id
    claims["uti"] = opaque(16)
    claims["ver"] = "2.0"
    return _completed(claims, who, request, request.oidc)


def _completed(
    claims: Mapping[str, Any], who: Principal, request: IdTokenRequest, oidc: frozenset[str] | None
) -> dict[str, Any]:
    """With the user's roles and groups, and the optional claims of the application's registration."""
    wanted, setting = optional_claims.read(tuple(who.app.id_token_claims)), who.app.group_claims
    found = {name: value for name, value in claims.items() if value is not None}
    extra = {name: value for name, value in optional_claims.values(wanted, who, oidc).items() if name not in found}
    if roles := user_roles(who, who.app.id):
        extra["roles"] = list(roles)
    if who.sid and who.app.logout_url:
        extra["sid"] = who.sid
    if with_directory_roles(setting):
        extra["wids"] = role_ids(who.roles)
    return in_order(found, extra | membership_claims(who, who.app.id, setting, wanted, request.most_groups))


def _personal(who: Principal, user: User, stamp: Stamp, request: IdTokenRequest) -> dict[str, Any]:
    """Another service signs personal accounts in, and writes its tokens in another order."""
    full, times = "profile" in request.oidc, stamp.times
    claims: dict[str, Any] = {"ver": "2.0", "iss": times["iss"], "sub": _personal_subject(pairwise(user, who.app.id))}
    claims |= {"aud": who.app.id, "exp": times["exp"], "iat": times["iat"], "nbf": times["nbf"]}
    claims["name"] = user.name if full else None
    claims["preferred_username"] = user.upn if full else None
    claims["oid"] = who.object_id if full else None
    claims["email"] = user.mail or user.upn if "email" in request.oidc else None
    claims |= {"tid": who.tenant.id, "nonce": request.nonce, **request.beside, "aio": opaque(48)}
    wanted = optional_claims.read(tuple(who.app.id_token_claims))
    extra = optional_claims.values(wanted, who, request.oidc)
    claims |= {name: value for name, value in extra.items() if name in _OF_PERSONAL_ACCOUNTS}
    return {name: value for name, value in claims.items() if value is not None}


_OF_PERSONAL_ACCOUNTS = ("email", "family_name", "given_name", "login_hint", "sid")


def _personal_subject(pairwise_id: str) -> str:
    """As long as others', the first half zeros."""
    return "A" * 21 + pairwise_id[21:]


def id_token_claims_version_one(who: Principal, stamp: Stamp, request: IdTokenRequest) -> dict[str, Any]:
    """The claims of a v1.0 ID token."""
    user = _user(who)
    claims: dict[str, Any] = {"aud": who.app.id, **stamp.times, "amr": list(who.amr), **request.beside}
    claims["email"] = user.mail or None if who.foreign else None
    claims["family_name"] = user.family_name or None
    claims["given_name"] = user.given_name or None
    claims["idp"] = f"{stamp.sts}{who.home.id}/" if who.foreign and who.home else None
    claims["ipaddr"] = who.address
    claims["name"] = user.name
    claims["nonce"] = request.nonce
    claims["oid"] = who.object_id
    claims["rh"] = f"1.{opaque(32)}."
    claims["sub"] = pairwise(user, who.app.id)
    claims["tid"] = who.tenant.id
    claims["unique_name"] = user.upn
    claims["upn"] = None if who.foreign else user.upn
    claims["uti"] = opaque(16)
    claims["ver"] = "1.0"
    return _completed(claims, who, request, None)
