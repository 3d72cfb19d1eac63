"""The errors of a transport: which step failed, at which server, and what to do next."""

from __future__ import annotations

import ssl
import time

from mstoken.errors import TransportError, UnreadableAnswer, UntrustedCertificate, UsageError
from mstoken.redaction import shown_path
from mstoken.transports.proxies import SYSTEM_SETTING

TRUST_REMEDY = (
    "If a proxy inspects TLS, or the server has a certificate authority of its own, put that authority into a PEM file "
    "and set SSL_CERT_FILE to it."
)
_OUT_OF_TIME = frozenset({9, 10})
"""X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED (openssl.org, x509_vfy.h)."""
_NETWORK_REMEDY = "Try again; if it stays so, check the network, HTTPS_PROXY and NO_PROXY."
_ADDRESS_REMEDY = "Check the address and the port, and that the server runs."
_SERVER_REMEDY = "Check the address and the port, and any proxy between here and there."

_TLS_REASONS = {
    "WRONG_VERSION_NUMBER": "it does not answer in TLS",
    "HTTP_REQUEST": "it does not answer in TLS",
    "HTTPS_PROXY_REQUEST": "it does not answer in TLS",
    "RECORD_LAYER_FAILURE": "it does not answer in TLS",
    "PACKET_LENGTH_TOO_LONG": "it does not answer in TLS",
    "UNSUPPORTED_PROTOCOL": "it offers no TLS 1.2 or newer",
    "VERSION_TOO_LOW": "it offers no TLS 1.2 or newer",
    "UNEXPECTED_EOF_WHILE_READING": "it closed the connection",
}
"""What OpenSSL's reason codes say to the reader. Alerts of the server have words of their own (RFC 8446 section 6)."""


class Peer:
    """The component that failed: the server, or the proxy before it. No name in it holds a password.

    `proxy_setting` is the variable or setting that names the proxy, if this is one. `via` is the URL of the proxy
    through which a server is reached.
    """

    __slots__ = ("name", "proxy_setting", "via")

    def __init__(self, name: str, *, proxy_setting: str = "", via: str = "") -> None:
        self.name, self.proxy_setting, self.via = name, proxy_setting, via

    @property
    def is_proxy(self) -> bool:
        return bool(self.proxy_setting)

    @property
    def subject(self) -> str:
        """The name at the beginning of a sentence."""
        return f"The proxy {self.name}" if self.is_proxy else self._server

    @property
    def object(self) -> str:
        """The name within a sentence."""
        return f"the proxy {self.name}" if self.is_proxy else self._server

    @property
    def _server(self) -> str:
        return f"{self.name} (through the proxy {self.via})" if self.via else self.name

    def remedy(self, usual: str) -> str:
        """The remedy."""
        if self.proxy_setting == SYSTEM_SETTING:
            return "Check the proxy in the system's settings."
        return f"Check {self.proxy_setting} and NO_PROXY." if self.is_proxy else usual


def unresolved(peer: Peer, host: str) -> TransportError:
    """The name has no address."""
    owner = f" of {peer.object}" if peer.is_proxy else ""
    return TransportError(f"The name {host}{owner} could not be resolved.", peer.remedy(_NETWORK_REMEDY))


def failed(peer: Peer, error: OSError) -> TransportError:
    """The connection could not be made, or broke."""
    if isinstance(error, TimeoutError):
        return TransportError(f"{peer.subject} did not answer in time.", peer.remedy(_NETWORK_REMEDY))
    if isinstance(error, ConnectionRefusedError):
        return TransportError(f"{peer.subject} refused the connection.", peer.remedy(_ADDRESS_REMEDY))
    reason = _tls_reason(error) if isinstance(error, ssl.SSLError) else (error.strerror or type(error).__name__)
    return TransportError(f"The connection to {peer.object} failed: {reason}.", peer.remedy(_NETWORK_REMEDY))


def cut_off(peer: Peer) -> TransportError:
    """The connection was closed before the response was complete."""
    return TransportError(
        f"{peer.subject} closed the connection before its answer was complete.", peer.remedy(_NETWORK_REMEDY)
    )


def tls_failed(peer: Peer, error: ssl.SSLError) -> TransportError:
    """The TLS handshake failed, for another reason than the certificate."""
    return TransportError(f"TLS with {peer.object} failed: {_tls_reason(error)}.", peer.remedy(_SERVER_REMEDY))


def untrusted(peer: Peer, error: ssl.SSLCertVerificationError, issuer: str) -> UntrustedCertificate:
    """The certificate was rejected. `issuer` is its issuer, '' if unknown."""
    message = (
        f"The certificate of {peer.object} was not accepted: {_plain(error.verify_message) or 'it is not trusted'}."
    )
    if issuer:
        message += f" It was issued by {issuer!r}."
    if error.verify_code in _OUT_OF_TIME:
        clock = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
        return UntrustedCertificate(
            f"{message} This machine's clock shows {clock}.", "Check this machine's clock first."
        )
    return UntrustedCertificate(message, TRUST_REMEDY)


def proxy_refused(peer: Peer, target: str, status: int, reason: str) -> TransportError:
    """The proxy answered CONNECT with a status other than 2xx (RFC 9110 section 9.3.6)."""
    remedy = peer.remedy("")
    if status == 407:
        wanted = f"set {peer.proxy_setting} to {peer.name.replace('://', '://name:password@')}"
        remedy = f"The proxy wants a name and a password, or does not accept those it has: {wanted}"
    status_line = f"{status} {_plain(reason)}".strip()
    return TransportError(f"{peer.subject} did not open a connection to {target}: it answered {status_line}.", remedy)


def too_large(peer: Peer, limit: int) -> UnreadableAnswer:
    """The body has more than `limit` bytes; the rest was not read."""
    return UnreadableAnswer(
        f"{peer.subject} answered with more than {limit} bytes; the rest was not read.",
        "Check the URL and any proxy between here and there.",
    )


def not_http(peer: Peer) -> TransportError:
    """The server does not speak HTTP/1.1, or breaks its rules."""
    return TransportError(f"What {peer.object} answered is not HTTP.", peer.remedy(_SERVER_REMEDY))


def unreadable_bundle(name: str, path: str, reason: str) -> UsageError:
    """The environment names certificate authorities that cannot be used."""
    return UsageError(
        f"{name} names {shown_path(path)!r}, which cannot be read ({reason}).", f"Correct or unset {name}."
    )


def _tls_reason(error: ssl.SSLError) -> str:
    """Return OpenSSL's reason without its internal names, source files and line numbers."""
    code = error.reason or ""
    if code in _TLS_REASONS or isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return _TLS_REASONS.get(code, "it closed the connection")
    _, alert, name = code.partition("_ALERT_")
    return f"it answered {name.lower().replace('_', ' ')!r}" if alert else "the handshake did not succeed"


def _plain(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable())[:200]
