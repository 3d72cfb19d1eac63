"""A client assertion signed with the application's own certificate (RFC 7523 section 3).

Source: learn.microsoft.com/entra/identity-platform/certificate-credentials; the forms that MSAL.NET writes are those of
Internal/JsonWebToken.cs in AzureAD/microsoft-authentication-library-for-dotnet.
"""

import base64
import binascii
import math
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from entra_emulator.aadsts import EntraError
from entra_emulator.clock import ticks
from entra_emulator.clouds import served
from entra_emulator.config import UNREADABLE
from entra_emulator.model import App, Tenant
from entra_emulator.tokens.jwts import FOREIGN, unverified_claims, unverified_header

from .exchange import Exchange

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SKEW_IN = 300  # seconds by which a client's clock may differ
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_PATHS = ("/oauth2/v2.0/token", "/oauth2/token", "/v2.0", "")


@dataclass(frozen=True)
class Assertion:
    """The parts of a compact JWS, before any of them is verified."""

    text: str
    header: dict[str, Any]
    claims: dict[str, Any]

    @classmethod
    def parse(cls, text: str) -> "Assertion":
        """:raises EntraError: 50027 if the text is not a JWT, or is signed with an algorithm that is not accepted."""
        bare = ".".join(part.rstrip("=") for part in text.split("."))  # azure-identity under asyncio sends padding
        header, claims = unverified_header(bare), unverified_claims(bare)
        if header is None or claims is None or header.get("alg") not in (FOREIGN.allowed or ()):
            raise EntraError(50027)
        return cls(text, header, claims)

    def verified_by(self, key: RSAKey) -> bool:
        """Return whether `key` signed the assertion."""
        signed, _, signature = self.text.rpartition(".")
        try:
            return FOREIGN.get_alg(self.header["alg"]).verify(signed.encode(), _decoded(signature), key)
        except (JoseError, ValueError, TypeError):
            return False

    def check_time(self, now: float) -> None:
        """:raises EntraError: 700024 before nbf or after exp, 50027 if one of them is missing."""
        expires_on, valid_from = (
            _seconds(self.claims.get("exp")),
            _seconds(self.claims.get("nbf", self.claims.get("iat"))),
        )
        if expires_on is None or valid_from is None:
            raise EntraError(50027)
        self._check_span(now, valid_from, expires_on)

    def check_life(self, longest_in: float) -> None:
        """Check the time from iat, else nbf, to exp. Call `check_time` before.

        :raises EntraError: 70023 if that is more than `longest_in` seconds.
        """
        issued_on = _seconds(self.claims.get("iat"))
        if issued_on is None:
            issued_on = _seconds(self.claims.get("nbf"))
        expires_on = _seconds(self.claims.get("exp"))
        if issued_on is None or expires_on is None:
            raise EntraError(50027)
        if expires_on - issued_on > longest_in:
            raise EntraError(70023, issued=f"{issued_on:.0f}", expires=f"{expires_on:.0f}")

    def _check_span(self, now: float, valid_from: float, expires_on: float) -> None:
        if not valid_from - SKEW_IN <= now < expires_on + SKEW_IN:
            times = [ticks(min(max(moment, 0.0), 253_402_300_799.0)) for moment in (now, valid_from, expires_on)]
            raise EntraError(700024, now=times[0], valid_from=times[1], expires=times[2])


