"""The thread of a server: an event loop with a listener and, for the emulator itself, the proxy."""

import asyncio
import contextlib
import logging
import socket
import threading
from typing import TYPE_CHECKING, Any, cast

import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from entra_emulator.faults import ABORT

from .certificates import CertificateAuthority
from .joined import JoinedWrites
from .proxy import Proxy

if TYPE_CHECKING:
    from starlette.types import ASGIApp

# The client receives the errors of its requests; they do not belong in the output of a test run.
_log = logging.getLogger("entra_emulator.http")
_log.setLevel(logging.ERROR)
_FINISH_IN = 1.0  # how long requests in flight may take when the emulator stops


def _protocol(**settings: Any) -> Any:
    """Return uvicorn's protocol, changed to send each response at once and to let the application cut a connection.

    The extensions of every request's scope (ASGI 3, "Extensions") contain the transport's abort.
    """
    protocol: Any = AutoHTTPProtocol(**settings)
    protocol.logger = _log
    inner, begin = protocol.app, protocol.connection_made

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope.setdefault("extensions", {})[ABORT] = protocol.transport.abort
        await inner(scope, receive, send)

    protocol.app = app
    protocol.connection_made = lambda transport: begin(JoinedWrites(transport))
    return protocol


class ServerThread:
    """Serves an ASGI application on loopback until stopped, by HTTPS, or by HTTP without a certificate authority.

    `proxy_port` is known once started; with `proxy` False there is none.
    """

    def __init__(
        self, app: "ASGIApp", authority: CertificateAuthority | None, sock: socket.socket, *, proxy: bool = True
    ) -> None:
        self._config = uvicorn.Config(
            app,
            http=cast("type[asyncio.Protocol]", _protocol),
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,  # the application sets the date by the emulator's clock
            timeout_keep_alive=60,
        )
        self._config.load()
        self._config.ssl = authority.server_context if authority else None
        self._socket = sock
        self._proxy = Proxy(sock.getsockname()[1]) if proxy else None
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="entra-emulator", daemon=True)

    @property
    def proxy_port(self) -> int:
        """The port of the transparent proxy."""
        return self._proxy.port if self._proxy else 0

    def start(self) -> None:
        """Start to serve. Return when the server accepts connections."""
        self._thread.start()
        self._ready.wait()
        if self._failure:
            raise self._failure

    def stop(self) -> None:
        """Stop the server and end the thread."""
        if self._loop and self._stop:
            with contextlib.suppress(RuntimeError):  # the loop has already ended
                self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as problem:  # noqa: BLE001  # handed to the thread that waits in start()
            self._failure = problem
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = uvicorn.Server(self._config)
        server.lifespan = self._config.lifespan_class(self._config)
        await server.startup(sockets=[self._socket])
        if self._proxy:
            await self._proxy.start()
        self._ready.set()
        await self._stop.wait()
        if self._proxy:
            await self._proxy.stop()
        await _shut(server)


async def _shut(server: uvicorn.Server) -> None:
    """Close idle connections at once. uvicorn's shutdown waits up to half a minute for each client to close TLS."""
    for listener in server.servers:
        listener.close()
    tasks = set(server.server_state.tasks)
    if tasks:
        await asyncio.wait(tasks, timeout=_FINISH_IN)
    for connection in list(server.server_state.connections):
        transport = getattr(connection, "transport", None)
        if transport is not None:
            transport.abort()
    await asyncio.sleep(0)


def bind(port: int) -> socket.socket:
    """Return a bound socket on loopback; port 0 lets the system choose."""
    # asyncio disables Nagle's algorithm only if the socket names its protocol; otherwise each response takes 40 ms.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", port))
    except (OSError, OverflowError):
        sock.close()
        raise
    return sock
