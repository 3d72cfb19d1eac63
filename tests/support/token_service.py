"""A scripted token service on loopback: a real HTTP server that answers what a test tells it to."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

TENANT = "contoso.onmicrosoft.com"
CLIENT_ID = "6731de76-14a6-49ae-97bc-6eba6914391e"


@dataclass
class RecordedRequest:
    """One request the service saw."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


@dataclass
class Reply:
    """One answer the service gives; `raw` is sent as it is, without a length, and the connection closed."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    delay: float = 0.0

    def payload(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


def token_reply(value: str = "token-1", expires_in: Any = 3599, **more: Any) -> Reply:
    return Reply(200, {"token_type": "Bearer", "expires_in": expires_in, "access_token": value, **more})


def device_code_reply(interval: int = 5) -> Reply:
    """The answer of the device authorization endpoint (RFC 8628 section 3.2); `interval` is in seconds."""
    return Reply(
        200,
        {
            "user_code": "ABC123DEF",
            "device_code": "the-device-code",
            "verification_uri": "https://microsoft.com/devicelogin",
            "expires_in": 900,
            "interval": interval,
            "message": "Open the page and enter ABC123DEF.",
        },
    )


class QuietServer(ThreadingHTTPServer):
    """A server that prints no traceback for clients that disconnect, which are part of these tests."""

    request_queue_size = 1024  # with 5, some of many simultaneous connections are dropped and wait a second or more

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


class TokenService:
    """A real HTTP server that answers from a script: a list of replies, then the last one for ever."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.connections = 0
        self.requests: list[RecordedRequest] = []
        self.script: list[Reply | Callable[[RecordedRequest], Reply]] = [token_reply()]
        self._lock = threading.Lock()
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                service.connections += 1
                super().setup()

            def handle_any(self) -> None:
                service._answer(self, RecordedRequest(self.command, self.path, dict(self.headers), _body(self)))

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815

            def log_message(self, *args: object) -> None:
                pass

        self._server = QuietServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._scheme = "https" if tls else "http"
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}"

    def _answer(self, handler: BaseHTTPRequestHandler, request: RecordedRequest) -> None:
        with self._lock:
            self.requests.append(request)
            entry = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        reply = entry if isinstance(entry, Reply) else entry(request)
        threading.Event().wait(reply.delay)
        if reply.raw is not None:
            handler.wfile.write(reply.raw)
            handler.close_connection = True
            return
        payload = reply.payload()
        handler.send_response_only(reply.status)  # the other one sends a Date of its own besides the reply's
        usual = {"Date": handler.date_time_string(), "Content-Length": str(len(payload))}
        for name, value in {**usual, **reply.headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        if request.method != "HEAD":
            handler.wfile.write(payload)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _body(handler: BaseHTTPRequestHandler) -> bytes:
    """The body of the request, all of it: what stays unread is taken for the next request of the connection."""
    if handler.headers.get("transfer-encoding", "").lower() != "chunked":
        return handler.rfile.read(int(handler.headers.get("content-length", 0)))
    body = b""
    while size := int(handler.rfile.readline(), 16):  # RFC 9112 section 7.1, without extensions and trailers
        body += handler.rfile.read(size)
        handler.rfile.readline()
    handler.rfile.readline()
    return body
