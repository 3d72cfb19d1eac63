"""The test certificate authority. It has its own keys, serves only the emulated hosts, and does not install itself.

Python 3.13 verifies strictly (VERIFY_X509_STRICT, RFC 5280 section 4.2.1), so the authority and its leaves have subject
and authority key identifiers. Name constraints limit the risk of trusting the authority: its certificates are valid
only for localhost and the emulated Microsoft hosts.
"""

import functools
import ipaddress
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from entra_emulator.clouds import every_host, may_be_custom, served
from entra_emulator.folders import PrivateFolder

LOCAL = "localhost"
_LIFE = timedelta(days=397)  # the maximum that some verifiers accept for a leaf


class CertificateAuthority:
    """Issues leaf certificates and keeps one TLS context for each requested host name."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._leaf_key = ec.generate_private_key(ec.SECP256R1())
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._lock = threading.Lock()
        subject = [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "entra_emulator: TEST ONLY, never trust outside a test"),
            x509.NameAttribute(NameOID.COMMON_NAME, "Test CA of a local Entra ID emulator"),
        ]
        self._certificate = self._self_signed(x509.Name(subject))

    def _self_signed(self, name: x509.Name) -> x509.Certificate:
        usage = {"key_cert_sign", "crl_sign", "digital_signature"}
        domains = [*every_host(), LOCAL]
        permitted: list[x509.GeneralName] = [x509.DNSName(domain) for domain in domains]
        permitted.append(x509.IPAddress(ipaddress.ip_network("127.0.0.1/32")))
        builder = (
            self._builder(name, name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(usage), critical=True)
            .add_extension(x509.NameConstraints(permitted, None), critical=True)
        )
        return builder.sign(self._key, hashes.SHA256())

    def _builder(
        self, subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + _LIFE)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )

    def pem(self) -> bytes:
        """Return the authority's certificate, for clients."""
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    def trust_store(self, password: str) -> bytes:
        """Return the certificate for Java: a PKCS #12 file that Java accepts as a trust store."""
        entry = pkcs12.PKCS12Certificate(self._certificate, b"entra_emulator test authority")
        return pkcs12.serialize_java_truststore([entry], serialization.BestAvailableEncryption(password.encode()))

    def _leaf(self, host: str) -> bytes:
        names: list[x509.GeneralName] = [x509.DNSName(host)]
        if host == LOCAL:
            names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        certificate = (
            self._builder(subject, self._certificate.subject, self._leaf_key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage({"digital_signature"}), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        key = self._leaf_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return key + certificate.public_bytes(serialization.Encoding.PEM)

    def context(self, host: str) -> ssl.SSLContext:
        """Return a server-side TLS context whose certificate names `host`. It is created once per process."""
        with self._lock:
            if host not in self._contexts:
                self._contexts[host] = self._context(host)
            return self._contexts[host]

    @functools.cached_property
    def server_context(self) -> ssl.SSLContext:
        """Return the context of listeners: localhost's certificate, or by SNI that of an emulated Microsoft host.

        A client that sends no SNI, as for https://127.0.0.1, gets localhost's.
        """
        context = self._context(LOCAL)

        def choose(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
            host = name.lower() if name and (served(name) or may_be_custom(name)) else LOCAL
            connection.context = self.context(host)
            return None

        context.sni_callback = choose
        return context

    def _context(self, host: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        with PrivateFolder() as folder:
            chain = Path(folder, "leaf.pem")  # the ssl module loads a key from a file only
            chain.write_bytes(self._leaf(host))
            context.load_cert_chain(chain)
        return context


def _key_usage(allowed: set[str]) -> x509.KeyUsage:
    every = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{usage: usage in allowed for usage in every})


_lock = threading.Lock()


@functools.cache
def _shared() -> CertificateAuthority:
    return CertificateAuthority()


def shared_authority() -> CertificateAuthority:
    """Return the authority that all emulators of this process share, because generating keys takes time."""
    with _lock:
        return _shared()
