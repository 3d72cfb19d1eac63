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
    """The parameters of a request that concern its ID token.

    `oidc`: the OpenID scopes. `beside`: the hashes of the code and token that the same response contains.
    `most_groups`: how many groups fit.
    """

    oidc: frozenset[str] = frozenset()
    nonce: str | None = None
    beside: Mapping[str, str] = field(default_factory=dict)
    most_groups: int = JWT_LIMIT


def lifetime_in(principal: Principal) -> int:
    """Seconds from `iat` to `exp`."""
    return PERSONAL_LIFE_IN if principal.tenant.personal else LIFE_IN


def hashes(*, code: str = "", token: str = "") -> dict[str, str]:
    """Return `at_hash` and `c_hash` of the code and token beside an ID token: the left half of SHA-256, base64url."""
    values = {"at_hash": token, "c_hash": code}
    return {name: _half(value) for name, value in values.items() if value}


def _half(value: str) -> str:
    return base64url(hashlib.sha256(value.encode()).digest()[:16])


def _user(principal: Principal) -> User:
    if principal.user is None:
        raise ValueError("An ID token speaks of a user.")
    return principal.user


def id_token_claims(principal: Principal, stamp: Stamp, request: IdTokenRequest) -> dict[str, Any]:
    """Return the claims of a v2.0 ID token for the application itself."""
    user = _user(principal)
    if principal.tenant.personal:
        return _personal(principal, user, stamp, request)
    full = "profile" in request.oidc
    claims: dict[str, Any] = {"aud": principal.app.id, **stamp.times, "aio": opaque(48), **request.beside}
    claims["email"] = user.mail or None if "email" in request.oidc else None
    claims["idp"] = f"{stamp.sts}{principal.home.id}/" if principal.foreign and principal.home else None
    claims["name"] = user.name if full else None
    claims["nonce"] = request.nonce
    claims["oid"] = principal.object_id if full else None
    claims["preferred_username"] = user.upn if full else None
    claims["rh"] = f"1.{opaque(32)}."
    claims["sub"] = pairwise(user, principal.app.id)
    claims["tid"] = principal.tenant.id
    claims["uti"] = opaque(16)
    claims["ver"] = "2.0"
    return _completed(claims, principal, request, request.oidc)


def _completed(
    claims: Mapping[str, Any], principal: Principal, request: IdTokenRequest, oidc: frozenset[str] | None
) -> dict[str, Any]:
    """Add the user's roles and groups, and the optional claims of the application's registration."""
    wanted, setting = optional_claims.parse(tuple(principal.app.id_token_claims)), principal.app.group_claims
    found = {name: value for name, value in claims.items() if value is not None}
    extra = {
        name: value for name, value in optional_claims.values(wanted, principal, oidc).items() if name not in found
    }
    if roles := user_roles(principal, principal.app.id):
        extra["roles"] = list(roles)
    if principal.sid and principal.app.logout_url:
        extra["sid"] = principal.sid
    if with_directory_roles(setting):
        extra["wids"] = role_ids(principal.roles)
    return in_order(found, extra | membership_claims(principal, principal.app.id, setting, wanted, request.most_groups))


def _personal(principal: Principal, user: User, stamp: Stamp, request: IdTokenRequest) -> dict[str, Any]:
    """Return the claims of a personal account, whose tokens another service issues, with another order of claims."""
    full, times = "profile" in request.oidc, stamp.times
    claims: dict[str, Any] = {
        "ver": "2.0",
        "iss": times["iss"],
        "sub": _personal_subject(pairwise(user, principal.app.id)),
    }
    claims |= {"aud": principal.app.id, "exp": times["exp"], "iat": times["iat"], "nbf": times["nbf"]}
    claims["name"] = user.name if full else None
    claims["preferred_username"] = user.upn if full else None
    claims["oid"] = principal.object_id if full else None
    claims["email"] = user.mail or user.upn if "email" in request.oidc else None
    claims |= {"tid": principal.tenant.id, "nonce": request.nonce, **request.beside, "aio": opaque(48)}
    wanted = optional_claims.parse(tuple(principal.app.id_token_claims))
    extra = optional_claims.values(wanted, principal, request.oidc)
    claims |= {name: value for name, value in extra.items() if name in _OF_PERSONAL_ACCOUNTS}
    return {name: value for name, value in claims.items() if value is not None}


_OF_PERSONAL_ACCOUNTS = ("email", "family_name", "given_name", "login_hint", "sid")


def _personal_subject(pairwise_id: str) -> str:
    """Return the subject of a personal account: of the usual length, with zeros as the first half."""
    return "A" * 21 + pairwise_id[21:]


def id_token_claims_version_one(principal: Principal, stamp: Stamp, request: IdTokenRequest) -> dict[str, Any]:
    """Return the claims of a v1.0 ID token."""
    user = _user(principal)
    claims: dict[str, Any] = {"aud": principal.app.id, **stamp.times, "amr": list(principal.amr), **request.beside}
    claims["email"] = user.mail or None if principal.foreign else None
    claims["family_name"] = user.family_name or None
    claims["given_name"] = user.given_name or None
    claims["idp"] = f"{stamp.sts}{principal.home.id}/" if principal.foreign and principal.home else None
    claims["ipaddr"] = principal.address
    claims["name"] = user.name
    claims["nonce"] = request.nonce
    claims["oid"] = principal.object_id
    claims["rh"] = f"1.{opaque(32)}."
    claims["sub"] = pairwise(user, principal.app.id)
    claims["tid"] = principal.tenant.id
    claims["unique_name"] = user.upn
    claims["upn"] = None if principal.foreign else user.upn
    claims["uti"] = opaque(16)
    claims["ver"] = "1.0"
    return _completed(claims, principal, request, None)
