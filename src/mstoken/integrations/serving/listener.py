"""Listen at one address, and answer each connection in a thread: a bounded number of them, each with a deadline."""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import stat
import sys
import threading
import time
from pathlib import Path

from mstoken.errors import UsageError
from mstoken.integrations.serving import callers
from mstoken.integrations.serving.http import BadRequest, Request, Response, read_request, write_response
from mstoken.typed import TYPE_CHECKING
from mstoken.values import value

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_CONNECTIONS = 32
"""Connections that are served at the same time, for each address; more of them wait."""
_BACKLOG = 128
_POLL_IN = 0.1
_END_IN = 5.0
"""Seconds that a request may still take when the service ends."""
LOOPBACK = frozenset({"127.0.0.1", "::1"})
IMDS_ADDRESS = "169.254.169.254"


@value
class Address:
    """Where to listen: a host and a port (0: any free one), or the path of a Unix socket."""

    host: str = ""
    port: int = 0
    path: str = ""

    @property
    def text(self) -> str:
        """The address for messages."""
        return f"unix:{self.path}" if self.path else f"{self.url_host}:{self.port}"

    @property
    def url_host(self) -> str:
        """The host as URLs have it."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def names(self) -> frozenset[str]:
        """The hosts that a request to this address may name. Any other is how a web page reaches it (DNS rebinding)."""
        if self.path or self.host in LOOPBACK:
            return frozenset({"localhost", "127.0.0.1", "[::1]"})
        return frozenset({self.url_host})


class Listener:
    """Listens from construction until `close`. `answer` gets the requests of admitted callers, in several threads.

    With `own_user_only`, only this user's processes are admitted. `log` gets a line for each request. Raises UsageError
    if the address cannot be used.
    """

    def __init__(
        self,
        address: Address,
        answer: Callable[[Request], Response],
        log: Callable[[str, Response, float], None],
        *,
        own_user_only: bool,
    ) -> None:
        self._answer, self._log, self._own_user_only = answer, log, own_user_only
        self._socket = _bound(address)
        self.address = Address(address.host, self._socket.getsockname()[1]) if not address.path else address
        self._closing = threading.Event()
        self._slots: queue.Queue[None] = queue.Queue()
        for _ in range(MAX_CONNECTIONS):
            self._slots.put(None)
        self._thread = threading.Thread(target=self._accept, name="mstoken-serve", daemon=True)

    def start(self) -> None:
        """Accept connections from now on."""
        self._thread.start()

    def close(self) -> None:
        """Stop listening, and let running requests end, for a few seconds."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()
        self._socket.close()
        if self.address.path:
            Path(self.address.path).unlink(missing_ok=True)
        end_on = time.monotonic() + _END_IN
        with contextlib.suppress(queue.Empty):
            for _ in range(MAX_CONNECTIONS):
                self._slots.get(timeout=max(0.0, end_on - time.monotonic()))

    def _accept(self) -> None:
        self._socket.settimeout(_POLL_IN)
        while not self._closing.is_set():
            try:
                self._slots.get(timeout=_POLL_IN)
            except queue.Empty:
                continue
            try:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._serve, args=(connection,), name="mstoken-serve", daemon=True).start()
            except TimeoutError:
                self._slots.put(None)
            except (OSError, RuntimeError):  # too many open files, or no thread
                self._slots.put(None)
                time.sleep(_POLL_IN)

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.closing(connection), contextlib.suppress(OSError):
            try:
                self._serve_one(connection)
            finally:
                self._slots.put(None)

    def _serve_one(self, connection: socket.socket) -> None:
        started = time.monotonic()
        what, to_head = "-", False
        if self._own_user_only and not callers.is_admitted(callers.peer_of(connection)):
            response = Response(403, note="refused: not a process of this user")
        else:
            try:
                request = read_request(connection)
                what, to_head = f"{request.method} {request.path}", request.method == "HEAD"
                response = self._answer(request)
            except BadRequest as bad:
                response = bad.response
            except TimeoutError:
                response = Response(408, note="a request that did not arrive in time")
        if not response.status:
            return
        self._log(what, response, time.monotonic() - started)
        write_response(connection, response, to_head=to_head)


def _bound(address: Address) -> socket.socket:
    try:
        if address.path:
            return _bound_unix(address.path)
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        made = socket.socket(family, socket.SOCK_STREAM)
        try:
            if sys.platform != "win32":  # there it would let another program listen too
                made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind((address.host, address.port))
            made.listen(_BACKLOG)
        except OSError:
            made.close()
            raise
    except OSError as error:
        raise UsageError(f"Nothing can listen on {address.text}: {error.strerror}.", _remedy(address)) from None
    return made


def _remedy(address: Address) -> str:
    if address.host == IMDS_ADDRESS:
        return f"As root: ip address add {IMDS_ADDRESS}/32 dev lo. Port 80 needs root too."
    return "Choose another path." if address.path else "Choose another port, or 0 for any free one."


def _bound_unix(path: str) -> socket.socket:
    """Return a Unix socket that only its owner can connect to. One that a killed process has left is replaced."""
    if not hasattr(socket, "AF_UNIX"):
        raise UsageError("Python has no Unix sockets on this system.", "Choose a port.")
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_abandoned(path)
        before = os.umask(0o177)
        try:
            made.bind(path)
        finally:
            os.umask(before)
        made.listen(_BACKLOG)
    except OSError:
        made.close()
        raise
    return made


def _remove_abandoned(path: str) -> None:
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(status.st_mode) or status.st_uid != os.geteuid():
        return  # bind then says that the address is in use
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            Path(path).unlink()
