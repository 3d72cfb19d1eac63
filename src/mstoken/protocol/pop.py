"""Proof of possession: a token bound to a key, and requests that are signed with it.

The token endpoint is told the key's thumbprint (`req_cnf`); the token names it in `cnf`, and whoever uses the token
signs a small JWT around it, the signed HTTP request. A token that was stolen on the way is worth nothing.
Sources: RFC 7638 (thumbprint), RFC 7800 section 3 (cnf), draft-ietf-oauth-signed-http-request-03 section 3,
learn.microsoft.com/entra/msal/dotnet/advanced/proof-of-possession-tokens
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mstoken.protocol.client_assertion import signing_input
from mstoken.values import value

if TYPE_CHECKING:
    from collections.abc import Mapping

ALGORITHM = "RS256"


@value
class PopRequest:
    """The request a token is for, as far as the signature is to cover it.

    `url` is an https URL, of which host and path are signed, or what the service wants in their place: kubelogin signs
    the cluster's resource id. Empty fields are left out. `nonce` is the service's own, or any text that comes once.
    """

    url: str = ""
    method: str = ""
    nonce: str = ""


def jwk(modulus: int, exponent: int) -> dict[str, str]:
    """The RSA public key as a JWK with the required members alone, in the order of RFC 7638 section 3.2."""
    return {"e": _number(exponent), "kty": "RSA", "n": _number(modulus)}


def thumbprint(public: Mapping[str, str]) -> str:
    """The key's id: SHA-256 of the JWK (RFC 7638 section 3), base64url."""
    return _base64url(hashlib.sha256(_json(public)).digest())


def bound_to(key_id: str) -> dict[str, str]:
    """The form fields that ask for a token bound to the key; none for ''."""
    return {"token_type": "pop", "req_cnf": _base64url(_json({"kid": key_id}))} if key_id else {}


def signed_request_input(token: str, public: Mapping[str, str], request: PopRequest, now: float) -> bytes:
    """What the key signs (RS256) at `now`, epoch seconds, UTC."""
    host, path = request.url, ""
    if "://" in request.url:
        parts = urlsplit(request.url)
        host, path = parts.netloc.rpartition("@")[2].lower(), parts.path or "/"
    optional = {"m": request.method.upper(), "u": host, "p": path, "nonce": request.nonce}
    claims = {"at": token, "ts": int(now), **{name: text for name, text in optional.items() if text}}
    header = {"alg": ALGORITHM, "typ": "pop", "kid": thumbprint(public)}
    return signing_input(header, {**claims, "cnf": {"jwk": dict(public)}})


def _json(content: Mapping[str, str]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


def _number(number: int) -> str:
    return _base64url(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
