"""One request and its answer over a socket, against what servers send, well or badly."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from mstoken import TransportError, UnreadableAnswer
from mstoken.protocol.http import HttpRequest, HttpResponse
from mstoken.transports.exchange import exchange

GET = HttpRequest("GET", "https://api.example:8443/a/b?c=d", {"Accept": "application/json"}, max_answer=1000)


class Server:
    """The other end of a socket: what it received, and what it sends, piece by piece."""

    def __init__(self) -> None:
        self.link, self._far = socket.socketpair()
        self.received = b""

    def ask(self, *pieces: bytes, request: HttpRequest = GET, close: bool = True) -> HttpResponse:
        def serve() -> None:
            self.received = self._far.recv(65536)
            for piece in pieces:
                self._far.sendall(piece)
            if close:
                self._far.shutdown(socket.SHUT_WR)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            return exchange(self.link, request, time.monotonic() + 20)
        finally:
            thread.join()

    def close(self) -> None:
        self.link.close()
        self._far.close()


@pytest.fixture
def server() -> Iterator[Server]:
    """A server for one request."""
    served = Server()
    yield served
    served.close()


def test_the_request_is_whole(server: Server) -> None:
    """Method, path with query, host with port, headers, length and body arrive; the connection serves for one."""
    request = HttpRequest("POST", GET.url, {"Content-Type": "text/plain"}, b"x=1")
    server.ask(b"HTTP/1.1 204 No Content\r\n\r\n", request=request)
    lines = server.received.decode().split("\r\n")
    assert lines[0] == "POST /a/b?c=d HTTP/1.1"
    assert sorted(lines[1:-2]) == [
        "Connection: close",
        "Content-Length: 3",
        "Content-Type: text/plain",
        "Host: api.example:8443",
        "User-Agent: mstoken",
    ]
    assert lines[-2:] == ["", "x=1"]


OK = b"HTTP/1.1 200 OK\r\nX-A: 1, 2\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n"


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([OK + b"Content-Length: 5\r\n\r\nhello"], id="length"),
        pytest.param([OK.replace(b"\r", b"") + b"Content-Length: 5\n\nhello"], id="bare line ends"),
        pytest.param([b"HTTP/1.1 200\r\nx-a:1, 2\r\n\r\nhello"], id="to the end, without a reason"),
        pytest.param([b"HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 5\r\n\r\nhello"], id="said twice"),
        pytest.param([OK + b"Content-Length: 5, 5\r\n\r\nhello and more"], id="length twice, and more than asked for"),
        pytest.param([CHUNKED + b"\r\n2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nTrailer: 1\r\n\r\n"], id="chunks"),
        pytest.param([CHUNKED + b"Content-Length: 99\r\n\r\n5\r\nhello\r\n0\r\n\r\n"], id="chunks go before a length"),
        pytest.param(
            [b"HTTP/1.1 100 X\r\n\r\nHTTP/1.1 103 Y\r\nX-B: 1\r\n\r\n", OK + b"\r\nhello"], id="interim answers"
        ),
        pytest.param([OK[:3], OK[3:15], OK[15:] + b"Content-Len", b"gth: 5\r\n\r", b"\nhel", b"lo"], id="in pieces"),
    ],
)
def test_every_form_of_an_answer_is_read(server: Server, pieces: list[bytes]) -> None:
    """Status, headers in lower case and the body, however the server frames them."""
    answer = server.ask(*pieces)
    assert (answer.status, answer.headers["x-a"], answer.body) == (200, "1, 2", b"hello")


@pytest.mark.parametrize("status", [204, 304])
def test_some_answers_have_no_body(server: Server, status: int) -> None:
    """Whatever their headers say, and without waiting for the connection's end."""
    answer = server.ask(f"HTTP/1.1 {status} X\r\nContent-Length: 5\r\n\r\n".encode(), close=False)
    assert (answer.status, answer.body) == (status, b"")


@pytest.mark.parametrize(
    "content",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 \xb2\xb0\xb0 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n folded: line\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nName : spaced\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 20_000 + b"\r\n",
    ],
)
def test_what_is_not_http_is_told(server: Server, content: bytes) -> None:
    """Nothing is guessed: an answer that breaks the rules is an error that names the server."""
    with pytest.raises(TransportError, match=r"What api.example:8443 answered is not HTTP"):
        server.ask(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ],
)
def test_an_answer_that_ends_early_is_told(server: Server, content: bytes) -> None:
    """A part of an answer is never taken for the whole."""
    with pytest.raises(OSError, match="cut off"):
        server.ask(content)


@pytest.mark.parametrize(
    "content",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1001,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n" + b"x" * 1000 + b"\r\n1\r\nx\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
    ],
)
def test_an_answer_that_is_too_large_is_not_read_on(server: Server, content: bytes) -> None:
    """The limit holds for every form of body, and a length that is too large is enough to know."""
    with pytest.raises(UnreadableAnswer, match="more than 1000 bytes"):
        server.ask(content)


def test_a_server_that_drips_has_so_much_time_in_all(server: Server) -> None:
    """The time is for the whole answer: every byte in time does not make it longer."""
    far = server._far

    def drip() -> None:
        far.recv(65536)
        with contextlib.suppress(OSError):  # the client hangs up
            for _ in range(600):
                far.sendall(b"H")
                time.sleep(0.05)

    thread = threading.Thread(target=drip)
    thread.start()
    with pytest.raises(TimeoutError):
        exchange(server.link, GET, time.monotonic() + 0.4)
    server.link.close()
    thread.join()


@pytest.mark.parametrize(
    "request_",
    [
        HttpRequest("GET", "https://api.example/a b"),
        HttpRequest("GET", "https://api.example/ä"),
        HttpRequest("GET", "https://api.example/", {"X": "1\r\nHost: evil.example"}),
        HttpRequest("GET", "https://api.example/", {"X\n": "1"}),
    ],
)
def test_nothing_may_leave_its_line(server: Server, request_: HttpRequest) -> None:
    """A header or a URL cannot smuggle in another; nothing is sent then."""
    with pytest.raises(ValueError, match="may not stand there"):
        exchange(server.link, request_, time.monotonic() + 5)
    server._far.setblocking(False)  # noqa: FBT003 - the socket's own signature
    with pytest.raises(BlockingIOError):
        server._far.recv(1)
