"""The blocking transport for asyncio: each request runs in a daemon thread and returns its result to its event loop."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from mstoken.forks import ForkSafe
from mstoken.transports.deadline import TIMEOUT_IN, Abortable
from mstoken.transports.workers import WORKERS
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.protocol.http import HttpRequest, HttpResponse
    from mstoken.transports.blocking import HttpTransport


class AsyncHttpTransport(ForkSafe):
    """`HttpTransport` for asyncio. Event loops may share it, one after another and in several threads at once."""

    def __init__(self) -> None:
        super().__init__()
        self._made: HttpTransport | None = None

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Send as `HttpTransport.send` does. A cancelled task ends at once, and its connection is closed."""
        call = _Call(self, request)
        WORKERS.run(call.run)
        try:
            return await call.future
        except asyncio.CancelledError:
            call.deadline.abort()
            raise

    async def close(self) -> None:
        """Close as `HttpTransport.close` does."""
        if self._made is not None:
            self._made.close()

    def blocking(self) -> HttpTransport:
        """Return the blocking transport. Runs in a thread, because the import takes too long for an event loop."""
        from mstoken.transports.blocking import HttpTransport

        with self._lock:
            if self._made is None:
                self._made = HttpTransport()
            return self._made


class _Call:
    """One request and the thread that sends it."""

    def __init__(self, transport: AsyncHttpTransport, request: HttpRequest) -> None:
        self._transport, self._request = transport, request
        self._loop = asyncio.get_running_loop()
        self.future: asyncio.Future[HttpResponse] = self._loop.create_future()
        self.deadline = Abortable(request.timeout_in or TIMEOUT_IN, renews=request.renews_timeout)

    def run(self) -> None:
        """Send the request, in the thread."""
        if self.future.cancelled():
            return
        response: HttpResponse | None = None
        error: BaseException | None = None
        try:
            response = self._transport.blocking().send(self._request, self.deadline)
        except BaseException as caught:  # noqa: BLE001 - it is raised where the request was made
            error = caught
        with suppress(RuntimeError):  # the loop may have ended meanwhile
            self._loop.call_soon_threadsafe(self._deliver, response, error)
        error = None  # its traceback refers to this frame

    def _deliver(self, response: HttpResponse | None, error: BaseException | None) -> None:
        if self.future.done():
            return
        if error is not None:
            self.future.set_exception(error)
        elif response is not None:
            self.future.set_result(response)
