"""Proof of possession: tokens bound to a key, and requests signed with it.

The token request contains the key's thumbprint (`req_cnf`), and the token names it in `cnf`. The client that uses the
token signs a small JWT around it, the signed HTTP request. A stolen token is worthless without the key.
Sources: RFC 7638 (thumbprint), RFC 7800 section 3 (cnf), draft-ietf-oauth-signed-http-request-03 section 3,
learn.microsoft.com/entra/msal/dotnet/advanced/proof-of-possession-tokens; docs/decisions/0008-pop-and-mtls.md compares
this with what MSAL and kubelogin send.
"""

from __future__ import annotations

import base64
import hashlib
import json
from urllib.parse import urlsplit

from mstoken.errors import UsageError
from mstoken.protocol.client_assertion import signing_input
from mstoken.typed import TYPE_CHECKING
from mstoken.urls import check_url, encoded_url
from mstoken.values import value

if TYPE_CHECKING:
    from collections.abc import Mapping

ALGORITHM = "RS256"
TOKEN_TYPE = "PoP"
"""The scheme of the Authorization header, as Microsoft's clients write it."""
IN_SOFTWARE = "sw"
"""The location of the key (`xms_ksl`), with the value that kubelogin and Azure CLI send."""
_USUAL_PORTS = {"https": ":443", "http": ":80"}


@value
class PopRequest:
    """The request that a token is for, as far as the signature covers it.

    `url` is a URL, of which host and path are signed and not the query, or what the service requires instead: kubelogin
    signs the cluster's resource id. Empty fields are left out. `nonce` is the service's own, or any unique text. Raises
    UsageError for an invalid URL.
    """

    url: str = ""
    method: str = ""
    nonce: str = ""

    def __post_init__(self) -> None:
        if "://" not in self.url:
            return
        check_url(self.url, "The URL to sign for")
        try:
            parts = urlsplit(self.url)
            sound = bool(parts.hostname) and "@" not in parts.netloc
        except ValueError:
            sound = False
        if not sound:
            raise UsageError(
                "The URL to sign for is not a URL.", "Give the URL of the request, or a cluster's resource id."
            )

    def named(self) -> dict[str, str]:
        """Return the claims `m`, `u`, `p` and `nonce`, without empty ones."""
        host, path = self.url, ""
        if "://" in self.url:
            parts = urlsplit(encoded_url(self.url))
            host, path = parts.netloc.lower(), parts.path or "/"
            host = host.removesuffix(_USUAL_PORTS.get(parts.scheme, ""))
        claims = {"m": self.method.upper(), "u": host, "p": path, "nonce": self.nonce}
        return {name: text for name, text in claims.items() if text}


def jwk(modulus: int, exponent: int) -> dict[str, str]:
    """Return the RSA public key as a JWK with only the required members, in the order of RFC 7638 section 3.2."""
    return {"e": _number(exponent), "kty": "RSA", "n": _number(modulus)}


def thumbprint(public: Mapping[str, str]) -> str:
    """Return the key's id: SHA-256 of the JWK (RFC 7638 section 3), base64url."""
    return _base64url(hashlib.sha256(_json(public)).digest())


def bound_to(key_id: str) -> dict[str, str]:
    """Return the form fields that request a token bound to the key; none for ''."""
    if not key_id:
        return {}
    return {"token_type": "pop", "req_cnf": _base64url(_json({"kid": key_id, "xms_ksl": IN_SOFTWARE}))}


def signed_request_input(token: str, public: Mapping[str, str], request: PopRequest, now: float) -> bytes:
    """Return what the key signs (RS256) at `now`, epoch seconds, UTC."""
    claims = {"at": token, "ts": int(now), **request.named()}
    header = {"alg": ALGORITHM, "typ": "pop", "kid": thumbprint(public)}
    return signing_input(header, {**claims, "cnf": {"jwk": dict(public)}})


def _json(content: Mapping[str, str]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


def _number(number: int) -> str:
    return _base64url(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
