"""A server whose response never ends."""

from __future__ import annotations

import contextlib
import socket
import threading


class SlowServer:
    """Says `start` at once, then a letter every now and then, for ever; the context's value is its URL.

    `asked` is set once a request has come.
    """

    def __init__(self, start: bytes) -> None:
        self._start = start
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._over = threading.Event()
        self.asked = threading.Event()

    def __enter__(self) -> str:
        threading.Thread(target=self._serve, daemon=True).start()
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}/"

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._listening.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError), self._listening.accept()[0] as connection:
            connection.recv(65_536)
            self.asked.set()
            connection.sendall(self._start)
            while self._start and not self._over.wait(0.1):
                connection.sendall(b"x")
            self._over.wait(60)
