"""A proxy for CONNECT that records its requests, gives a scripted response, and tunnels to one server."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from typing import Self

from tests.support.raw_server import received_request


class RecordingProxy:
    """Answers CONNECT with `answer`; where that is a 200, every tunnel ends at `127.0.0.1:port`.

    `heads` are the requests as they came, `url` is for HTTPS_PROXY. With `tls` the proxy itself is reached by TLS.
    """

    def __init__(
        self, port: int, answer: bytes = b"HTTP/1.1 200 OK\r\n\r\n", tls: ssl.SSLContext | None = None
    ) -> None:
        self.heads: list[str] = []
        self._port, self._answer, self._tls = port, answer, tls
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listening.getsockname()[1]}"
        self.url = f"{'https' if tls else 'http'}://{self.address}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                link, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(link,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        with contextlib.suppress(OSError), plain, self._wrapped(plain) as link:
            self.heads.append(received_request(link).decode("latin-1"))
            link.sendall(self._answer)
            if b" 200 " in self._answer:
                with socket.create_connection(("127.0.0.1", self._port)) as server:
                    back = threading.Thread(target=_copy, args=(server, link), daemon=True)
                    back.start()
                    _copy(link, server)
                    back.join(20)

    def _wrapped(self, plain: socket.socket) -> socket.socket:
        return self._tls.wrap_socket(plain, server_side=True) if self._tls else plain


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        socket.socket.shutdown(target, socket.SHUT_WR)
