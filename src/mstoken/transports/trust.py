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

from mstoken.errors import UsageError
from mstoken.forks import ForkSafe
from mstoken.hidden import ENVIRON
from mstoken.protocol.http import DEFAULT_POLICY
from mstoken.transports.failures import unreadable_bundle
from mstoken.transports.sockets import TlsSocket
from mstoken.typed import TYPE_CHECKING, TypeVar
from mstoken.values import value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mstoken.protocol.http import ConnectionPolicy

T = TypeVar("T")

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
    """Certificate authorities in the environment: the variable, the path, and whether it is a folder."""

    name: str
    path: str
    is_folder: bool
    changed: int
    """When the file was last written, in nanoseconds: a bundle that was renewed is read again."""


@value
class TrustSettings:
    """`store` replaces the system's store unless it is empty. `besides` is trusted in addition."""

    store: tuple[Source, ...] = ()
    besides: tuple[Source, ...] = ()


def trust_settings(environ: Mapping[str, str] = ENVIRON) -> TrustSettings:
    """Return the settings of the environment. Raises UsageError for a variable whose file or folder is missing."""
    return TrustSettings(
        tuple(source for name in STORE_NAMES for source in sources_of(name, environ.get(name, ""))),
        tuple(source for name in BUNDLE_NAMES for source in sources_of(name, environ.get(name, ""))),
    )


def sources_of(name: str, value: str) -> list[Source]:
    """Return the paths of a variable. SSL_CERT_DIR is a list of folders (SSL_CTX_load_verify_locations(3)), the others
    are one path.
    """
    paths = [path for path in value.split(os.pathsep) if path] if name == "SSL_CERT_DIR" else [value] if value else []
    if value and not paths:
        raise UsageError(f"{name} names no folder: {value!r}.", f"Correct or unset {name}.")
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
    """A TLS context, and the part of the system's store that it has not loaded yet."""

    def __init__(self, context: ssl.SSLContext, unread: str = "") -> None:
        """`unread` is a bundle of the same store."""
        super().__init__()
        self.context = context
        self._unread = unread

    @property
    def is_whole(self) -> bool:
        """Whether the complete store is loaded."""
        return not self._unread

    def widen(self) -> None:
        """Load the rest of the store."""
        with self._lock:
            if self._unread:
                self.context.load_verify_locations(self._unread)
                self._unread = ""


class _Made(ForkSafe):
    """Contexts by their trust settings. Each is created once, however many threads need it at the same time."""

    def __init__(self) -> None:
        super().__init__()
        self._made: dict[object, Trust] = {}

    def get(self, key: T, make: Callable[[T], Trust]) -> Trust:
        with self._lock:
            if key not in self._made:
                if len(self._made) >= _MAX_CACHED:
                    self._made.clear()
                self._made[key] = make(key)
            return self._made[key]


_MADE = _Made()
_MAX_CACHED = 16


def trust_for(policy: ConnectionPolicy = DEFAULT_POLICY) -> Trust:
    """Return the context for a server that is reached under `policy`. Raises UsageError."""
    if policy.thumbprint:
        return unverified()
    if policy.ca_pem:
        return _MADE.get(policy.ca_pem, _only)
    return _MADE.get(trust_settings(), _trusting)


def unverified() -> Trust:
    """Return a context that accepts any certificate. Nothing may be sent before the certificate is checked."""
    return _MADE.get(None, _any)


def _trusting(settings: TrustSettings) -> Trust:
    """Return the trust for the settings. Raises UsageError for a variable whose certificates cannot be read."""
    trust = Trust(new_context()) if settings.store else _system_trust()
    for source in settings.store + settings.besides:
        load_source(trust.context, source)
    return trust


def _system_trust() -> Trust:
    if sys.platform in {"darwin", "win32"}:
        from mstoken.transports.system_trust import system_context

        return Trust(_hardened(system_context()))
    context, usual = new_context(), ssl.get_default_verify_paths()
    bundle = usual.cafile or ""
    if usual.capath and (bundle or any(name.endswith(".0") for name in os.listdir(usual.capath))):  # noqa: PTH208
        context.load_verify_locations(capath=usual.capath)
        return Trust(context, bundle)
    bundle = bundle or next(filter(_is_file, _KNOWN_FILES), "")
    if bundle:
        context.load_verify_locations(bundle)
    return Trust(context)


def _any(_: None) -> Trust:
    context = new_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return Trust(context)


def _only(pem: str) -> Trust:
    context = new_context()
    try:
        context.load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError):
        raise UsageError(
            "The certificate authority of the token proxy is no PEM certificate.",
            "Correct AZURE_KUBERNETES_CA_FILE or AZURE_KUBERNETES_CA_DATA.",
        ) from None
    return Trust(context)


def _is_file(path: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(path).st_mode)  # noqa: PTH116
    except OSError:
        return False


_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\xef\xbb")


def new_context() -> ssl.SSLContext:
    return _hardened(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


def _hardened(context: ssl.SSLContext) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.sslsocket_class = TlsSocket
    return context


def load_source(context: ssl.SSLContext, source: Source) -> None:
    try:
        if source.is_folder:
            context.load_verify_locations(capath=source.path)
        elif marked := _text_with_mark(source.path):
            context.load_verify_locations(cadata=marked)
        else:
            context.load_verify_locations(source.path)
    except (ssl.SSLError, UnicodeDecodeError):
        raise unreadable_bundle(source.name, source.path, "it holds no certificate in PEM, or a damaged one") from None
    except OSError as error:
        raise unreadable_bundle(source.name, source.path, error.strerror or type(error).__name__) from None


def _text_with_mark(path: str) -> str:
    """Return the text of a bundle that begins with a byte order mark, which OpenSSL does not understand; else ''."""
    from mstoken.texts import as_utf8

    with open(path, "rb") as file:  # noqa: PTH123 - pathlib costs more than the read
        begin = file.read(3)
        content = as_utf8(begin + file.read()) if begin[:2] in _MARKS else begin
    return "" if content.startswith(begin) else content.decode("ascii")
