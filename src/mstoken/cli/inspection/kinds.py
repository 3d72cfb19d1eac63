"""Recognize the kind of a token by its form and its claims."""

from __future__ import annotations

import re

from mstoken.typed import TYPE_CHECKING, Any
from mstoken.values import value

if TYPE_CHECKING:
    from mstoken.protocol.jwt import Decoded


@value
class Kind:
    """A kind of token: `name` for the kind, `note` for what the user should know about it."""

    name: str
    note: str = ""


_SECRET_NOTE = "It is as sensitive as a password: anyone who has it can use it. Do not share it."
_UNREADABLE_NOTE = "Only the service that issued it can read it."

# Microsoft does not document these forms and may change them; its token service issues them today.
_OPAQUE_FORMS: tuple[tuple[re.Pattern[str], Kind], ...] = (
    (
        re.compile(r"[01]\.A[A-Za-z0-9_-]{20,}(?:\.[A-Za-z0-9_-]+)*"),
        Kind("Entra refresh token or authorization code", f"{_UNREADABLE_NOTE} {_SECRET_NOTE}"),
    ),
    (
        re.compile(r"O?A[QR]AB[A-Za-z0-9_-]{40,}"),
        Kind("Entra refresh token or authorization code, in an older form", f"{_UNREADABLE_NOTE} {_SECRET_NOTE}"),
    ),
    (
        re.compile(r"M\.[A-Z][0-9]{1,4}_[A-Za-z0-9]+\.[^\s]+"),
        Kind(
            "refresh token or authorization code of a personal Microsoft account", f"{_UNREADABLE_NOTE} {_SECRET_NOTE}"
        ),
    ),
    (
        re.compile(r"Ew[A-Z][A-Za-z0-9+/_%-]{80,}={0,2}"),
        Kind(
            "access token of a personal Microsoft account, in the compact form", f"It is not a JWT. {_UNREADABLE_NOTE}"
        ),
    ),
    (
        re.compile(r"(?:PHNhbWw|PEFzc2Vyd|PD94bWw)[A-Za-z0-9+/_=-]+"),
        Kind("SAML assertion, in base64", "It is XML, not a JWT."),
    ),
    (
        re.compile(r"[A-Za-z0-9_.~-]{3}[78]Q~[A-Za-z0-9_.~-]{31,34}"),
        Kind("client secret of an application, not a token", _SECRET_NOTE),
    ),
)


def of_opaque(token: str) -> Kind:
    """Return the kind of a token that is not a JWT."""
    for form, kind in _OPAQUE_FORMS:
        if form.fullmatch(token):
            return kind
    return Kind("opaque token, not a JWT", _UNREADABLE_NOTE)


SIGNED_REQUEST = Kind(
    "signed request that contains a token (proof of possession)",
    "It is valid for one request, in the header `Authorization: PoP`.",
)
_ACCESS_TOKEN_CLAIMS = ("appid", "azp", "azpacr", "appidacr", "scp", "scope", "client_id")


def of_jwt(decoded: Decoded) -> Kind:
    """Return the kind of a JWT, by the claims that distinguish Entra's tokens."""
    claims = decoded.claims
    if decoded.encrypted:
        return Kind("encrypted JWT", "Only its recipient can read its claims.")
    typ = str(decoded.header.get("typ", "")).lower()
    if typ == "pop" and isinstance(claims.get("at"), str):  # draft-ietf-oauth-signed-http-request-03
        return SIGNED_REQUEST
    declared = typ in {"at+jwt", "application/at+jwt"}  # RFC 9068 section 2.1
    if declared or any(name in claims for name in _ACCESS_TOKEN_CLAIMS):
        return Kind("access token")
    if _is_assertion(claims):
        return Kind("client assertion", "An application proves its identity with it; APIs do not accept it.")
    if "nonce" in claims or "tid" in claims or "at_hash" in claims:
        return Kind("ID token", "It tells an application who signed in; APIs do not accept it.")
    return Kind("JWT", "Nothing in it says what kind of token it is.")


def _is_assertion(claims: dict[str, Any]) -> bool:
    """Return whether issuer and subject are the client, and the audience is the token service (RFC 7523 section 3)."""
    audience = claims.get("aud")
    return (
        "iss" in claims
        and claims.get("iss") == claims.get("sub")
        and isinstance(audience, str)
        and "/oauth2/" in audience
    )
