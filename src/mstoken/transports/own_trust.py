"""HTTPS to a server that is trusted by rules of its own: by its certificate's thumbprint, or by one authority alone.

Service Fabric names its token endpoint by the SHA-1 of its certificate; AKS gives its token proxy a certificate
authority and a server name. The HTTP client of everything else can do neither, so this goes by the standard library:
one connection a request, no proxy. The certificate is checked before a byte of the request is sent.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import socket
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mstoken.errors import TransportError, UsageError
from mstoken.protocol.http import HttpResponse
from mstoken.transports.faults import too_large, unreachable

if TYPE_CHECKING:
    from mstoken.protocol.http import HttpRequest, Way

ANSWER_IN = 30.0
"""Seconds a single read or write may take when the request does not say."""


def send(request: HttpRequest) -> HttpResponse:
    """Send and read the whole answer, blocking.

    Raises TransportError, which also is a certificate not accepted; UnreadableAnswer for an answer over `max_answer`;
    UsageError for a URL that is not https or a certificate authority that cannot be read.
    """
    parts = urlsplit(request.url)
    if parts.scheme != "https" or not parts.hostname:
        raise UsageError(f"{request.url} is not https; its server cannot prove who it is.", "Use an https:// URL.")
    connection = _Connection(parts.hostname, parts.port or 443, request)
    try:
        path = parts.path or "/"
        connection.request(
            request.method,
            f"{path}?{parts.query}" if parts.query else path,
            body=request.body or None,
            headers=dict(request.headers),
        )
        answer = connection.getresponse()
        body = answer.read(request.max_answer + 1)
        if answer.length and len(body) <= request.max_answer:
            raise http.client.IncompleteRead(body, answer.length)
    except (OSError, http.client.HTTPException) as error:
        reason = "the answer was cut off" if isinstance(error, http.client.IncompleteRead) else str(error)
        raise unreachable(request.url, [reason or type(error).__name__]) from None
    finally:
        connection.close()
    if len(body) > request.max_answer:
        raise too_large(request.url, request.max_answer)
    return HttpResponse(answer.status, {name.lower(): value for name, value in answer.getheaders()}, body)


class _Connection(http.client.HTTPConnection):
    def __init__(self, host: str, port: int, request: HttpRequest) -> None:
        super().__init__(host, port, timeout=request.answer_in or ANSWER_IN)
        self._way, self._url = request.way, request.url
        self._context = _context(request.way)

    def connect(self) -> None:
        plain = socket.create_connection((self.host, self.port), self.timeout)
        try:
            self.sock = self._context.wrap_socket(plain, server_hostname=self._way.server_name or self.host)
        except BaseException:
            plain.close()
            raise
        if self._way.thumbprint:
            _check(self.sock.getpeercert(binary_form=True), self._way.thumbprint, self._url)


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
        raise TransportError(
            f"{urlsplit(url).netloc} shows another certificate than the one named for it; nothing was sent.",
            "See IDENTITY_SERVER_THUMBPRINT; if the cluster has renewed its certificate, restart the application.",
        )
