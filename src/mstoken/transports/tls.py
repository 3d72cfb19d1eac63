"""TLS over an open connection: to the server, to a proxy, or to the server inside the proxy's TLS."""

from __future__ import annotations

import ssl

from mstoken.errors import UntrustedCertificate
from mstoken.transports.failures import tls_failed
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

    from mstoken.protocol.http import ConnectionPolicy
    from mstoken.transports.deadline import Deadline
    from mstoken.transports.failures import Peer
    from mstoken.transports.tls_in_tls import TunnelledTls
    from mstoken.transports.trust import Trust


def secured(
    link: socket.socket,
    host: str,
    trust: Trust,
    deadline: Deadline,
    peer: Peer,
    session: ssl.SSLSession | None = None,
) -> ssl.SSLSocket | TunnelledTls:
    """Perform the handshake; the server must prove that it is `host`. `link` is consumed, and closed on failure.

    Raises ssl.SSLCertVerificationError if the certificate is rejected, else TransportError and OSError.
    """
    # As text, the name would go through a codec that is slow to import. Only Python's own `ssl` takes bytes: the
    # system's verification and gevent's `ssl` do not.
    name = host.encode() if host.isascii() and type(trust.context).__module__ == "ssl" else host
    try:
        link.settimeout(deadline.left())
        if isinstance(link, ssl.SSLSocket):
            from mstoken.transports.tls_in_tls import TunnelledTls

            return TunnelledTls(link, trust.context, host, deadline)
        return trust.context.wrap_socket(link, server_hostname=name, session=session)
    except ssl.SSLCertVerificationError:
        link.close()
        raise
    except ssl.SSLError as error:
        link.close()
        raise tls_failed(peer, error) from None
    except BaseException:
        link.close()
        raise


def check_thumbprint(link: ssl.SSLSocket | TunnelledTls, policy: ConnectionPolicy, peer: Peer) -> None:
    """Source: learn.microsoft.com/azure/service-fabric/how-to-managed-identity-service-fabric-app-code"""
    import hashlib
    import hmac

    shown = hashlib.sha1(link.getpeercert(binary_form=True) or b"", usedforsecurity=False).hexdigest()
    if not hmac.compare_digest(shown, policy.thumbprint):
        raise UntrustedCertificate(
            f"{peer.name} shows another certificate than the one named for it; nothing was sent.",
            "See IDENTITY_SERVER_THUMBPRINT; if the cluster has renewed its certificate, restart the application.",
        )
