"""HTTP in a child of a process that has asked before: by the standard library, a connection a request.

The HTTP client of everything else works with threads, which fork(2) does not carry over: in the child a client made
before never answers, and a new one cannot be made. So that a client may be made and used before a server forks its
workers, the child goes this way. The rules are the same: proxies and certificate authorities by the environment, no
redirects, no answer beyond its size and time.
"""

from __future__ import annotations

import os
import socket
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from mstoken.transports import own_trust
from mstoken.transports.exchange import ask_over, left_in
from mstoken.transports.faults import unreachable, unreadable_bundle
from mstoken.transports.issuer import tls_connection
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.protocol.http import HttpRequest, HttpResponse


class ForkedTransport:
    """Blocking. Keeps nothing; threads may share it."""

    def send(self, request: HttpRequest) -> HttpResponse:
        """Send and read the whole answer. Raises TransportError, or UnreadableAnswer for one over `max_answer`."""
        if request.way.own_trust:
            return own_trust.send(request)
        return ask_over(lambda until: _connected(request, until), request)

    def close(self) -> None:
        """There is nothing to close."""


class AsyncForkedTransport:
    """The same under asyncio."""

    def __init__(self) -> None:
        self._blocking = ForkedTransport()

    async def send(self, request: HttpRequest) -> HttpResponse:
        """As `ForkedTransport.send`, in a thread."""
        import asyncio

        return await asyncio.to_thread(self._blocking.send, request)

    async def close(self) -> None:
        """There is nothing to close."""


def _connected(request: HttpRequest, until: float) -> socket.socket:
    parts = urlsplit(request.url)
    if parts.scheme != "https":  # without TLS only servers of this machine are spoken to, past any proxy
        return socket.create_connection((parts.hostname or "", parts.port or 80), left_in(until))
    connection = tls_connection(parts, left_in(until), _context(), direct=request.way.direct)
    if connection is None:
        raise unreachable(request.url, ["proxy", "in a child of a fork, only a proxy with an http:// URL can be used"])
    try:
        connection.connect()
    except ssl.SSLError:
        raise
    except OSError as error:
        by_proxy = (connection.host, connection.port) != (parts.hostname, parts.port or 443)
        raise unreachable(request.url, [*(["proxy"] if by_proxy else []), str(error)]) from None
    return connection.sock


def _context() -> ssl.SSLContext:
    """The system's authorities, or those of SSL_CERT_FILE; besides, those of the bundles that companies name."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        path = os.environ.get(name)
        if path and not Path(path).is_dir():
            try:
                context.load_verify_locations(path)
            except OSError as error:
                raise unreadable_bundle(name, path, error.strerror or type(error).__name__) from None
    return context
