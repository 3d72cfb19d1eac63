"""The claims of ID tokens, in the order Entra puts them.

Sources: learn.microsoft.com/entra/identity-platform/id-token-claims-reference; for personal accounts the sample token
on the page "ID tokens" of that documentation; OpenID Connect Core section 3.3.2.11 for `at_hash` and `c_hash`.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from entra_emulator.ids import base64url, opaque

from .claims import Principal, Stamp, pairwise

LIFE_IN = 3900
PERSONAL_LIFE_IN = 86_700


def lifetime_in(who: Principal) -> int:
    """Seconds from `iat` to `exp`."""
    return PERSONAL_LIFE_IN if who.tenant.personal else LIFE_IN


def hashes(*, code: str = "", token: str = "") -> dict[str, str]:
    """`at_hash` and `c_hash` of what is handed out beside an ID token: the left half of the SHA-256, base64url."""
    given = {"at_hash": token, "c_hash": code}
    return {name: _half(value) for name, value in given.items() if value}


def _half(value: str) -> str:
    return base64url(hashlib.sha256(value.encode()).digest()[:16])


def id_token_claims(
    who: Principal,
    stamp: Stamp,
    *,
    oidc: frozenset[str],
    nonce: str | None = None,
    beside: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The claims of a v2.0 ID token for the application itself.

    :param oidc: the OpenID scopes asked for.
    :param beside: the hashes of what is handed out in the same answer of the authorization endpoint.
    """
    user = who.user
    if user is None:
        raise ValueError("An ID token speaks of a user.")
    if who.tenant.personal:
        return _personal(who, stamp, oidc=oidc, nonce=nonce, beside=beside or {})
    full = "profile" in oidc
    claims: dict[str, Any] = {"aud": who.app.id, **stamp.times, "aio": opaque(48), **(beside or {})}
    claims["email"] = user.mail or None if "email" in oidc else None
    claims["idp"] = f"{stamp.sts}{who.home.id}/" if who.foreign and who.home else None
    claims["name"] = user.name if full else None
    claims["nonce"] = nonce
    claims["oid"] = who.object_id if full else None
    claims["preferred_username"] = user.upn if full else None
    claims["rh"] = f"1.{opaque(32)}."
    claims["sub"] = pairwise(user, who.app.id)
    claims["tid"] = who.tenant.id
    claims["uti"] = opaque(16)
    claims["ver"] = "2.0"
    return {name: value for name, value in claims.items() if value is not None}


def _personal(
    who: Principal, stamp: Stamp, *, oidc: frozenset[str], nonce: str | None, beside: Mapping[str, str]
) -> dict[str, Any]:
    """Personal accounts are served by another service, which writes its tokens in another order."""
    user = who.user
    if user is None:
        raise ValueError("An ID token speaks of a user.")
    full, times = "profile" in oidc, stamp.times
    claims: dict[str, Any] = {"ver": "2.0", "iss": times["iss"], "sub": _personal_subject(pairwise(user, who.app.id))}
    claims |= {"aud": who.app.id, "exp": times["exp"], "iat": times["iat"], "nbf": times["nbf"]}
    claims["name"] = user.name if full else None
    claims["preferred_username"] = user.upn if full else None
    claims["oid"] = who.object_id if full else None
    claims["email"] = user.mail or user.upn if "email" in oidc else None
    claims |= {"tid": who.tenant.id, "nonce": nonce, **beside, "aio": opaque(48)}
    return {name: value for name, value in claims.items() if value is not None}


def _personal_subject(pairwise_id: str) -> str:
    """As long as others', the first half zeros."""
    return "A" * 21 + pairwise_id[21:]


def id_token_claims_version_one(
    who: Principal, stamp: Stamp, *, nonce: str | None = None, beside: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The claims of a v1.0 ID token."""
    user = who.user
    if user is None:
        raise ValueError("An ID token speaks of a user.")
    claims: dict[str, Any] = {"aud": who.app.id, **stamp.times, "amr": list(who.amr), **(beside or {})}
    claims["family_name"] = user.family_name or None
    claims["given_name"] = user.given_name or None
    claims["idp"] = f"{stamp.sts}{who.home.id}/" if who.foreign and who.home else None
    claims["ipaddr"] = who.address
    claims["name"] = user.name
    claims["nonce"] = nonce
    claims["oid"] = who.object_id
    claims["rh"] = f"1.{opaque(32)}."
    claims["sub"] = pairwise(user, who.app.id)
    claims["tid"] = who.tenant.id
    claims["unique_name"] = user.upn
    claims["upn"] = None if who.foreign else user.upn
    claims["uti"] = opaque(16)
    claims["ver"] = "1.0"
    return {name: value for name, value in claims.items() if value is not None}
