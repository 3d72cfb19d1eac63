"""A server that sends exactly the bytes that a test gives, including those that no HTTP library would send."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from typing import Self


class RawServer:
    """Answers the requests of each connection with the replies of `script`, in order; then closes the connection.

    A reply is a list of pieces that are sent one after the other. With `close` False the connection stays open after
    the last one. The script of the last connection serves all further ones. `hello`: the clients begin with TLS, which
    the server does not speak.
    """

    def __init__(
        self, *scripts: list[list[bytes]], close: bool = True, tls: ssl.SSLContext | None = None, hello: bool = False
    ) -> None:
        self.received: list[bytes] = []
        self.connections = 0
        self._scripts, self._close, self._tls, self._hello = scripts, close, tls, hello
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._listening.getsockname()[1]}/"
        self._over = threading.Event()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._listening.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                link, _ = self._listening.accept()
                script = self._scripts[min(self.connections, len(self._scripts) - 1)]
                self.connections += 1
                threading.Thread(target=self._serve, args=(link, script), daemon=True).start()

    def _serve(self, plain: socket.socket, script: list[list[bytes]]) -> None:
        with contextlib.suppress(OSError), plain:
            link = self._tls.wrap_socket(plain, server_side=True) if self._tls else plain
            with link:
                for pieces in script:
                    self.received.append(link.recv(65_536) if self._hello else received_request(link))
                    for piece in pieces:
                        link.sendall(piece)
                        if len(pieces) > 1:
                            time.sleep(0.01)  # so that they arrive one by one
                if not self._close:
                    self._over.wait(60)


def received_request(link: socket.socket) -> bytes:
    """One request with its body."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += _some(link)
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    while len(body) < length:
        body += _some(link)
    return head + b"\r\n\r\n" + body


def _some(link: socket.socket) -> bytes:
    if not (data := link.recv(65_536)):
        raise ConnectionResetError
    return data
