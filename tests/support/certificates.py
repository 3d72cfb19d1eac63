"""Certificates for tests, in every form that mstoken reads. Keys are generated once per process, as this is slow."""

from __future__ import annotations

import datetime
import functools
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID

PASSWORD = "only-for-this-test"


@functools.cache
def rsa_key(number: int) -> rsa.RSAPrivateKey:
    """Return one of a few RSA keys, the same key for the same number."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@functools.cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True)
class Identity:
    """A private key with its certificate and, if an authority issued it, the authority's certificate."""

    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    authority: x509.Certificate | None = None

    def key_pem(self, password: str = "", form: PrivateFormat = PrivateFormat.PKCS8) -> bytes:
        return self.key.private_bytes(Encoding.PEM, form, _encryption(password))

    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    def pem(self, password: str = "") -> bytes:
        """Return key, certificate and the authority's certificate in one file."""
        rest = self.authority.public_bytes(Encoding.PEM) if self.authority else b""
        return self.key_pem(password) + self.certificate_pem() + rest

    def pfx(self, password: str = "") -> bytes:
        others = [self.authority] if self.authority else None
        return pkcs12.serialize_key_and_certificates(b"app", self.key, self.certificate, others, _encryption(password))

    def public_pem(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _encryption(password: str) -> KeySerializationEncryption:
    return BestAvailableEncryption(password.encode()) if password else NoEncryption()


def identity(number: int = 0, *, expired: bool = False, elliptic: bool = False) -> Identity:
    """Return a self-signed certificate, valid for a day or expired an hour ago; the same one for the same number."""
    return _self_signed(number, expired, elliptic)


@functools.cache
def _self_signed(number: int, expired: bool, elliptic: bool) -> Identity:  # noqa: FBT001 - one cache entry for each
    key = ec_key() if elliptic else rsa_key(number)
    name = _name(f"app {number}")
    return Identity(key, _certificate(name, name, key, key, expired=expired))


@functools.cache
def issued(number: int) -> Identity:
    """Return a certificate for CN=app.contoso.example from an authority of its own."""
    root = rsa_key(9)
    authority = _certificate(_name("Contoso CA"), _name("Contoso CA"), root, root)
    key = rsa_key(number)
    return Identity(key, _certificate(_name("app.contoso.example"), _name("Contoso CA"), key, root), authority)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    signer: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    *,
    expired: bool = False,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    end = now - datetime.timedelta(hours=1) if expired else now + datetime.timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=2))
        .not_valid_after(end)
        .sign(signer, hashes.SHA256())
    )


def misnamed(certificate: x509.Certificate) -> bytes:
    """Return its DER with names of an invalid type (BIT STRING); the signature no longer matches."""
    der = certificate.public_bytes(Encoding.DER)
    for name in (certificate.subject, certificate.issuer):
        for one in name:
            text = str(one.value).encode()
            der = der.replace(b"\x0c" + bytes([len(text)]) + text, b"\x03" + bytes([len(text)]) + b"\0" + text[1:])
    return der


def with_unknown_key(certificate: x509.Certificate) -> bytes:
    """Return its DER with a key of an unknown algorithm."""
    rsa_encryption = bytes.fromhex("06092a864886f70d010101")
    return certificate.public_bytes(Encoding.DER).replace(rsa_encryption, rsa_encryption[:-1] + b"\x63")
