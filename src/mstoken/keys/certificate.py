"""Certificates with their private keys: read them from PEM or PFX, and sign with them.

The only file that handles private keys in this process. Messages name the file, never its content.
"""

from __future__ import annotations

import re

from mstoken.errors import UsageError
from mstoken.foreign import ForeignCode
from mstoken.hidden import HiddenBytes
from mstoken.keys.signer import Signer
from mstoken.shells import in_shell
from mstoken.texts import as_utf8
from mstoken.typed import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.padding import AsymmetricPadding
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----.*?-----END \1-----", re.DOTALL)
_PASSWORD = "Set AZURE_CLIENT_CERTIFICATE_PASSWORD, or give ClientCertificate a password."


def load(contents: Sequence[bytes], password: str, algorithm: str, name: str) -> Signer:
    """Return the signer for the contents of one PFX file, or of one or two PEM files. `name` is for messages.

    Raises UsageError for a missing key or certificate, a wrong password, a key of another certificate, or a key that is
    not RSA.
    """
    with _parsing(name):
        if contents[0][:1] == b"\x30":  # DER's SEQUENCE: every PFX file starts with it (RFC 7292 section 4)
            key, certificates = _pfx(contents[0], password, name)
        else:
            key, certificates = _pem(HiddenBytes(b"\n".join(map(as_utf8, contents))), password, name)
        private_key = _rsa(key, name)
        chain = _ordered(certificates, private_key.public_key(), name)

        def sign(data: bytes) -> bytes:
            from cryptography.hazmat.primitives.hashes import SHA256

            with ForeignCode(f"Signing with the key in {name}", "Use an RSA key of 2048 bits or more."):
                return private_key.sign(data, _padding(algorithm), SHA256())

        return _signer(chain, algorithm, sign)


def signer_with_external_key(
    content: bytes, sign: Callable[[bytes, str], bytes | Awaitable[bytes]], algorithm: str
) -> Signer:
    """Return a signer whose key is in a store of its own. `content` is its certificate, PEM or DER.

    In PEM, the key's own certificate comes first. Raises UsageError if `content` is not a certificate.
    """
    name = "The certificate of the key"
    with _parsing(name):
        certificates = _der(content, name) if content[:1] == b"\x30" else _certificates(as_utf8(content), name)
        if not certificates:
            remedy = "Export it from the key's store; the key itself stays there."
            raise UsageError(f"{name} is not in PEM or DER.", remedy)
        return _signer(certificates, algorithm, lambda data: sign(data, algorithm))


def _parsing(name: str) -> ForeignCode:
    return ForeignCode(f"Reading {name}", "Export the certificate with its key anew, as PEM or PFX.")


def signature_matches(signer: Signer, data: bytes, signature: object) -> bool:
    """Return whether the certificate's key made this signature: the store may hold a different key."""
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.hashes import SHA256

    try:
        public = x509.load_der_x509_certificate(signer.chain[0]).public_key()
        if not isinstance(public, RSAPublicKey) or not isinstance(signature, bytes):
            return False
        public.verify(signature, data, _padding(signer.algorithm), SHA256())
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def _signer(
    chain: Sequence[x509.Certificate], algorithm: str, sign: Callable[[bytes], bytes | Awaitable[bytes]]
) -> Signer:
    from cryptography.hazmat.primitives.serialization import Encoding

    der = tuple(certificate.public_bytes(Encoding.DER) for certificate in chain)
    return Signer(algorithm, der, chain[0].not_valid_after_utc.timestamp(), sign)


def _padding(algorithm: str) -> AsymmetricPadding:
    """Return the padding of the algorithm.

    PS256 is PSS with MGF1, both over SHA-256, and a salt as long as the digest (RFC 7518 section 3.5).
    """
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.hashes import SHA256

    if algorithm == "RS256":
        return padding.PKCS1v15()
    return padding.PSS(padding.MGF1(SHA256()), padding.PSS.DIGEST_LENGTH)


def _pfx(content: bytes, password: str, name: str) -> tuple[object, list[x509.Certificate]]:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import pkcs12

    # In PKCS #12, an empty password differs from none (RFC 7292 appendix B), and tools write either.
    tries = [HiddenBytes(password.encode())] if password else [None, b""]
    for number, secret in enumerate(tries, 1):
        try:
            key, certificate, others = pkcs12.load_key_and_certificates(content, secret)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            if number == len(tries):
                _refuse_certificate_alone(content, name)
                _refuse(name, "PFX", password, error)
        else:
            return key, [certificate for certificate in (certificate, *others) if certificate is not None]
    raise AssertionError("the last try returns or raises")


