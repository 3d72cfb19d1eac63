"""Run flows on an asyncio event loop. Stores stay blocking: slow ones run in a thread, memory never leaves the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, Protocol, TypeVar

from mstoken.runtimes.surroundings import Surroundings
from mstoken.runtimes.turns import Entry

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from contextlib import AbstractContextManager

    from mstoken.credentials import Browser
    from mstoken.flows.port import Turn, Visit
    from mstoken.flows.store_port import GrantStore, TokenStore
    from mstoken.protocol.http import HttpRequest, HttpResponse

T = TypeVar("T")


class AsyncTransport(Protocol):
    """Sends one request and returns its answer. Raises TransportError when none came."""

    async def send(self, request: HttpRequest) -> HttpResponse: ...

    async def close(self) -> None: ...


class AsyncioRuntime(Surroundings):
    """The port of the flows (`flows.port.Port`) over tasks of one event loop."""

    def __init__(self, transport: AsyncTransport, tokens: TokenStore, grants: GrantStore) -> None:
        super().__init__(tokens, grants)
        self._transport = transport
        self._entries: dict[str, Entry[asyncio.Lock]] = {}

    async def send(self, request: HttpRequest) -> HttpResponse:
        return await self._transport.send(request)

    async def call(self, work: Callable[[], T | Awaitable[T]]) -> T:
        given = await asyncio.to_thread(work)
        return await given if isinstance(given, Awaitable) else given

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def _reach(self, store: TokenStore | GrantStore, call: Callable[[], T]) -> T:
        return await asyncio.to_thread(call) if store.slow else call()

    @asynccontextmanager
    async def visit(self, credential: Browser) -> AsyncGenerator[Visit, None]:
        from mstoken.browser.visits import AsyncioVisit

        visit = AsyncioVisit(credential)
        try:
            yield visit
        finally:
            await asyncio.shield(asyncio.to_thread(visit.close))

    @asynccontextmanager
    async def exclusive(self, key: str) -> AsyncGenerator[Turn, None]:
        entry = self._entries.setdefault(key, Entry(asyncio.Lock()))
        arrived = entry.arrive()
        try:
            async with entry.lock:
                turn = entry.begin(arrived)
                try:
                    async with self._shared(key) if self._tokens.slow else nullcontext():
                        yield turn
                except Exception as error:
                    if turn.failure is None:
                        entry.failed(error)
                    raise
        finally:
            entry.users -= 1
            if not entry.users:
                del self._entries[key]

    @asynccontextmanager
    async def _shared(self, key: str) -> AsyncGenerator[None, None]:
        """The store's lock between processes, waited for in a thread; a cancelled wait still gives the lock back.

        A store that is not slow is this process's own.
        """
        guard: AbstractContextManager[None] = self._tokens.exclusive(key)
        entering = asyncio.ensure_future(asyncio.to_thread(guard.__enter__))
        try:
            await asyncio.shield(entering)
        except asyncio.CancelledError:
            entering.add_done_callback(lambda done: done.exception() or guard.__exit__(None, None, None))
            raise
        try:
            yield
        finally:
            await asyncio.shield(asyncio.to_thread(guard.__exit__, None, None, None))
