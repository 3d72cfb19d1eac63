"""The client assertion: a JWT that authenticates an application with a key (RFC 7523 sections 2.2 and 3).

Source: learn.microsoft.com/entra/identity-platform/certificate-credentials. Pure: the time, the unique id and the
signature are arguments.
"""

from __future__ import annotations

import base64
import hashlib
import json

from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LIFE_IN = 600
"""Lifetime of an assertion in seconds. Entra allows up to a day; a short lifetime limits the use of a stolen one."""
REUSE_FOR_IN = 480
"""Seconds for which an assertion is reused: it must still be valid on arrival, by a clock that may be ahead."""
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def signing_input(header: Mapping[str, object], claims: Mapping[str, object]) -> bytes:
    """Return what is signed: header and claims, each base64url of compact JSON (RFC 7515 sections 3.1 and 5.1)."""
    return f"{_part(header)}.{_part(claims)}".encode()


def assembled(signing_input: bytes, signature: bytes) -> str:
    """Return the compact JWS (RFC 7515 section 3.1)."""
    return f"{signing_input.decode()}.{_base64url(signature)}"


def header(algorithm: str, chain: Sequence[bytes], *, send_chain: bool) -> dict[str, object]:
    """Return the JOSE header for the first certificate of `chain` (DER).

    PS256 names it by its SHA-256 thumbprint, RS256 by the SHA-1 thumbprint, the only one that AD FS supports (RFC 7515
    sections 4.1.6 to 4.1.8). `send_chain` adds all certificates, so that Entra can check subject name and issuer.
    """
    made: dict[str, object] = {"alg": algorithm, "typ": "JWT"}
    if algorithm == "RS256":
        made["x5t"] = _base64url(hashlib.sha1(chain[0], usedforsecurity=False).digest())
    else:
        made["x5t#S256"] = _base64url(hashlib.sha256(chain[0]).digest())
    if send_chain:
        made["x5c"] = [base64.b64encode(certificate).decode() for certificate in chain]
    return made


def claims(client_id: str, audience: str, now: float, jti: str) -> dict[str, object]:
    """Return the claims of an assertion made at `now` (epoch seconds, UTC) for the token endpoint `audience`.

    `jti` must be unique (RFC 7519 section 4.1.7).
    """
    made_on = int(now)
    return {
        "aud": audience,
        "iss": client_id,
        "sub": client_id,
        "jti": jti,
        "nbf": made_on,
        "iat": made_on,
        "exp": made_on + LIFE_IN,
    }


def proof(assertion: str) -> dict[str, str]:
    """Return the form fields for an assertion, whoever signed it (RFC 7521 section 4.2)."""
    return {"client_assertion_type": TYPE, "client_assertion": assertion}


def _part(content: Mapping[str, object]) -> str:
    return _base64url(json.dumps(content, separators=(",", ":")).encode())


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
