"""HTTPS to a server that is trusted by rules of its own: by its certificate's thumbprint, or by one authority alone.

Service Fabric names its token endpoint by the SHA-1 of its certificate; AKS gives its token proxy a certificate
authority and a server name. The HTTP client of everything else can do neither, so this goes by the standard library:
one connection a request, no proxy. The certificate is checked before a byte of the request is sent.
"""

from __future__ import annotations

import hashlib
import hmac
import socket
import ssl
from contextlib import ExitStack
from urllib.parse import urlsplit

from mstoken.errors import UntrustedCertificate, UsageError
from mstoken.transports.exchange import ask_over, left_in
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.protocol.http import HttpRequest, HttpResponse, Way


def send(request: HttpRequest) -> HttpResponse:
    """Send and read the whole answer, blocking.

    Raises TransportError, which also is a certificate not accepted; UnreadableAnswer for an answer over `max_answer`;
    UsageError for a URL that is not https or a certificate authority that cannot be read.
    """
    parts = urlsplit(request.url)
    if parts.scheme != "https" or not parts.hostname:
        raise UsageError(f"{request.url} is not https; its server cannot prove who it is.", "Use an https:// URL.")
    host, port = parts.hostname, parts.port or 443
    return ask_over(lambda until: _connected(host, port, request, until), request)


def _connected(host: str, port: int, request: HttpRequest, until: float) -> ssl.SSLSocket:
    context = _context(request.way)
    with ExitStack() as opened:  # closed again unless all goes well
        plain = opened.enter_context(socket.create_connection((host, port), left_in(until)))
        link = opened.enter_context(context.wrap_socket(plain, server_hostname=request.way.server_name or host))
        if request.way.thumbprint:
            _check(link.getpeercert(binary_form=True), request.way.thumbprint, request.url)
        opened.pop_all()
    return link


def _context(way: Way) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if way.thumbprint:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # the thumbprint is the trust, as its issuer is nobody known
    elif way.ca_pem:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            context.load_verify_locations(cadata=way.ca_pem)
        except (ssl.SSLError, ValueError):
            raise UsageError(
                "The certificate authority of the token proxy is no PEM certificate.",
                "Correct AZURE_KUBERNETES_CA_FILE or AZURE_KUBERNETES_CA_DATA.",
            ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _check(certificate: bytes | None, thumbprint: str, url: str) -> None:
    """Source: learn.microsoft.com/azure/service-fabric/how-to-managed-identity-service-fabric-app-code"""
    shown = hashlib.sha1(certificate or b"", usedforsecurity=False).hexdigest()
    if not hmac.compare_digest(shown, thumbprint):
        raise UntrustedCertificate(
            f"{urlsplit(url).netloc} shows another certificate than the one named for it; nothing was sent.",
            "See IDENTITY_SERVER_THUMBPRINT; if the cluster has renewed its certificate, restart the application.",
        )
