"""Whom a token names: tenant, user and client, of claims whose types are checked since they are untrusted input.

A session needs them with each token, so this file imports nothing.
"""

from __future__ import annotations

from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mstoken.protocol.jwt import Decoded


def tenant_of(decoded: Decoded) -> str:
    """Return the ID of the tenant that issued the token; '' if the token does not say."""
    return text_of(decoded.claims, "tid")


def client_id_of(decoded: Decoded) -> str:
    """Return the client ID; '' if the token does not say."""
    return text_of(decoded.claims, "appid", "azp", "client_id")


def user_of(decoded: Decoded) -> str:
    """Return the name of the user that the token stands for; '' if it stands for none."""
    names = ("upn", "unique_name", "preferred_username", "email", "sub")
    return text_of(decoded.claims, *names) if stands_for(decoded) == "user" else ""


def stands_for(decoded: Decoded) -> str:
    """Return `user`, `application`, `managed identity`, or '' if the token does not say."""
    return _stands_for(decoded.claims) or _subject_kind(decoded)


def _stands_for(claims: dict[str, Any]) -> str:
    """Use `idtyp` if the API requests it; otherwise a scope, or a subject that is not the object ID, means a user."""
    if "xms_mirid" in claims:
        return "managed identity"
    kind = text_of(claims, "idtyp").lower()
    if kind in {"app", "user"}:
        return {"app": "application", "user": "user"}[kind]
    if "scp" in claims or any(name in claims for name in ("upn", "preferred_username", "unique_name", "name")):
        return "user"
    subject = text_of(claims, "sub")
    return "application" if subject and subject == text_of(claims, "oid") else ""


def _subject_kind(decoded: Decoded) -> str:
    """Use RFC 9068 section 2.2: in such an access token the subject is the user, or else the client itself."""
    kind, subject = str(decoded.header.get("typ", "")).lower(), text_of(decoded.claims, "sub")
    if kind.removeprefix("application/") != "at+jwt" or not subject:
        return ""
    return "application" if subject == text_of(decoded.claims, "client_id") else "user"


def text_of(claims: dict[str, Any], *names: str) -> str:
    """Return the first of the claims that is a text or a number; join a list of texts with commas."""
    for name in names:
        value = claims.get(name)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
            return ", ".join(value)
    return ""
