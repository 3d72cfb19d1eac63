"""Run a flow without an event loop.

Flows are written once, as coroutines. Here every awaited call blocks and returns at once, so a single `send(None)`
runs the flow to its end; a flow that suspends is a bug and raises.
"""

from __future__ import annotations

import threading
import time
from contextlib import asynccontextmanager, closing

from mstoken.foreign import TRANSPORT, guarded, refuse_awaitable
from mstoken.forks import call_lock
from mstoken.runtimes.base import BaseRuntime
from mstoken.typed import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterator

    from mstoken.credentials import Browser
    from mstoken.flows.port import BrowserSession
    from mstoken.flows.store_port import AccessTokenStore, RefreshTokenStore, Release
    from mstoken.protocol.http import HttpRequest, HttpResponse
    from mstoken.runtimes.base import Given
    from mstoken.runtimes.single_flight import Flight

T = TypeVar("T")


class Transport(Protocol):
    """Sends one request and returns its response. Raises TransportError if there is none."""

    def send(self, request: HttpRequest) -> HttpResponse: ...

    def close(self) -> None: ...


def run_blocking(flow: Coroutine[Any, Any, T]) -> T:
    """Run `flow` to its end and return its result or raise its error."""
    try:
        flow.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    finally:
        flow.close()
    raise RuntimeError("a blocking runtime must never suspend")


def iterate_blocking(flow: AsyncGenerator[T, None]) -> Iterator[T]:
    """Yield what `flow` yields, each as it is asked for. Whoever stops early ends the flow."""
    try:
        while True:
            try:
                yield run_blocking(anext(flow))
            except StopAsyncIteration:
                return
    finally:
        run_blocking(flow.aclose())


class BlockingRuntime(BaseRuntime[threading.Lock]):
    """The port of the flows (`flows.port.Port`) over threads."""

    def __init__(self, transport: Transport, tokens: AccessTokenStore, refresh_tokens: RefreshTokenStore) -> None:
        super().__init__(tokens, refresh_tokens)
        self._transport = guarded(transport, TRANSPORT)

    run = staticmethod(run_blocking)
    iterate = staticmethod(iterate_blocking)

    async def send(self, request: HttpRequest) -> HttpResponse:
        return refuse_awaitable(self._transport.send(request), TRANSPORT.what, "Use AsyncClient, or a blocking one.")

    async def call(self, work: Callable[[], T | Awaitable[T]], *, blocks: bool = True) -> T:  # noqa: ARG002 - any may
        return refuse_awaitable(
            work(), "The function given to the credential", "Use AsyncClient, or give a plain function."
        )

    async def sleep(self, seconds: float) -> None:
        time.sleep(seconds)  # noqa: ASYNC251 - this runtime blocks; that is its purpose

    async def _reach(
        self,
        store: AccessTokenStore | RefreshTokenStore,  # noqa: ARG002 - every store may block here
        call: Callable[[*Given], T],
        *given: *Given,
    ) -> T:
        return call(*given)

    @asynccontextmanager
    async def browser_session(self, credential: Browser) -> AsyncGenerator[BrowserSession, None]:
        from mstoken.browser.sessions import BlockingBrowserSession

        with closing(BlockingBrowserSession(credential)) as browser_session:
            yield browser_session

    async def _try_lock(self, key: str) -> Release | None:
        return self._tokens.try_lock(key)

    async def unlock(self, release: Release) -> None:
        release()

    async def _nap(self, seconds: float) -> None:
        time.sleep(seconds)  # noqa: ASYNC251

    def _new_lock(self) -> threading.Lock:
        return call_lock()

    async def acquire(self, flight: Flight[threading.Lock], within_in: float) -> bool:
        return flight.lock.acquire(timeout=max(0, within_in))
