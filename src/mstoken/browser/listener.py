"""Receive the response that ends a sign-in, on a loopback port (RFC 8252 sections 7.3 and 8.3).

The browser posts it as a form (OAuth 2.0 Form Post Response Mode), so that the code is in no address, history or log of
a proxy. A code in an address is taken only while `takes_code_in_query` allows it; an error may come either way.
Another web page could post a form, too, as it could lead the browser to an address: the state tells the right response
(RFC 6749 section 10.12). Its Origin cannot, because identity providers and custom domains have any.

The redirect URI says `localhost`, which a browser may resolve to 127.0.0.1 or to ::1. The listener holds the port on
both addresses, so that no other program on this machine can receive the code on the other one.
The listener serves one path and does not interpret the parameters: it passes them to a callback and answers with the
page that the caller chooses. Browsers open connections that they never use, so each connection has its own thread and a
short timeout.
"""

from __future__ import annotations

import errno
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from urllib.parse import parse_qsl, urlsplit

from mstoken.browser.pages import HEADERS, page
from mstoken.errors import UsageError
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any
    from urllib.parse import SplitResult

    from mstoken.flows.port import SignInOutcome

IDLE_TIMEOUT_IN = 5.0
"""Seconds that a connection may stay silent before its request."""
RESPONSE_TIMEOUT_IN = 90.0
"""Seconds that a browser waits for the page while the code is redeemed."""
WRITE_TIMEOUT_IN = 2.0
"""Seconds to wait for the page to reach the browser."""
_MAX_PARAMETERS = 50
_MAX_FORM_BYTES = 65_536
"""Bytes of a posted form; a code has up to about 2,000 characters."""
_MAX_LENGTH_DIGITS = 10
_FORM_TYPE = "application/x-www-form-urlencoded"
_MAX_PORTS = 20
"""Free ports to try before giving up: a port that is free on 127.0.0.1 may be in use on ::1."""
_NO_IPV6 = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT})
"""Errors of binding to ::1 on a machine without IPv6, or with IPv6 disabled."""


class Redirect:
    """A request to the redirect URI: its parameters, and the page that answers it."""

    def __init__(self, parameters: dict[str, str]) -> None:
        self.parameters = parameters
        self._outcome = ""
        self._decided, self._written = threading.Event(), threading.Event()

    def respond(self, outcome: SignInOutcome) -> None:
        """Show the page for `outcome`. Return when the browser has received it, or after WRITE_TIMEOUT_IN seconds."""
        self._outcome = outcome
        self._decided.set()
        self._written.wait(WRITE_TIMEOUT_IN)

    def wait_for_outcome(self) -> str:
        """Return the outcome passed to `respond`, or 'late' after RESPONSE_TIMEOUT_IN seconds without one."""
        self._decided.wait(RESPONSE_TIMEOUT_IN)
        return self._outcome or "late"

    def mark_written(self) -> None:
        """Record that no page is waiting to be written: the browser has received it or disconnected."""
        self._written.set()


class Listener:
    """Listen from construction to `close`, and call `on_redirect` in another thread for each redirect.

    Raises UsageError if the port is in use on one of the two addresses. Without IPv6, 127.0.0.1 alone is enough.
    """

    def __init__(self, port: int, on_redirect: Callable[[Redirect], None]) -> None:
        try:
            self._servers = _servers_on(port)
        except OSError as error:
            raise UsageError(
                f"The sign-in cannot listen on port {port} of this machine: {error.strerror}.",
                "Choose another port, or none to have a free one.",
            ) from None
        self.port = self._servers[0].server_port
        for server in self._servers:
            server.on_redirect, server.listener = on_redirect, self
            server.hosts = {f"{name}:{self.port}" for name in ("localhost", "127.0.0.1", "[::1]")}
        self.takes_code_in_query = False
        # The form that Microsoft tells people to register; Entra does not compare the port.
        self.redirect_uri = f"http://localhost:{self.port}"
        self._threads = [
            threading.Thread(target=server.serve_forever, args=(0.05,), name="mstoken-sign-in", daemon=True)
            for server in self._servers
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop listening."""
        for server, thread in zip(self._servers, self._threads, strict=True):
            server.shutdown()
            server.server_close()
            thread.join()


def parse_query(query: str) -> dict[str, str]:
    """Return the parameters of a redirect; an empty dict if any of them is repeated (RFC 6749 section 3.1)."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MAX_PARAMETERS)
    except ValueError:
        return {}
    parameters = dict(pairs)
    return parameters if len(parameters) == len(pairs) else {}


def _content_length(header: str) -> int:
    """Return the length of a body in bytes; 0 for anything but digits."""
    return int(header) if header.isascii() and header.isdigit() and len(header) < _MAX_LENGTH_DIGITS else 0


def _servers_on(port: int) -> list[_Server]:
    """Return a server for each loopback address, on one port; 0 means any port free on both. Raises OSError."""
    for tries_left in reversed(range(1 if port else _MAX_PORTS)):
        first = _Server(("127.0.0.1", port), _Handler)
        try:
            return [first, _Server6(("::1", first.server_port), _Handler)]
        except OSError as error:
            if error.errno in _NO_IPV6:
                return [first]
            first.server_close()
            if not tries_left:
                raise
    raise AssertionError("the last try returns or raises")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = False  # on some systems, True would let another program listen on the same port
    on_redirect: Callable[[Redirect], None]
    listener: Listener
    hosts: set[str]

    def server_bind(self) -> None:
        """Bind without asking for the address's name, as http.server does: a DNS server may take long to answer."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a browser that disconnects."""


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = IDLE_TIMEOUT_IN
    server_version, sys_version = "mstoken", ""

    def do_GET(self) -> None:
        """Answer a response in the address: an error, or a code where one may come this way."""
        if (url := self._expected_url()) is None:
            return
        parameters = parse_query(url.query)
        if "code" in parameters and not self.server.listener.takes_code_in_query:
            self._write(400, page("in-address"))
            return
        self._answer(parameters)

    def do_POST(self) -> None:
        """Answer a posted response; nothing of it may be in the address."""
        if (url := self._expected_url()) is not None:
            self._answer({} if url.query else self._posted_form())

    def _expected_url(self) -> SplitResult | None:
        """Return the request's URL; None after refusing it. An unknown Host header is a DNS rebinding attack."""
        url = urlsplit(self.path)
        if self.headers.get("Host", "").lower() in self.server.hosts and url.path in ("", "/"):
            return url
        self._write(404, b"")
        return None

    def _posted_form(self) -> dict[str, str]:
        """Return the parameters of the body; an empty dict if it is not one form of a moderate size."""
        length = _content_length(self.headers.get("Content-Length", ""))
        is_form = self.headers.get_content_type() == _FORM_TYPE and "Transfer-Encoding" not in self.headers
        if not is_form or not 0 < length <= _MAX_FORM_BYTES:
            return {}
        try:
            return parse_query(self.rfile.read(length).decode())
        except ValueError:  # not UTF-8
            return {}

    def _answer(self, parameters: dict[str, str]) -> None:
        if "state" not in parameters:
            self._write(400, page("unexpected"))
            return
        redirect = Redirect(parameters)
        try:
            self.server.on_redirect(redirect)
            outcome = redirect.wait_for_outcome()
            self._write(400 if outcome == "unexpected" else 200, page(outcome))
        finally:
            redirect.mark_written()

    def _write(self, status: int, body: bytes) -> None:
        self.send_response(status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Log nothing: the request line may contain the authorization code."""
