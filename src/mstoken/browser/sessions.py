"""Browser sessions (`flows.port.BrowserSession`) for blocking code and for asyncio, around one listener."""

from __future__ import annotations

import queue
import time

from mstoken.browser.launcher import open_url
from mstoken.browser.listener import Listener
from mstoken.browser.pasted_urls import PastedUrls
from mstoken.foreign import ForeignCode, refuse_awaitable
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, Mapping

    from mstoken.browser.listener import Redirect
    from mstoken.credentials import Browser
    from mstoken.flows.port import SignInOutcome

POLL_INTERVAL_IN = 0.5
"""Seconds between checks for Ctrl-C, which does not interrupt a wait on Windows."""

_OPEN = ForeignCode(
    "The function that opens the browser", "Correct `open_browser` of the Browser; the cause is its own error."
)


class _BrowserSession:
    """The parts that both sessions share: the listener, pasted URLs, and the redirect to answer."""

    def __init__(self, credential: Browser, on_redirect: Callable[[Redirect], None]) -> None:
        self._credential, self._on_redirect = credential, on_redirect
        self._listener = Listener(credential.port, on_redirect)
        self._pasted: PastedUrls | None = None
        self._redirect: Redirect | None = None
        self.redirect_uri = self._listener.redirect_uri
        self._listener.takes_code_in_query = credential.paste and credential.show is not None

    @property
    def reads_pasted_urls(self) -> bool:
        return self._pasted is not None

    def close(self) -> None:
        if self._pasted is not None:
            self._pasted.close()
        self._listener.close()

    def _start(self, url: str) -> bool | Awaitable[bool]:
        custom = self._credential.open_browser
        return _OPEN.calling(custom)(url) if custom else open_url(url)

    def _started(self, opened: object) -> bool:
        """Return whether the browser was opened; if not, read pasted URLs."""
        if not opened and self._credential.paste:
            self._listener.takes_code_in_query = True  # the shown address may be opened on this machine, too
            self._pasted = PastedUrls(self._on_redirect, self.redirect_uri)
        return bool(opened)

    def _receive(self, redirect: Redirect) -> Mapping[str, str]:
        self._redirect = redirect
        return redirect.parameters

    def _show(self, outcome: SignInOutcome) -> None:
        redirect, self._redirect = self._redirect, None
        if redirect is not None:
            redirect.respond(outcome)


class BlockingBrowserSession(_BrowserSession):
    """A session that waits in the caller's thread."""

    def __init__(self, credential: Browser) -> None:
        self._redirects: queue.SimpleQueue[Redirect] = queue.SimpleQueue()
        super().__init__(credential, self._redirects.put)

    async def open(self, url: str) -> bool:
        return self._started(
            refuse_awaitable(self._start(url), _OPEN.what, "Use AsyncClient, or give a plain function.")
        )

    async def wait_for_redirect(self, timeout_in: float) -> Mapping[str, str] | None:
        deadline_on = time.monotonic() + timeout_in
        while (remaining_in := deadline_on - time.monotonic()) > 0:
            try:
                return self._receive(self._redirects.get(timeout=min(remaining_in, POLL_INTERVAL_IN)))
            except queue.Empty:
                continue
        return None

    async def show(self, outcome: SignInOutcome) -> None:
        self._show(outcome)


class AsyncioBrowserSession(_BrowserSession):
    """A session that waits on the event loop."""

    def __init__(self, credential: Browser) -> None:
        import asyncio

        loop = asyncio.get_running_loop()
        self._redirects: asyncio.Queue[Redirect] = asyncio.Queue()

        def on_redirect(redirect: Redirect) -> None:
            loop.call_soon_threadsafe(self._redirects.put_nowait, redirect)

        super().__init__(credential, on_redirect)

    async def open(self, url: str) -> bool:
        import asyncio

        opened = await asyncio.to_thread(self._start, url)
        return await asyncio.to_thread(self._started, opened if isinstance(opened, bool) else await opened)

    async def wait_for_redirect(self, timeout_in: float) -> Mapping[str, str] | None:
        import asyncio

        try:
            return self._receive(await asyncio.wait_for(self._redirects.get(), timeout_in))
        except TimeoutError:
            return None

    async def show(self, outcome: SignInOutcome) -> None:
        import asyncio

        await asyncio.to_thread(self._show, outcome)
