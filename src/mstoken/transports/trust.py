"""Which certificate authorities are trusted, as TLS contexts that connections share.

SSL_CERT_FILE and SSL_CERT_DIR take the place of the system's store, as in OpenSSL; REQUESTS_CA_BUNDLE and
CURL_CA_BUNDLE, which companies set for proxies that inspect TLS, are trusted besides. Without the first two the store
is the system's: on macOS and Windows the operating system verifies, elsewhere OpenSSL reads the folder of certificates
by need and the bundle only if that folder did not do, since to parse a bundle takes as long as all else before a token.
"""

from __future__ import annotations

import os
import ssl
import stat
import sys
from functools import lru_cache

from mstoken.errors import UsageError
from mstoken.forks import ForkSafe
from mstoken.protocol.http import DEFAULT_POLICY
from mstoken.transports.failures import unreadable_bundle
from mstoken.transports.sockets import TlsSocket
from mstoken.typed import TYPE_CHECKING
from mstoken.values import value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mstoken.protocol.http import ConnectionPolicy

STORE_NAMES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
BUNDLE_NAMES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")

_KNOWN_FILES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Where distributions keep the bundle, for a Python whose OpenSSL was built to look elsewhere."""


@value
class Source:
    """Certificate authorities that the environment names: the variable, the path, and whether that is a folder."""

    name: str
    path: str
    is_folder: bool
    changed: int
    """When the file was last written, in nanoseconds: a bundle that was renewed is read again."""


@value
class TrustSettings:
    """`store` is instead of the system's; empty, the system's counts. `besides` is trusted too."""

    store: tuple[Source, ...] = ()
    besides: tuple[Source, ...] = ()


def trust_settings(environ: Mapping[str, str] = os.environ) -> TrustSettings:
    """What the environment says. Raises UsageError that names a variable whose file or folder is not there."""
    return TrustSettings(
        tuple(one for name in STORE_NAMES for one in _sources(name, environ.get(name, ""))),
        tuple(one for name in BUNDLE_NAMES for one in _sources(name, environ.get(name, ""))),
    )


def _sources(name: str, value: str) -> list[Source]:
    """SSL_CERT_DIR is a list of folders (SSL_CTX_load_verify_locations(3)); the others name one file or folder."""
    paths = [path for path in value.split(os.pathsep) if path] if name == "SSL_CERT_DIR" else [value] if value else []
    found = []
    for path in paths:
        try:
            status = os.stat(path)  # noqa: PTH116 - pathlib is slow to import, and this is on the way to every token
        except (OSError, ValueError) as error:
            raise unreadable_bundle(name, path, getattr(error, "strerror", None) or "no path") from None
        is_folder = stat.S_ISDIR(status.st_mode)
        if name == "SSL_CERT_DIR" and not is_folder:
            raise unreadable_bundle(name, path, "not a folder")
        if name == "SSL_CERT_FILE" and is_folder:
            raise unreadable_bundle(name, path, "a folder; its variable is SSL_CERT_DIR")
        found.append(Source(name, path, is_folder, status.st_mtime_ns))
    return found


class Trust(ForkSafe):
    """A TLS context, and the part of the system's store that it has not read yet."""

    def __init__(self, context: ssl.SSLContext, unread: str = "") -> None:
        """`unread` is a bundle of the same store."""
        super().__init__()
        self.context = context
        self._unread = unread

    def widen(self) -> bool:
        """Read the rest of the system's store; whether there was any."""
        with self._lock:
            unread, self._unread = self._unread, ""
            if unread:
                self.context.load_verify_locations(unread)
            return bool(unread)


def trust_for(policy: ConnectionPolicy = DEFAULT_POLICY) -> Trust:
    """The context for a server that is reached under `policy`. Raises UsageError."""
    if policy.thumbprint:
        return _unverified()
    if policy.ca_pem:
        return _only(policy.ca_pem)
    return trusting(trust_settings())


@lru_cache(maxsize=8)
def trusting(settings: TrustSettings) -> Trust:
    """Raises UsageError that names a variable whose certificates cannot be read."""
    trust = Trust(_hardened(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))) if settings.store else system_trust()
    for source in settings.store + settings.besides:
        _load(trust.context, source)
    return trust


def system_trust() -> Trust:
    """The system's store."""
    if sys.platform in {"darwin", "win32"}:
        from mstoken.transports.system_trust import system_context

        return Trust(_hardened(system_context()))
    context, usual = _hardened(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)), ssl.get_default_verify_paths()
    bundle = next((path for path in (usual.cafile or "", *_KNOWN_FILES) if path and _is_file(path)), "")
    if usual.capath:
        context.load_verify_locations(capath=usual.capath)
        return Trust(context, bundle)
    if bundle:
        context.load_verify_locations(bundle)
    return Trust(context)


def _is_file(path: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(path).st_mode)  # noqa: PTH116
    except OSError:
        return False


@lru_cache(maxsize=1)
def _unverified() -> Trust:
    """For a server that is known by its certificate's thumbprint, and one whose certificate is only to be looked at."""
    context = _hardened(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return Trust(context)


def unverified() -> Trust:
    """A context that accepts any certificate: nothing may be sent before the certificate was looked at."""
    return _unverified()


@lru_cache(maxsize=8)
def _only(pem: str) -> Trust:
    context = _hardened(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    try:
        context.load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError):
        raise UsageError(
            "The certificate authority of the token proxy is no PEM certificate.",
            "Correct AZURE_KUBERNETES_CA_FILE or AZURE_KUBERNETES_CA_DATA.",
        ) from None
    return Trust(context)


def _hardened(context: ssl.SSLContext) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.sslsocket_class = TlsSocket
    return context


def _load(context: ssl.SSLContext, source: Source) -> None:
    try:
        if source.is_folder:
            context.load_verify_locations(capath=source.path)
        else:
            context.load_verify_locations(source.path)
    except ssl.SSLError:
        raise unreadable_bundle(source.name, source.path, "it holds no certificate in PEM, or a damaged one") from None
    except OSError as error:
        raise unreadable_bundle(source.name, source.path, error.strerror or type(error).__name__) from None
