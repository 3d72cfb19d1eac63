"""HTTPS for a program that asks once and ends: by OpenSSL, which is Python's own, and not a client for thousands.

The usual client first reads every certificate of the system, makes random numbers of its own and starts a thread, which
pays off later and takes longer than all else here (docs/decisions/0011-one-request.md). This one connects, looks up the
one certificate authority it needs in the system's folder of them, asks and ends. Whatever is unusual goes the usual way
instead, and so does every failure before a byte of the request is sent, so that what it means is told in one place.
"""

from __future__ import annotations

import os
import sys
import time
from urllib.parse import urlsplit

from mstoken.protocol.http import USUAL_WAY
from mstoken.transports.exchange import ANSWER_IN, exchange
from mstoken.transports.faults import unreachable
from mstoken.typed import TYPE_CHECKING
from mstoken.values import replace

if TYPE_CHECKING:
    import ssl

    from mstoken.protocol.http import HttpRequest, HttpResponse
    from mstoken.transports.pyreqwest import PyreqwestTransport

CONNECT_IN = 1.0
"""Seconds for connecting: only the first address is tried. The usual client tries several side by side (RFC 8305)."""
LEAST_IN = 0.5
"""Seconds the usual transport has in any case."""
_PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


class OnceTransport:
    """Blocking. Each request has a connection of its own; what it cannot do the usual transport does."""

    def __init__(self) -> None:
        self._usual: PyreqwestTransport | None = None

    def send(self, request: HttpRequest) -> HttpResponse:
        """Send and read the whole answer. Raises as the usual transport does."""
        started = time.monotonic()
        link = _connected(request)
        if link is not None:
            try:
                with link:
                    return exchange(link, request, started + (request.answer_in or ANSWER_IN))
            except OSError as error:
                raise unreachable(request.url, [str(error) or type(error).__name__]) from None
            except ValueError:
                pass  # nothing was sent
        if request.answer_in is not None:
            request = replace(request, answer_in=max(request.answer_in - (time.monotonic() - started), LEAST_IN))
        return self._ordinary().send(request)

    def close(self) -> None:
        """Close what the usual transport holds."""
        if self._usual is not None:
            self._usual.close()

    def _ordinary(self) -> PyreqwestTransport:
        if self._usual is None:
            from mstoken.transports.pyreqwest import PyreqwestTransport

            self._usual = PyreqwestTransport()
        return self._usual


def _connected(request: HttpRequest) -> ssl.SSLSocket | None:
    """A connection to the server, which has proved who it is; None where the usual way has to be gone."""
    url, host = urlsplit(request.url), ""
    if request.way is USUAL_WAY and url.scheme == "https" and not any(map(os.environ.get, _PROXIES)):
        host = url.hostname or ""
    folder = _authorities() if host else ""
    if not folder:
        return None
    import socket
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        name = host.encode("ascii")  # as text it would be taken for a name to encode, by a codec that is slow to import
        context.load_verify_locations(capath=folder)
        family, kind, protocol, _, address = socket.getaddrinfo(name, url.port or 443, type=socket.SOCK_STREAM)[0]
        plain = socket.socket(family, kind, protocol)
    except (OSError, ValueError):
        return None
    try:
        plain.settimeout(CONNECT_IN)
        plain.connect(address)
        return context.wrap_socket(plain, server_hostname=name)
    except (OSError, ValueError):
        return None
    finally:
        plain.close()  # a socket that was wrapped is no longer this one's


def _authorities() -> str:
    """The folder in which OpenSSL finds a certificate authority by its name, '' where there is none to go by.

    A part of what the system trusts, never more: the usual transport trusts SSL_CERT_DIR and SSL_CERT_FILE too, and the
    system's own store where neither is set. On macOS and Windows that is no folder.
    """
    if folder := os.environ.get("SSL_CERT_DIR"):
        return folder
    if sys.platform != "linux" or os.environ.get("SSL_CERT_FILE"):
        return ""
    import ssl

    return ssl.get_default_verify_paths().capath or ""
