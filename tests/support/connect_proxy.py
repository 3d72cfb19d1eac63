"""A proxy that forwards https (CONNECT) to one local server, whatever the requested host, like TLS inspection."""

from __future__ import annotations

import asyncio
import threading

from entra_emulator.network.proxy import Proxy


class ConnectProxy:
    """The emulator's proxy, alone: `url` is for HTTPS_PROXY, every login host ends at `127.0.0.1:port`."""

    def __init__(self, port: int) -> None:
        self._loop = asyncio.new_event_loop()
        self._proxy = Proxy(port)
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._proxy.start(), self._loop).result(5)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._proxy.port}"

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._proxy.stop(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()
