"""JSON Web Signatures in compact form: write them, and read those of others before verification."""

import json
from collections.abc import Mapping
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError

from entra_emulator.ids import base64url

_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


class _Foreign(jws.JWSRegistry):
    """JWS of others: the header may contain a chain of certificates (x5c) and unknown members."""

    max_header_length = 65_536


FOREIGN = _Foreign(algorithms=["RS256", "PS256"], strict_check_header=False)
"""Reads assertions: RSA signatures only, whatever the header says."""
OWN = jws.JWSRegistry(algorithms=["RS256"], strict_check_header=False)
"""Reads the emulator's own tokens, whose header may hold a nonce."""


def segment(values: Mapping[str, Any]) -> str:
    """Return a header or claims as a part of a compact JWS (RFC 7515 section 7.1)."""
    return base64url(_COMPACT.encode(values).encode())


def unverified_header(token: str) -> dict[str, Any] | None:
    """Return the header of a compact JWS, whoever signed it; None if the text is not one."""
    try:
        return dict(jws.extract_compact(token.encode(), registry=FOREIGN).headers())
    except (JoseError, ValueError, TypeError):
        return None


def unverified_claims(token: str) -> dict[str, Any] | None:
    """Return the claims of a compact JWS, whoever signed it; None if the text is not one."""
    try:
        claims = json.loads(jws.extract_compact(token.encode(), registry=FOREIGN).payload)
    except (JoseError, ValueError, TypeError, RecursionError):
        return None
    return claims if isinstance(claims, dict) else None
