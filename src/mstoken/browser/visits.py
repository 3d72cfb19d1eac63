"""`flows.port.Visit` for blocking code and for asyncio: the same listener, waited for in two ways."""

from __future__ import annotations

import queue
import time

from mstoken.browser.listener import Listener
from mstoken.browser.opening import open_url
from mstoken.browser.pasting import Pasted
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping

    from mstoken.browser.listener import Arrival
    from mstoken.credentials import Browser
    from mstoken.flows.port import Ending

LOOK_EVERY_IN = 0.5
"""Seconds between looks for Ctrl-C, which does not interrupt a wait on Windows."""


class _Visit:
    """What both have: a listener, perhaps a terminal, and the arrival that is being dealt with."""

    def __init__(self, credential: Browser, deliver: Callable[[Arrival], None]) -> None:
        self._credential, self._deliver = credential, deliver
        self._listener = Listener(credential.port, deliver)
        self._pasted: Pasted | None = None
        self._arrival: Arrival | None = None
        self.redirect_uri = self._listener.redirect_uri

    def close(self) -> None:
        if self._pasted is not None:
            self._pasted.close()
        self._listener.close()

    def _open(self, url: str) -> bool:
        opened = (self._credential.open_browser or open_url)(url)
        if not opened and self._credential.paste:
            self._pasted = Pasted(self._deliver)
        return opened

    def _landed(self, arrival: Arrival) -> Mapping[str, str]:
        self._arrival = arrival
        return arrival.parameters

    def _show(self, ending: Ending) -> None:
        arrival, self._arrival = self._arrival, None
        if arrival is not None:
            arrival.answer(ending)


class BlockingVisit(_Visit):
    """Waits in the caller's thread."""

    def __init__(self, credential: Browser) -> None:
        self._arrivals: queue.SimpleQueue[Arrival] = queue.SimpleQueue()
        super().__init__(credential, self._arrivals.put)

    async def open(self, url: str) -> bool:
        return self._open(url)

    async def landing(self, within_in: float) -> Mapping[str, str] | None:
        give_up_on = time.monotonic() + within_in
        while (left_in := give_up_on - time.monotonic()) > 0:
            try:
                return self._landed(self._arrivals.get(timeout=min(left_in, LOOK_EVERY_IN)))
            except queue.Empty:
                continue
        return None

    async def show(self, ending: Ending) -> None:
        self._show(ending)


class AsyncioVisit(_Visit):
    """Waits on the event loop."""

    def __init__(self, credential: Browser) -> None:
        import asyncio

        loop = asyncio.get_running_loop()
        self._arrivals: asyncio.Queue[Arrival] = asyncio.Queue()

        def deliver(arrival: Arrival) -> None:
            loop.call_soon_threadsafe(self._arrivals.put_nowait, arrival)

        super().__init__(credential, deliver)

    async def open(self, url: str) -> bool:
        import asyncio

        return await asyncio.to_thread(self._open, url)

    async def landing(self, within_in: float) -> Mapping[str, str] | None:
        import asyncio

        try:
            return self._landed(await asyncio.wait_for(self._arrivals.get(), within_in))
        except TimeoutError:
            return None

    async def show(self, ending: Ending) -> None:
        import asyncio

        await asyncio.to_thread(self._show, ending)
