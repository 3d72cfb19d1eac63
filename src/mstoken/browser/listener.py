"""Listen on loopback for the browser that comes back from signing in (RFC 8252 sections 7.3 and 8.3).

The redirect URI says `localhost`, which a browser may resolve to 127.0.0.1 or to ::1. The listener holds the port on
both addresses, so that no other program of this machine can receive the code on the one that is left free.
The listener serves one path and knows nothing of the sign-in: whoever waits gets what arrived and says which page
answers it. A browser may open connections it never uses, so each connection has its own thread and little time.
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

    from mstoken.flows.port import SignInOutcome

IDLE_TIMEOUT_IN = 5.0
"""Seconds a connection may be silent before its request."""
RESPONSE_TIMEOUT_IN = 90.0
"""Seconds a browser waits for the page while the code is redeemed."""
WRITE_TIMEOUT_IN = 2.0
_MAX_PARAMETERS = 50
_MOST_PORTS = 20
"""Free ports to try before giving up: one that is free on 127.0.0.1 may be taken on ::1."""
_NO_IPV6 = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT})
"""What binding to ::1 fails with where the machine has no IPv6, or has it switched off."""


class Redirect:
    """Somebody at the redirect URI: the parameters they brought, and how they are answered."""

    def __init__(self, parameters: dict[str, str]) -> None:
        self.parameters = parameters
        self._outcome = ""
        self._decided, self._written = threading.Event(), threading.Event()

    def respond(self, outcome: SignInOutcome) -> None:
        """Have the page for `ending` shown; returns when the browser has it, or soon if it has gone."""
        self._outcome = outcome
        self._decided.set()
        self._written.wait(WRITE_TIMEOUT_IN)

    def wait_for_outcome(self) -> str:
        """What was answered; 'late' when nobody did."""
        self._decided.wait(RESPONSE_TIMEOUT_IN)
        return self._outcome or "late"

    def mark_written(self) -> None:
        """The browser has its page, or is gone; or nobody is there to get one."""
        self._written.set()


class Listener:
    """Listens from construction to `close`. `deliver` is called, in another thread, with each arrival.

    Raises UsageError when the port is taken on one of the two addresses. Where there is no IPv6, 127.0.0.1 is enough.
    """

    def __init__(self, port: int, on_redirect: Callable[[Redirect], None]) -> None:
        try:
            self._servers = _servers_on(port)
        except OSError as error:
            raise UsageError(
                f"The sign-in cannot listen on port {port} of this machine: {error.strerror}.",
                "Use another port, or none to have a free one taken.",
            ) from None
        self.port = self._servers[0].server_port
        for server in self._servers:
            server.on_redirect = on_redirect
            server.hosts = {f"{name}:{self.port}" for name in ("localhost", "127.0.0.1", "[::1]")}
        # As registered by everybody who follows Microsoft's advice; Entra does not compare the port.
        self.redirect_uri = f"http://localhost:{self.port}"
        self._threads = [
            threading.Thread(target=server.serve_forever, args=(0.05,), name="mstoken-sign-in", daemon=True)
            for server in self._servers
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop listening; connections that wait for a page get one that says so."""
        for server, thread in zip(self._servers, self._threads, strict=True):
            server.shutdown()
            server.server_close()
            thread.join()


def parse_query(query: str) -> dict[str, str]:
    """The parameters of a redirect, '' for none; one that stands twice makes all of them worthless."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MAX_PARAMETERS)
    except ValueError:
        return {}
    found = dict(pairs)
    return found if len(found) == len(pairs) else {}


def _servers_on(port: int) -> list[_Server]:
    """A server on each loopback address, on one port; any that is free on both when `port` is 0. Raises OSError."""
    for tries_left in reversed(range(1 if port else _MOST_PORTS)):
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
    allow_reuse_address = False  # or another program of this machine could listen on the same port, on some systems
    on_redirect: Callable[[Redirect], None]
    hosts: set[str]

    def server_bind(self) -> None:
        """Bind without asking for the address's name, as http.server does: a DNS server may take long to answer."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up is no news."""


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = IDLE_TIMEOUT_IN
    server_version, sys_version = "mstoken", ""

    def do_GET(self) -> None:
        """The redirect; nothing else is here. Another host name is a web page that rebinds names to reach in."""
        url = urlsplit(self.path)
        if self.headers.get("Host", "").lower() not in self.server.hosts or url.path not in ("", "/"):
            self._write(404, b"")
            return
        parameters = parse_query(url.query)
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
        """The request line has the code in it: it goes to no log."""
