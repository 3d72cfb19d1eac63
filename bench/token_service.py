"""A light token service in a process of its own: it answers at once, always with the same token, and counts.

It speaks just enough HTTP/1.1 over TLS for every client in the bench: one thread, one poll loop and no framework, so
that the client is what is measured. Run by `service.py`, which talks to it over stdin and stdout.
"""

from __future__ import annotations

import heapq
import json
import resource
import select
import socket
import ssl
import sys
import time
from collections import Counter

from bench.parameters import TOKEN_LENGTH

EXPIRES_IN = 3599
_LONGEST_WAIT_IN = 3600.0


class Connection:
    """One client's socket, the bytes received from it, and those that it has not taken yet."""

    def __init__(self, sock: ssl.SSLSocket) -> None:
        self.sock = sock
        self.received = b""
        self.unsent = b""
        self.handshake_done = False


class TokenService:
    """Serves until stdin ends.

    Commands on stdin, a line each: `reset` prints the counts as JSON and starts again; `delay SECONDS` holds back the
    answers to token requests.
    """

    def __init__(self, certificate: str) -> None:
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._listener.setblocking(False)  # noqa: FBT003 - the socket's own signature
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
        self._poll = select.epoll()
        self._poll.register(self._listener, select.EPOLLIN)
        self._poll.register(sys.stdin, select.EPOLLIN)
        self._connections: dict[int, Connection] = {}
        self._due: list[tuple[float, int, bytes]] = []
        self._delay_in = 0.0
        self._counts: Counter[str] = Counter()
        token = "eyJ0eXAiOiJKV1QifQ." + "x" * (TOKEN_LENGTH - 19)
        self._token = _answer({"token_type": "Bearer", "expires_in": EXPIRES_IN, "access_token": token})

    def serve(self) -> None:
        """Answer until stdin ends."""
        print(self.url, flush=True)
        while True:
            wait_in = max(0.0, self._due[0][0] - time.monotonic()) if self._due else _LONGEST_WAIT_IN
            for number, event in self._poll.poll(wait_in):
                if number == self._listener.fileno():
                    self._accept()
                elif number == sys.stdin.fileno():
                    line = sys.stdin.readline()
                    if not line:
                        return
                    print(json.dumps(self._command(*line.split())), flush=True)
                elif number in self._connections:
                    self._serve_one(number, event)
            while self._due and self._due[0][0] <= time.monotonic():
                _, number, answer = heapq.heappop(self._due)
                if number in self._connections:
                    self._send(number, answer)

    def _command(self, name: str, *words: str) -> dict[str, int]:
        counts = dict(self._counts)
        if name == "reset":
            self._counts.clear()
        elif name == "delay":
            self._delay_in = float(words[0])
        return counts

    def _accept(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except BlockingIOError:
                return
            self._counts["connections"] += 1
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            plain.setblocking(False)  # noqa: FBT003
            sock = self._tls.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
            self._connections[sock.fileno()] = Connection(sock)
            self._poll.register(sock, select.EPOLLIN)

    def _serve_one(self, number: int, event: int) -> None:
        connection = self._connections[number]
        try:
            if not connection.handshake_done:
                connection.sock.do_handshake()
                connection.handshake_done = True
            if event & select.EPOLLOUT:
                self._send(number, b"")
            self._receive(number, connection)
        except (ssl.SSLWantReadError, BlockingIOError):
            return
        except ssl.SSLWantWriteError:
            self._poll.modify(number, select.EPOLLIN | select.EPOLLOUT)
        except OSError:
            self._drop(number)

    def _receive(self, number: int, connection: Connection) -> None:
        while True:
            data = connection.sock.recv(65536)
            if not data:
                self._drop(number)
                return
            connection.received += data
            while (end := connection.received.find(b"\r\n\r\n")) >= 0:
                head = connection.received[:end]
                total = end + 4 + _length(head)
                if len(connection.received) < total:
                    break
                connection.received = connection.received[total:]
                self._answer(number, head)
            if not connection.sock.pending():
                return

    def _answer(self, number: int, head: bytes) -> None:
        if head.startswith(b"POST"):
            self._counts["tokens"] += 1
            if self._delay_in:
                heapq.heappush(self._due, (time.monotonic() + self._delay_in, number, self._token))
            else:
                self._send(number, self._token)
            return
        path = head.split(b" ", 2)[1].decode()
        if path.startswith("/subscriptions"):  # az lists them when it signs in
            self._send(number, _answer({"value": []}))
            return
        self._counts["discovery"] += 1
        self._send(number, _answer(_openid_configuration(_origin(head), path)))

    def _send(self, number: int, answer: bytes) -> None:
        connection = self._connections[number]
        connection.unsent += answer
        try:
            while connection.unsent:
                connection.unsent = connection.unsent[connection.sock.send(connection.unsent) :]
            self._poll.modify(number, select.EPOLLIN)
        except (ssl.SSLWantWriteError, BlockingIOError):
            self._poll.modify(number, select.EPOLLIN | select.EPOLLOUT)
        except OSError:
            self._drop(number)

    def _drop(self, number: int) -> None:
        connection = self._connections.pop(number, None)
        if connection is not None:
            self._poll.unregister(number)
            connection.sock.close()


def _length(head: bytes) -> int:
    return int(_header(head, b"content-length") or 0)


def _origin(head: bytes) -> str:
    """The origin that the client used, which may be a relay's."""
    return f"https://{_header(head, b'host').decode()}"


def _header(head: bytes, name: bytes) -> bytes:
    at = head.lower().find(b"\r\n" + name + b":")
    return head[at + len(name) + 3 :].split(b"\r\n", 1)[0].strip() if at >= 0 else b""


def _answer(body: dict[str, object]) -> bytes:
    """A response with the headers that Entra sends, which every client has to read."""
    payload = json.dumps(body).encode()
    head = (
        "HTTP/1.1 200 OK\r\nCache-Control: no-store, no-cache\r\nPragma: no-cache\r\n"
        "Content-Type: application/json; charset=utf-8\r\nExpires: -1\r\n"
        "Strict-Transport-Security: max-age=31536000; includeSubDomains\r\nX-Content-Type-Options: nosniff\r\n"
        f"Content-Length: {len(payload)}\r\n\r\n"
    )
    return head.encode() + payload


def _openid_configuration(origin: str, path: str) -> dict[str, object]:
    """The parts of a tenant's OpenID configuration that MSAL reads; it derives the URL from the authority."""
    tenant = path.strip("/").split("/", 1)[0]
    base = f"{origin}/{tenant}"
    return {
        "issuer": f"{base}/v2.0",
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "token_endpoint": f"{base}/oauth2/v2.0/token",
        "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
        "jwks_uri": f"{base}/discovery/v2.0/keys",
    }


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    TokenService(sys.argv[1]).serve()
