"""The client assertion: a JWT by which an application proves itself with a key (RFC 7523 sections 2.2 and 3).

Source: learn.microsoft.com/entra/identity-platform/certificate-credentials. Pure: the time, what makes an assertion
unique, and the signature come in as values.
"""

from __future__ import annotations

import base64
import hashlib
import json

from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LIFE_IN = 600
"""Seconds an assertion is good for. Entra allows up to a day; a short life is worth less to a thief."""
REUSE_FOR_IN = 480
"""Seconds an assertion is used again: it must still be good when it arrives, by a clock that may be ahead of ours."""
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def signing_input(header: Mapping[str, object], claims: Mapping[str, object]) -> bytes:
    """What is signed: header and claims, each base64url of compact JSON (RFC 7515 sections 3.1 and 5.1)."""
    return f"{_part(header)}.{_part(claims)}".encode()


def assembled(signing_input: bytes, signature: bytes) -> str:
    """The compact JWS (RFC 7515 section 3.1)."""
    return f"{signing_input.decode()}.{_base64url(signature)}"


def header(algorithm: str, chain: Sequence[bytes], *, send_chain: bool) -> dict[str, object]:
    """The JOSE header for the certificate that is first of `chain` (DER).

    PS256 names it by its SHA-256 thumbprint, RS256 by the SHA-1 one, which is all AD FS knows (RFC 7515 sections 4.1.6
    to 4.1.8). `send_chain` adds all certificates, so that Entra can go by subject name and issuer.
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
    """The claims of an assertion made at `now` (epoch seconds, UTC) for the token endpoint `audience`.

    `jti` must not come twice (RFC 7519 section 4.1.7).
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
    """The form fields that carry an assertion, our own or somebody else's (RFC 7521 section 4.2)."""
    return {"client_assertion_type": TYPE, "client_assertion": assertion}


def _part(content: Mapping[str, object]) -> str:
    return _base64url(json.dumps(content, separators=(",", ":")).encode())


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
