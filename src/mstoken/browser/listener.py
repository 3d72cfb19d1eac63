"""Listen on 127.0.0.1 for the browser that comes back from signing in (RFC 8252 sections 7.3 and 8.3).

The listener serves one path and knows nothing of the sign-in: whoever waits gets what arrived and says which page
answers it. A browser may open connections it never uses, so each connection has its own thread and little time.
"""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
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

    Raises UsageError when the port is taken.
    """

    def __init__(self, port: int, on_redirect: Callable[[Redirect], None]) -> None:
        try:
            self._server = _Server(("127.0.0.1", port), _Handler)
        except OSError as error:
            raise UsageError(
                f"The sign-in cannot listen on port {port} of this machine: {error.strerror}.",
                "Use another port, or none to have a free one taken.",
            ) from None
        self._server.on_redirect = on_redirect
        self._server.hosts = {f"{name}:{self._server.server_port}" for name in ("localhost", "127.0.0.1")}
        # As registered by everybody who follows Microsoft's advice; Entra does not compare the port.
        self.redirect_uri = f"http://localhost:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="mstoken-sign-in", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening; connections that wait for a page get one that says so."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def parse_query(query: str) -> dict[str, str]:
    """The parameters of a redirect, '' for none; one that stands twice makes all of them worthless."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MAX_PARAMETERS)
    except ValueError:
        return {}
    found = dict(pairs)
    return found if len(found) == len(pairs) else {}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = False  # or another program of this machine could listen on the same port, on some systems
    on_redirect: Callable[[Redirect], None]
    hosts: set[str]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up is no news."""


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
