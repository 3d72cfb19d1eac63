"""Responses whose bodies are read in parts, from a server that sends bytes when the test says so."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from mstoken import TransportError
from mstoken.protocol.http import HttpRequest
from mstoken.transports.blocking import HttpTransport
from mstoken.transports.deadline import Abortable

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n"


class Peer:
    """One connection of a server, with what it has received and is to send."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/"
        self.connections: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()
        self.accepted = threading.Event()

    def _accept(self) -> None:
        try:
            while True:
                connection, _ = self._listening.accept()
                connection.recv(65536)
                self.connections.append(connection)
                connection.sendall(HEAD)
                self.accepted.set()
        except OSError:
            return

    def send(self, data: bytes) -> None:
        self.connections[-1].sendall(data)

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for connection in self.connections:
            connection.close()


@pytest.fixture
def peer() -> Iterator[Peer]:
    made = Peer()
    yield made
    made.close()


def test_parts_arrive_as_they_are_sent(peer: Peer) -> None:
    """And after its end, the connection serves the next request."""
    transport, deadline = HttpTransport(), Abortable(60)
    with transport.open(HttpRequest("GET", peer.url), deadline) as stream:
        assert (stream.status, stream.headers["x-a"]) == (200, "b")
        peer.send(b"3\r\nabc\r\n")
        assert stream.read() == b"abc"
        peer.send(b"2\r\nde\r\n0\r\n\r\n")
        assert stream.read() == b"de"
        assert stream.read() == b""

    def answer() -> None:
        peer.connections[-1].recv(65536)
        peer.send(HEAD + b"0\r\n\r\n")

    answers = threading.Thread(target=answer)
    answers.start()
    with transport.open(HttpRequest("GET", peer.url), deadline) as stream:
        assert stream.read() == b""
    answers.join()
    assert len(peer.connections) == 1
    transport.close()


@pytest.mark.parametrize("sent", [b"5\r\nab", b"xyz\r\n", b""])
def test_a_body_that_is_cut_off(peer: Peer, sent: bytes) -> None:
    transport = HttpTransport()
    with transport.open(HttpRequest("GET", peer.url), Abortable(60)) as stream:
        peer.send(sent)
        peer.connections[-1].shutdown(socket.SHUT_RDWR)
        with pytest.raises(TransportError, match="before its answer was complete"):
            list(iter(stream.read, b""))
    transport.close()


def test_another_thread_ends_it(peer: Peer) -> None:
    transport, deadline = HttpTransport(), Abortable(60)
    with transport.open(HttpRequest("GET", peer.url), deadline) as stream:
        threading.Timer(0.1, deadline.abort).start()
        with pytest.raises(TransportError):
            stream.read()
    transport.close()
