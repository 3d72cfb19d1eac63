"""RSA keys as Entra publishes them: named by the SHA-1 thumbprint of their certificate."""

import base64
import functools
import hashlib
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from joserfc.jwk import RSAKey

from entra_emulator.ids import base64url

from .jwts import segment

_PADDING, _DIGEST = padding.PKCS1v15(), hashes.SHA256()
_EXPONENT, _BITS = 65_537, 2048
_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "entra_emulator test signing key")])


@dataclass(frozen=True)
class PublicKey:
    """A key in the JWKS. `kid` is also `x5t`: base64url of the certificate's SHA-1 (RFC 7515 section 4.1.7)."""

    kid: str
    numbers: rsa.RSAPublicNumbers = field(repr=False)
    certificate: bytes = field(repr=False)

    def published(self, instance: str) -> dict[str, Any]:
        """Return the key's entry in the JWKS, members in Entra's order."""
        return {
            "kty": "RSA",
            "use": "sig",
            "kid": self.kid,
            "x5t": self.kid,
            "n": _integer(self.numbers.n),
            "e": _integer(self.numbers.e),
            "x5c": [base64.b64encode(self.certificate).decode()],
            "cloud_instance_name": instance,
        }


@dataclass(frozen=True)
class SigningKey:
    """A signing key: its public and its private part."""

    public: PublicKey
    private: rsa.RSAPrivateKey = field(repr=False)
    key: RSAKey = field(repr=False)

    @classmethod
    def generate(cls) -> "SigningKey":
        """Return a new 2048-bit key with a self-signed certificate."""
        private = rsa.generate_private_key(public_exponent=_EXPONENT, key_size=_BITS)
        return cls._of(private, _certificate(private.public_key(), private))

    def to_pem(self) -> str:
        """Certificate and private key, for a saved state."""
        certificate = x509.load_der_x509_certificate(self.public.certificate).public_bytes(serialization.Encoding.PEM)
        return certificate.decode() + self.key.as_pem(private=True).decode()

    @classmethod
    def from_pem(cls, text: str) -> "SigningKey":
        """Return the key that `to_pem` wrote.

        :raises ValueError: the text is not an RSA key with its certificate.
        """
        private = serialization.load_pem_private_key(text.encode(), None)
        if isinstance(private, rsa.RSAPrivateKey):
            return cls._of(private, x509.load_pem_x509_certificate(text.encode()))
        raise ValueError("a signing key has to be an RSA key")

    @classmethod
    def _of(cls, private: rsa.RSAPrivateKey, certificate: x509.Certificate) -> "SigningKey":
        public = _public(private.public_key(), certificate)
        return cls(public, private, RSAKey.import_key(private, {"kid": public.kid, "use": "sig"}))

    @property
    def kid(self) -> str:
        """The key's id."""
        return self.public.kid

    def header(self, *, with_thumbprint: bool, nonce: str = "") -> dict[str, str]:
        """Return the header of a token that the key signs. Those of v1.0 also carry `x5t`, those of v2.0 do not."""
        first = {"typ": "JWT", "nonce": nonce} if nonce else {"typ": "JWT"}
        thumbprint = {"x5t": self.kid} if with_thumbprint else {}
        return {**first, "alg": "RS256", **thumbprint, "kid": self.kid}

    def sign(self, header: Mapping[str, str], claims: Mapping[str, Any]) -> str:
        """Return a compact JWS (RFC 7515 section 7.1), RS256: RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 section 3.3).

        The signature of a header with a `nonce` is made over the header that has the nonce's SHA-256 in its place.
        """
        body = segment(claims)
        text = f"{segment(header_as_signed(header))}.{body}"
        signature = base64url(self.private.sign(text.encode(), _PADDING, _DIGEST))
        return f"{segment(header)}.{body}.{signature}" if "nonce" in header else f"{text}.{signature}"


def header_as_signed(header: Mapping[str, str]) -> Mapping[str, str]:
    """Return the header that the signature of a token covers.

    Microsoft Graph's tokens carry a nonce, and only Graph knows that its SHA-256 was signed, so that no other API can
    validate them. Source: AzureAD/azure-activedirectory-identitymodel-extensions-for-dotnet#609.
    """
    if "nonce" not in header:
        return header
    return {**header, "nonce": base64url(hashlib.sha256(header["nonce"].encode()).digest())}


def standby(issuer: SigningKey) -> PublicKey:
    """Return a key that is published and signs nothing, like most of Entra's keys at any time.

    It has no private part: the modulus is a random number. `issuer` signs its certificate.
    """
    modulus = secrets.randbits(_BITS) | 1 << (_BITS - 1) | 1
    key = rsa.RSAPublicNumbers(_EXPONENT, modulus).public_key()
    return _public(key, _certificate(key, issuer.private))


def _certificate(key: rsa.RSAPublicKey, issuer: rsa.RSAPrivateKey) -> x509.Certificate:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_NAME)
        .issuer_name(_NAME)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=5 * 365))
        .sign(issuer, hashes.SHA256())
    )


def _public(key: rsa.RSAPublicKey, certificate: x509.Certificate) -> PublicKey:
    thumbprint = certificate.fingerprint(hashes.SHA1())  # noqa: S303  # x5t is SHA-1 by definition
    return PublicKey(base64url(thumbprint), key.public_numbers(), certificate.public_bytes(serialization.Encoding.DER))


def _integer(value: int) -> str:
    """Encode as Base64urlUInt (RFC 7518 section 2)."""
    return base64url(value.to_bytes((value.bit_length() + 7) // 8))


_lock = threading.Lock()


@functools.cache
def _shared(_role: str) -> SigningKey:
    return SigningKey.generate()


@functools.cache
def _standbys(count: int) -> tuple[PublicKey, ...]:
    return tuple(standby(shared_key()) for _ in range(count))


def shared_key(role: str = "signing") -> SigningKey:
    """Return the key that all emulators of this process have in one role: generating an RSA key takes long."""
    with _lock:
        return _shared(role)


def shared_standbys(count: int) -> tuple[PublicKey, ...]:
    """Return the keys of this process that are published and sign nothing."""
    return _standbys(count)
