"""Run flows on an asyncio event loop. Stores stay blocking: slow ones run in a thread, memory never leaves the loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable
from contextlib import asynccontextmanager, suppress

from mstoken.errors import UsageError
from mstoken.foreign import TRANSPORT, guarded
from mstoken.runtimes.base import BaseRuntime
from mstoken.typed import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from mstoken.credentials import Browser
    from mstoken.flows.port import BrowserSession
    from mstoken.flows.store_port import AccessTokenStore, RefreshTokenStore, Release
    from mstoken.protocol.http import HttpRequest, HttpResponse
    from mstoken.runtimes.base import Given
    from mstoken.runtimes.single_flight import Flight

T = TypeVar("T")


class AsyncTransport(Protocol):
    """Sends one request and returns its response. Raises TransportError if there is none."""

    async def send(self, request: HttpRequest) -> HttpResponse: ...

    async def close(self) -> None: ...


class AsyncioRuntime(BaseRuntime[asyncio.Lock]):
    """The port of the flows (`flows.port.Port`) over tasks. Event loops in several threads may share it."""

    def __init__(self, transport: AsyncTransport, tokens: AccessTokenStore, refresh_tokens: RefreshTokenStore) -> None:
        super().__init__(tokens, refresh_tokens)
        self._transport = guarded(transport, TRANSPORT)

    async def send(self, request: HttpRequest) -> HttpResponse:
        sent = self._transport.send(request)
        if not hasattr(sent, "__await__"):
            raise UsageError(f"{TRANSPORT.what} is not async.", "Use Client, or define its `send` with `async def`.")
        return await sent

    async def call(self, work: Callable[[], T | Awaitable[T]], *, blocks: bool = True) -> T:
        result = await asyncio.to_thread(work) if blocks else work()
        return await result if isinstance(result, Awaitable) else result

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def _reach(
        self, store: AccessTokenStore | RefreshTokenStore, call: Callable[[*Given], T], *given: *Given
    ) -> T:
        return await asyncio.to_thread(call, *given) if store.slow else call(*given)

    @asynccontextmanager
    async def browser_session(self, credential: Browser) -> AsyncGenerator[BrowserSession, None]:
        from mstoken.browser.sessions import AsyncioBrowserSession

        browser_session = AsyncioBrowserSession(credential)
        try:
            yield browser_session
        finally:
            await asyncio.shield(asyncio.to_thread(browser_session.close))

    def _flight_key(self, key: str) -> object:
        """Return a key with the event loop: asyncio's locks serve one loop, the store's locks serve all."""
        return asyncio.get_running_loop(), key

    def _new_lock(self) -> asyncio.Lock:
        return asyncio.Lock()

    async def acquire(self, flight: Flight[asyncio.Lock], within_in: float) -> bool:
        if flight.users == 1:
            return await flight.lock.acquire()  # nobody else holds it, so there is no wait
        try:
            async with asyncio.timeout(within_in):
                return await flight.lock.acquire()
        except TimeoutError:
            return False

    async def _try_lock(self, key: str) -> Release | None:
        if not self._tokens.slow:
            return self._tokens.try_lock(key)
        taken: list[Release] = []
        cancelled = threading.Event()

        def take_lock() -> Release | None:
            release = self._tokens.try_lock(key)
            if release is not None:
                taken.append(release)
                if cancelled.is_set():
                    _give_back(taken)
            return release

        try:
            return await asyncio.to_thread(take_lock)
        except BaseException:
            cancelled.set()
            _give_back(taken)
            raise

    async def unlock(self, release: Release) -> None:
        """Unlock in a thread if that may take a while; directly if the caller is cancelled."""
        if not self._tokens.slow:
            release()
            return
        taken = [release]
        try:
            await asyncio.to_thread(_give_back, taken)
        except BaseException:
            _give_back(taken)
            raise

    async def _nap(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def _give_back(taken: list[Release]) -> None:
    """Unlock unless it is done already: a list gives its last item to only one caller, thread or task."""
    with suppress(IndexError):
        taken.pop()()
