"""Certificates and keys: an application that signs its own client assertion (RFC 7523 section 2.2).

Source: learn.microsoft.com/entra/identity-platform/certificate-credentials. `mstoken.keys` loads and signs, when a
token is requested and not before.
"""

from __future__ import annotations

import os

from mstoken.credentials.base import BaseCredential, application_partition, no_account
from mstoken.credentials.signing_cache import SigningCache
from mstoken.errors import UsageError
from mstoken.foreign import ForeignCode
from mstoken.hidden import HiddenBytes
from mstoken.typed import TYPE_CHECKING, Literal
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mstoken.keys.signer import Signer

Algorithm = Literal["PS256", "RS256"]
"""RFC 7518 section 3.1. PS256 is what Entra recommends; RS256 is for AD FS and for key stores without PSS."""

_SIGN = ForeignCode("The function for the signature", "Correct `sign` of the ClientKey; the cause is its own error.")
_CERTIFICATE = ForeignCode(
    "The function for the certificate",
    "Correct `certificate` of the ClientKey; the cause is its own error.",
    plain=True,
)


@value
class ClientCertificate(BaseCredential):
    """An application's certificate with its private key, RSA, from a PEM or PFX file or from `data` in that format.

    `key_path` names the key where it has a PEM file of its own. `send_chain` sends the certificates too (`x5c`), for
    applications that trust a subject name and issuer rather than one certificate. The file is read when a token is
    requested, and again when it has changed; a file that cannot be used raises UsageError then. `audience` is for
    servers other than Entra that expect their issuer there instead of the token endpoint.
    """

    path: str | os.PathLike[str] = ""
    data: bytes | str = field(default=b"", secret=True)
    password: str = field(default="", secret=True)
    key_path: str | os.PathLike[str] = ""
    send_chain: bool = False
    algorithm: Algorithm = "PS256"
    audience: str = ""
    cache: SigningCache = field(default_factory=SigningCache, init=False, repr=False, compare=False)

    interactive = False
    acts_for_user = False
    can_bind_key = True
    needs_client_id = True
    serves_user_flows = False
    cache_partition = application_partition
    account_name = no_account

    def __post_init__(self) -> None:
        if bool(self.path) == bool(self.data):
            raise UsageError(
                "A client certificate needs either a path or data.",
                'Give ClientCertificate("app.pem"), or ClientCertificate(data=...).',
            )
        check_algorithm(self.algorithm)

    def signer(self) -> Signer:
        """The signer, loaded once, and again when a file has changed. Blocks; raises UsageError."""
        from mstoken.keys.files import read_bytes, state

        paths = [os.fspath(path) for path in (self.path, self.key_path) if path]
        now = state(paths)
        if self.cache.signer is None or self.cache.state != now:
            from mstoken.keys.certificate import load

            content = [read_bytes(path) for path in paths]
            if self.data:
                content.insert(0, HiddenBytes(self.data.encode()) if isinstance(self.data, str) else self.data)
            self.cache.signer = load(content, self.password, self.algorithm, " and ".join(paths) or "The certificate")
            self.cache.state = now
        return self.cache.signer


@value
class ClientKey(BaseCredential):
    """A private key that never leaves its store (HSM, TPM, Key Vault): `sign` makes the signatures.

    `sign(data, algorithm)` gets the bytes to sign, unhashed, and "PS256" or "RS256". It returns the signature's bytes;
    under AsyncClient it may be async. `certificate` is the certificate that Entra knows, PEM or DER, the key's own
    first; or a function that returns it. `mstoken.keys.pkcs11.Pkcs11Key` is such a `sign` for PKCS#11. The rest is as
    for `ClientCertificate`.
    """

    sign: Callable[[bytes, str], bytes | Awaitable[bytes]] = field(repr=False)
    certificate: bytes | str | Callable[[], bytes | str] = field(repr=False)
    send_chain: bool = False
    algorithm: Algorithm = "PS256"
    audience: str = ""
    cache: SigningCache = field(default_factory=SigningCache, init=False, repr=False, compare=False)

    interactive = False
    acts_for_user = False
    can_bind_key = True
    needs_client_id = True
    serves_user_flows = False
    cache_partition = application_partition
    account_name = no_account

    def __post_init__(self) -> None:
        check_algorithm(self.algorithm)

    def signer(self) -> Signer:
        """The signer, made once. Blocks when `certificate` does; raises UsageError."""
        if self.cache.signer is None:
            from mstoken.keys.certificate import signer_with_external_key

            result: object = (
                _CERTIFICATE.calling(self.certificate)() if callable(self.certificate) else self.certificate
            )
            content = result.encode() if isinstance(result, str) else result
            if not isinstance(content, bytes):
                kind = type(content).__name__
                raise UsageError(f"The certificate of the key is {kind}, not text or bytes.", "Give it in PEM or DER.")
            self.cache.signer = signer_with_external_key(content, _SIGN.calling(self.sign), self.algorithm)
        return self.cache.signer


def check_algorithm(algorithm: str) -> None:
    """Raises UsageError for anything but PS256 and RS256."""
    if algorithm not in ("PS256", "RS256"):
        raise UsageError(f"{algorithm!r} is not an algorithm for client assertions.", "Use PS256, or RS256 for AD FS.")
