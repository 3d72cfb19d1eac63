"""CONNECT: a connection to a server through a proxy (RFC 9110 section 9.3.6)."""

from __future__ import annotations

import http.client
import ssl

from mstoken.transports.failures import cut_off, failed, not_http, proxy_refused
from mstoken.transports.wire import TooMuch, Wire
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

    from mstoken.transports.deadline import Deadline
    from mstoken.transports.failures import Peer
    from mstoken.transports.proxies import Proxy

_HEAD = 256 * 1024
"""Bytes that the proxy's answer may take."""


def open_tunnel(link: socket.socket, proxy: Proxy, target: str, deadline: Deadline, peer: Peer) -> None:
    """Tell the proxy to connect `link` to `target`, a `host:port`. Raises TransportError with the proxy's name.

    Name and password go into this request, which only the proxy reads.
    """
    # Read byte by byte: what follows the proxy's answer belongs to the server.
    wire = Wire(link, buffer=1)
    wire.begin(deadline, _HEAD)
    connection = http.client.HTTPConnection("localhost")
    connection.auto_open = 0
    connection.sock = wire
    headers = {"Host": target}
    if proxy.authorization:
        headers["Proxy-Authorization"] = proxy.authorization
    try:
        connection.request("CONNECT", target, headers=headers)
        wire.flush()
        response = connection.getresponse()
    except (http.client.RemoteDisconnected, ssl.SSLEOFError):
        raise cut_off(peer) from None
    except OSError as error:
        raise failed(peer, error) from None
    except (http.client.HTTPException, ValueError, TooMuch):
        raise (cut_off if wire.ended else not_http)(peer) from None
    if not 200 <= response.status < 300:
        raise proxy_refused(peer, target, response.status, response.reason)
