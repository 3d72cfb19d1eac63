"""From an origin to an open connection: proxy, address, TCP, tunnel and TLS."""

from __future__ import annotations

import ssl
from contextlib import suppress

from mstoken.errors import MstokenError, UsageError
from mstoken.transports.connection import Connection
from mstoken.transports.dialing import dial
from mstoken.transports.failures import Peer, failed, untrusted
from mstoken.transports.proxy_lookup import proxy_settings
from mstoken.transports.resolving import RESOLVER
from mstoken.transports.tls import check_thumbprint, secured
from mstoken.transports.trust import trust_for, unverified
from mstoken.typed import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import socket

    from mstoken.protocol.http import ConnectionPolicy
    from mstoken.transports.deadline import Deadline
    from mstoken.transports.outgoing import Origin
    from mstoken.transports.proxies import Proxy
    from mstoken.transports.tls_in_tls import TunnelledTls
    from mstoken.transports.trust import Trust

CONNECT_IN = 10.0
DIRECT_CONNECT_IN = 2.0
"""Seconds for TCP. Servers whose policy is `direct` are on this machine or beside it; azure-identity waits as long."""
PROBE_IN = 3.0
"""Seconds to find out who issued a certificate; an error without the name is better than one that is late."""

_UNKNOWN_ISSUER = {2, 18, 19, 20, 21}
"""OpenSSL's codes for a certificate whose issuer is not in the store (openssl-verification-options(1))."""


class _NotAccepted(Exception):
    """The certificate that `peer` presented was rejected."""

    def __init__(self, peer: Peer, error: ssl.SSLCertVerificationError) -> None:
        super().__init__()
        self.peer, self.error = peer, error


class Route:
    """Opens connections to one origin under one policy. `proxy` is that of the settings at its creation."""

    def __init__(self, origin: Origin, policy: ConnectionPolicy) -> None:
        """Raises UsageError for invalid settings, and for a TLS policy without TLS."""
        self.origin, self.policy = origin, policy
        self.tls = origin.scheme == "https"
        if policy.pins_server and not self.tls:
            message = f"{origin.host_header} is not reached by https; it cannot prove who it is."
            raise UsageError(message, "Use an https:// URL.")
        direct = policy.direct or policy.pins_server or not self.tls
        self.proxy: Proxy | None = None if direct else proxy_settings().proxy_for(origin.host, origin.port)
        self.peer = Peer(origin.host_header, via=self.proxy.url if self.proxy else "")
        self._first = Peer(self.proxy.url, proxy_setting=self.proxy.source) if self.proxy else self.peer
        self._connect_in = DIRECT_CONNECT_IN if policy.direct else CONNECT_IN
        self._session: tuple[ssl.SSLContext, ssl.SSLSession] | None = None

    def connect(self, deadline: Deadline) -> Connection:
        """Return a new connection to a server whose identity was verified. Raises TransportError and UsageError."""
        if not self.tls:
            return Connection(self._reached(deadline, None), self.peer)
        trust = trust_for(self.policy)  # an unusable setting is told before anything is sent
        whole = trust.is_whole
        try:
            try:
                link = self._secured(trust, deadline)
            except _NotAccepted as refused:
                if whole or refused.error.verify_code not in _UNKNOWN_ISSUER:
                    raise
                trust.widen()
                link = self._secured(trust, deadline)
        except _NotAccepted as refused:
            issuer = "" if refused.peer.is_proxy else self._issuer(trust, deadline)
            raise untrusted(refused.peer, refused.error, issuer) from None
        return Connection(link, self.peer)

    def keep_session(self, connection: Connection) -> None:
        """Resume this connection's TLS 1.2 session next time. Python has no such interface for TLS 1.3."""
        link = connection.link
        if isinstance(link, ssl.SSLSocket) and link.version() == "TLSv1.2" and link.session is not None:
            self._session = (link.context, link.session)

    def _secured(self, trust: Trust, deadline: Deadline) -> ssl.SSLSocket | TunnelledTls:
        name = self.policy.server_name or self.origin.host
        context, session = self._session or (None, None)
        link = self._reached(deadline, trust)
        secure = _shaken(link, name, trust, deadline, self.peer, session if context is trust.context else None)
        if self.policy.thumbprint:
            try:
                check_thumbprint(secure, self.policy, self.peer)
            except BaseException:
                secure.close()
                raise
        return secure

    def _reached(self, deadline: Deadline, trust: Trust | None) -> socket.socket:
        """Return a TCP connection to the server, or a tunnel through the proxy. `trust` is for a proxy over TLS."""
        peer = self.proxy or self.origin
        try:
            addresses = RESOLVER.addresses(peer.host, peer.port, deadline, self._first)
            link = dial(addresses, deadline.at_most(self._connect_in))
        except OSError as error:
            raise failed(self._first, error) from None
        if self.proxy is None:
            return link
        from mstoken.transports.tunnel import open_tunnel

        try:
            if self.proxy.scheme == "https" and trust is not None:
                link = cast("ssl.SSLSocket", _shaken(link, self.proxy.host, trust, deadline, self._first, None))
            open_tunnel(link, self.proxy, _host_and_port(self.origin), deadline, self._first)
        except BaseException:
            link.close()
            raise
        return link

    def _issuer(self, trust: Trust, deadline: Deadline) -> str:
        """Return the issuer of the rejected certificate, '' if it is unknown.

        OpenSSL's errors do not name the issuer. A second handshake with the server, over the same route, fetches the
        certificate, and nothing else is sent. The certificate stays untrusted: its name is only shown in the message.
        """
        from mstoken.transports.issuer import issuer_in

        step = deadline.at_most(PROBE_IN)
        with suppress(OSError, ValueError, MstokenError, _NotAccepted):
            name = self.policy.server_name or self.origin.host
            secure = _shaken(self._reached(step, trust), name, unverified(), step, self.peer, None)
            try:
                return issuer_in(secure.getpeercert(binary_form=True) or b"")
            finally:
                secure.close()
        return ""


def _shaken(
    link: socket.socket, name: str, trust: Trust, deadline: Deadline, peer: Peer, session: ssl.SSLSession | None
) -> ssl.SSLSocket | TunnelledTls:
    """Return the TLS connection after the handshake. Raises _NotAccepted and TransportError."""
    try:
        return secured(link, name, trust, deadline, peer, session)
    except ssl.SSLCertVerificationError as error:
        raise _NotAccepted(peer, error) from None
    except OSError as error:
        raise failed(peer, error) from None


def _host_and_port(origin: Origin) -> str:
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    return f"{host}:{origin.port}"
