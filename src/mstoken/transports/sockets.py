"""Sockets that close themselves, without a ResourceWarning, if their client is garbage-collected without `close`."""

from __future__ import annotations

import socket
import ssl


class TcpSocket(socket.socket):
    """A TCP connection."""

    __slots__ = ()

    def __del__(self) -> None:
        if self.fileno() >= 0:  # it may never have been opened
            self.close()


class TlsSocket(ssl.SSLSocket):
    """A TLS connection."""

    def __del__(self) -> None:
        if self.fileno() >= 0:  # it may never have been opened
            self.close()
