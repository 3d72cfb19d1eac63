"""Read a 401's WWW-Authenticate: Bearer challenge (RFC 6750 section 3, RFC 9110 section 11.6.1)."""

from __future__ import annotations

import base64
import binascii
import json
import re

_PARAMETER = re.compile(r'([A-Za-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_LONGEST = 32_768


def bearer_challenge(header: str) -> dict[str, str]:
    """The parameters of the first Bearer challenge, names in lower case; empty when there is none."""
    start = re.search(r"(?:^|[\s,])bearer(?=\s)", header[:_LONGEST], re.IGNORECASE)
    if not start:
        return {}
    found: dict[str, str] = {}
    for name, quoted, plain in _PARAMETER.findall(header[start.end() : _LONGEST]):
        found.setdefault(name.lower(), re.sub(r"\\(.)", r"\1", quoted) or plain)
    return found


def claims_challenge(claims: str, authorization_uri: str = "") -> str:
    """The WWW-Authenticate header by which a web API hands a claims challenge to its caller; its status is 401.

    `claims` is JSON text, such as that of a refusal of on-behalf-of (`error.claims`). `authorization_uri` says where
    the user signs in; the public cloud's when empty.

    Source: learn.microsoft.com/entra/identity-platform/claims-challenge
    """
    encoded = base64.b64encode(claims.encode()).decode()
    where = authorization_uri or "https://login.microsoftonline.com/common/oauth2/v2.0/authorize"
    return f'Bearer realm="", authorization_uri="{where}", error="insufficient_claims", claims="{encoded}"'


def challenged_claims(header: str) -> str:
    """The claims a resource asks for, as JSON text, or '' where it asks for none that can be read.

    Source: learn.microsoft.com/entra/identity-platform/claims-challenge. The value is base64 or base64url, with or
    without padding; it counts only beside error="insufficient_claims" or, from older resources, "invalid_token".
    """
    parameters = bearer_challenge(header)
    encoded = parameters.get("claims", "")
    if not encoded or parameters.get("error") not in ("insufficient_claims", "invalid_token"):
        return ""
    try:
        text = base64.b64decode(encoded.translate(str.maketrans("-_", "+/")) + "=" * (-len(encoded) % 4)).decode()
        claims = json.loads(text)
    except (binascii.Error, ValueError, RecursionError):
        return ""
    return text if isinstance(claims, dict) else ""