def _seconds(value: object) -> float | None:
    """Return a NumericDate (RFC 7519 section 2), which MSAL.NET writes as a JSON string; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        seconds = float(value) if _NUMBER.fullmatch(str(value)) else None
    except OverflowError:
        return None
    return seconds if seconds is None or math.isfinite(seconds) else None


def check_signed(exchange: Exchange, app: App, tenant: Tenant | None, assertion: Assertion) -> None:
    """Accept an assertion that one of the application's certificates signed for this token endpoint, now.

    :raises EntraError: 700027 key or signature, 700021 another application's, 700023 or 5002741 audience, 700024 time.
    """
    now = exchange.world.clock.now()
    certificate = _certificate(app, assertion)
    thumbprint = _thumbprint(assertion)
    if certificate is None:
        raise EntraError(700027, reason="The key was not found.", app=app.id, thumbprint=thumbprint)
    if not certificate.not_valid_before_utc.timestamp() <= now < certificate.not_valid_after_utc.timestamp():
        raise EntraError(700027, reason="The key used is expired.", app=app.id, thumbprint=thumbprint)
    spki = certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    if not assertion.verified_by(RSAKey.import_key(spki)):
        raise EntraError(700027, reason="The signature does not fit the key.", app=app.id, thumbprint=thumbprint)
    if {str(assertion.claims.get(name, "")).lower() for name in ("iss", "sub")} != {app.id}:
        raise EntraError(700021)
    _check_audience(exchange, tenant, assertion.claims.get("aud"))
    assertion.check_time(now)


def _certificate(app: App, assertion: Assertion) -> x509.Certificate | None:
    """Return the certificate in the header, if the application has it, or trusts its subject and issuer (x5c)."""
    for registered in app.certificates:
        certificate = x509.load_pem_x509_certificate(registered.pem.encode())
        if _names(assertion.header, certificate):
            return certificate
    chain = _chain(assertion.header.get("x5c"))
    if chain and any(_trusted(chain, registered.subject, registered.authority) for registered in app.trusted_subjects):
        return chain[0]
    return None


def _names(header: dict[str, Any], certificate: x509.Certificate) -> bool:
    sha1 = certificate.fingerprint(hashes.SHA1())  # noqa: S303  # x5t is SHA-1 by definition
    for name, digest in (("x5t#S256", certificate.fingerprint(hashes.SHA256())), ("x5t", sha1)):
        if name in header:
            return _decoded(header[name]) == digest
    kid = str(header.get("kid", ""))
    return kid.lower() == sha1.hex() or _decoded(kid) == sha1


def _thumbprint(assertion: Assertion) -> str:
    named = next((assertion.header[name] for name in ("x5t#S256", "x5t", "kid") if name in assertion.header), "")
    raw = _decoded(named)
    return raw.hex().upper() if raw else re.sub(r"[^\w.-]", "", str(named))[:100]


def _decoded(value: object) -> bytes:
    """Decode base64url with or without padding: MSAL for Python sends padding."""
    text = str(value).rstrip("=")
    try:
        return base64.b64decode(text.translate(str.maketrans("-_", "+/")) + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _chain(x5c: object) -> list[x509.Certificate]:
    """Return the certificates of an x5c header (RFC 7515 section 4.1.6); none if one of them cannot be read.

    MSAL.NET writes its one certificate as a string, not as a list.
    """
    if isinstance(x5c, str):
        x5c = [x5c]
    if not isinstance(x5c, list) or not 0 < len(x5c) <= 10:
        return []
    try:
        chain = [x509.load_der_x509_certificate(base64.b64decode(str(entry), validate=True)) for entry in x5c]
        return chain if isinstance(chain[0].public_key(), RSAPublicKey) else []
    except UNREADABLE:
        return []


def _trusted(chain: list[x509.Certificate], subject: str, authority: str) -> bool:
    """Return whether the first certificate has the subject, and the chain leads to the trusted authority."""
    root = x509.load_pem_x509_certificate(authority.encode())
    try:
        if chain[0].subject.rfc4514_string().lower() != subject.lower():
            return False
        for child, parent in zip(chain, [*chain[1:], root], strict=True):
            if child == root:
                return True
            child.verify_directly_issued_by(parent)
    except (*UNREADABLE, InvalidSignature):
        return False
    return True


def _check_audience(exchange: Exchange, tenant: Tenant | None, audience: object) -> None:
    """Check that `aud` is the token endpoint or the tenant's issuer, by any name of the service and the tenant."""
    if isinstance(audience, list):
        if len(audience) != 1:
            raise EntraError(5002741)
        audience = audience[0]
    url = urlsplit(str(audience))
    found = served(url.hostname or "")
    is_login_host = url.hostname in ("localhost", "127.0.0.1") or (found is not None and found[1] == "login")
    segment, slash, rest = url.path.strip("/").lower().partition("/")
    names = {exchange.tenant_name.lower(), "common", "organizations"}
    if tenant:
        names |= {tenant.id, *(domain.lower() for domain in tenant.domains)}
    if url.scheme != "https" or not is_login_host or segment not in names or f"{slash}{rest}" not in _PATHS:
        raise EntraError(700023)
