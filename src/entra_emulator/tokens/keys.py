"""Signing keys, as Entra publishes them: RSA, named by the SHA-1 thumbprint of their certificate."""

import base64
import functools
import json
import secrets
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey

from entra_emulator.ids import base64url

_REMEMBERED = 200
_SEALED_SIZE = 900
_PADDING, _DIGEST = padding.PKCS1v15(), hashes.SHA256()
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


class BadSignature(Exception):
    """The token is no JWT of the emulator's own signing."""


@dataclass(frozen=True)
class SigningKey:
    """One RSA key. `kid` is also `x5t`: base64url of the certificate's SHA-1 thumbprint (RFC 7515 section 4.1.7)."""

    kid: str
    private: rsa.RSAPrivateKey = field(repr=False)
    key: RSAKey = field(repr=False)
    certificate: bytes = field(repr=False)

    @classmethod
    def generate(cls) -> "SigningKey":
        """A new 2048-bit key with a self-signed certificate."""
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "entra_emulator test signing key")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(private.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=5 * 365))
            .sign(private, hashes.SHA256())
        )
        return cls._of(private, certificate)

    def to_pem(self) -> str:
        """Certificate and private key, for a saved state."""
        certificate = x509.load_der_x509_certificate(self.certificate).public_bytes(serialization.Encoding.PEM)
        return certificate.decode() + self.key.as_pem(private=True).decode()

    @classmethod
    def from_pem(cls, text: str) -> "SigningKey":
        """The key that `to_pem` gave.

        :raises ValueError: it is none.
        """
        private = serialization.load_pem_private_key(text.encode(), None)
        if isinstance(private, rsa.RSAPrivateKey):
            return cls._of(private, x509.load_pem_x509_certificate(text.encode()))
        raise ValueError("a signing key has to be an RSA key")

    @classmethod
    def _of(cls, private: rsa.RSAPrivateKey, certificate: x509.Certificate) -> "SigningKey":
        thumbprint = certificate.fingerprint(hashes.SHA1())  # noqa: S303  # x5t is SHA-1 by definition
        kid = base64url(thumbprint)
        der = certificate.public_bytes(serialization.Encoding.DER)
        return cls(kid, private, RSAKey.import_key(private, {"kid": kid, "use": "sig"}), der)

    def header(self, *, with_thumbprint: bool) -> dict[str, str]:
        """The header of tokens it signs. Those of v1.0 also carry `x5t`, those of v2.0 do not."""
        thumbprint = {"x5t": self.kid} if with_thumbprint else {}
        return {"typ": "JWT", "alg": "RS256", **thumbprint, "kid": self.kid}

    def sign(self, header: Mapping[str, str], claims: Mapping[str, Any]) -> str:
        """A compact JWS (RFC 7515 section 7.1), RS256: RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 section 3.3)."""
        text = f"{_segment(header)}.{_segment(claims)}"
        return f"{text}.{base64url(self.private.sign(text.encode(), _PADDING, _DIGEST))}"

    def published(self, instance: str) -> dict[str, Any]:
        """The key's entry in the JWKS, members in Entra's order."""
        numbers = self.key.as_dict(private=False)
        return {
            "kty": "RSA",
            "use": "sig",
            "kid": self.kid,
            "x5t": self.kid,
            "n": numbers["n"],
            "e": numbers["e"],
            "x5c": [base64.b64encode(self.certificate).decode()],
            "cloud_instance_name": instance,
        }


@dataclass(frozen=True)
class Issued:
    """A token that was signed, without its signature; `header` is empty for a sealed one."""

    header: dict[str, str]
    claims: dict[str, Any]


class KeyRing:
    """The keys of one emulator. The first one signs; all are published and accepted.

    `issued`: the last tokens signed, newest last.
    """

    def __init__(self, *keys: SigningKey) -> None:
        if keys:
            self.keys = list(keys)
        self.issued: deque[Issued] = deque(maxlen=_REMEMBERED)
        self._sealed: dict[str, dict[str, Any]] = {}

    @functools.cached_property
    def keys(self) -> list[SigningKey]:
        """The keys, the one that signs first."""
        return [shared_key()]

    def prepare(self) -> None:
        """Begin to make the key where there is none yet, so that it is there, or nearly, when a token is asked for.

        The thread is no daemon: one that is cut off while native code runs can end the whole process with an abort.
        """
        if "keys" not in vars(self):
            threading.Thread(target=shared_key, name="entra-emulator-key").start()

    def rotate(self, *, keep: int = 1) -> SigningKey:
        """A new key signs from now on. Of the old ones the newest `keep` stay published and accepted."""
        fresh = SigningKey.generate()
        self.keys = [fresh, *self.keys[:keep]]
        return fresh

    def sign(self, claims: dict[str, Any], *, with_thumbprint: bool) -> str:
        """A JWT with these claims."""
        key = self.keys[0]
        header = key.header(with_thumbprint=with_thumbprint)
        self.issued.append(Issued(header, claims))
        return key.sign(header, claims)

    def seal(self, claims: dict[str, Any]) -> str:
        """A token that nobody can read but the emulator: personal accounts get such ones for Microsoft's APIs."""
        token = f"EwB{base64.b64encode(secrets.token_bytes(_SEALED_SIZE)).decode()}"
        self._sealed[token] = claims
        self.issued.append(Issued({}, claims))
        return token

    def verify(self, token: str) -> dict[str, Any]:
        """The claims of a token that one of these keys signed, or that was sealed here. Says nothing about time, issuer
        or audience.

        :raises BadSignature: anything else.
        """
        if token in self._sealed:
            return dict(self._sealed[token])
        try:
            return dict(jwt.decode(token, KeySet([one.key for one in self.keys]), algorithms=["RS256"]).claims)
        except (JoseError, ValueError, TypeError) as problem:
            raise BadSignature from problem


class _Foreign(jws.JWSRegistry):
    """JWS of others: a header may hold a chain of certificates (x5c), and members nobody here knows."""

    max_header_length = 65_536


FOREIGN = _Foreign(algorithms=["RS256", "PS256"], strict_check_header=False)
"""What reads assertions: RSA signatures only, whatever a header says."""


def unverified_header(token: str) -> dict[str, Any] | None:
    """The header of a compact JWS, whoever signed it; None if it is none."""
    try:
        return dict(jws.extract_compact(token.encode(), registry=FOREIGN).headers())
    except (JoseError, ValueError, TypeError):
        return None


def unverified_claims(token: str) -> dict[str, Any] | None:
    """The claims of a compact JWS, whoever signed it; None if it is none."""
    try:
        claims = json.loads(jws.extract_compact(token.encode(), registry=FOREIGN).payload)
    except (JoseError, ValueError, TypeError, RecursionError):
        return None
    return claims if isinstance(claims, dict) else None


def _segment(values: Mapping[str, Any]) -> str:
    return base64url(_COMPACT.encode(values).encode())


_lock = threading.Lock()


@functools.cache
def _shared() -> SigningKey:
    return SigningKey.generate()


def shared_key() -> SigningKey:
    """The process's one signing key: an RSA key takes long to make, and a fresh emulator should not."""
    with _lock:
        return _shared()