def _pem(content: bytes, password: str, name: str) -> tuple[object, list[x509.Certificate]]:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    keys: list[bytes] = [
        HiddenBytes(match[0]) for match in _BLOCK.finditer(content) if match[1].endswith(b"PRIVATE KEY")
    ]
    if not keys:
        raise UsageError(
            f"{name} holds no private key in PEM or PFX.",
            f"Put the key and the certificate into one file: {_join_files()}",
        )
    encrypted = b"ENCRYPTED" in keys[0]
    try:
        key = load_pem_private_key(keys[0], password.encode() if encrypted and password else None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        _refuse(name, "PEM", password, error, encrypted=encrypted)
    return key, _certificates(content, name)


def _refuse(name: str, form: str, password: str, error: Exception, *, encrypted: bool = False) -> NoReturn:
    """Raise UsageError with the cause in mstoken's words: the library's messages name impossible causes.

    With a wrong password, one decryption in about 256 ends in valid padding (RFC 8018 section 6.1.1). The library then
    reports a malformed key, so that an `encrypted` key is never called unreadable.
    """
    if type(error).__name__ == "UnsupportedAlgorithm":
        raise UsageError(f"{name} is encrypted in a way that is not supported here.", _reencrypt(form)) from None
    if encrypted or isinstance(error, TypeError) or "password" in str(error).lower():
        problem = "The password is wrong for" if password else "A password is needed for"
        raise UsageError(f"{problem} {name}, or it is damaged.", _PASSWORD) from None
    raise UsageError(f"{name} is not a readable {form} file.", "Export the certificate with its key again.") from None


def _refuse_certificate_alone(content: bytes, name: str) -> None:
    from cryptography import x509

    try:
        x509.load_der_x509_certificate(content)
    except ValueError:
        return
    raise UsageError(f"{name} holds a certificate without its private key.", "Export it as PFX, with the key.")


def _join_files() -> str:
    """Return the command. In Windows PowerShell, `cat` takes no two files and `>` writes UTF-16."""
    return in_shell(
        posix="cat key.pem certificate.pem > app.pem",
        powershell="Get-Content key.pem, certificate.pem | Set-Content -Encoding ascii app.pem",
        cmd="copy /b key.pem + certificate.pem app.pem",
    )


def _reencrypt(form: str) -> str:
    if form == "PFX":
        return "Export it again with AES: openssl pkcs12 -in old.pfx -nodes | openssl pkcs12 -export -out new.pfx"
    return "Encrypt it again with AES: openssl pkcs8 -topk8 -v2 aes-256-cbc -in old.pem -out new.pem"


def _certificates(content: bytes, name: str) -> list[x509.Certificate]:
    blocks = [match[0] for match in _BLOCK.finditer(content) if match[1] == b"CERTIFICATE"]
    from cryptography import x509

    try:
        return [x509.load_pem_x509_certificate(block) for block in blocks]
    except ValueError:
        raise UsageError(f"A certificate in {name} is damaged.", "Export it again.") from None


def _der(content: bytes, name: str) -> list[x509.Certificate]:
    from cryptography import x509

    try:
        return [x509.load_der_x509_certificate(content)]
    except ValueError:
        raise UsageError(f"{name} is damaged.", "Export it again.") from None


def _rsa(key: object, name: str) -> RSAPrivateKey:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    if key is None:
        raise UsageError(f"{name} holds no private key.", "Export the certificate again, with its private key.")
    if not isinstance(key, RSAPrivateKey):
        raise UsageError(
            f"The key in {name} is not RSA, and Entra accepts client assertions only with RSA keys.",
            "Create an RSA key of 2048 bits or more and register its certificate.",
        )
    return key


def _ordered(certificates: list[x509.Certificate], public: RSAPublicKey, name: str) -> list[x509.Certificate]:
    """Return the certificates, the key's own first: a file may contain them in any order."""
    if not certificates:
        raise UsageError(
            f"{name} holds a key and no certificate.", "Put the certificate, in PEM, into the same file as the key."
        )
    key_certificates = [certificate for certificate in certificates if _has_key(certificate, public)]
    if not key_certificates:
        raise UsageError(
            f"The key in {name} does not belong to its certificate.", "Put a key and its own certificate into the file."
        )
    return [key_certificates[0], *(certificate for certificate in certificates if certificate not in key_certificates)]


def _has_key(certificate: x509.Certificate, public: RSAPublicKey) -> bool:
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        return certificate.public_key() == public
    except (UnsupportedAlgorithm, ValueError):
        return False
