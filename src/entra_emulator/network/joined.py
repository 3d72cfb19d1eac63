"""Writes of one turn of the event loop, sent together."""

import asyncio
from typing import Any


class JoinedWrites:
    """A transport that sends what is written in one turn of the event loop as one.

    uvicorn writes the head of an answer and its body apart: two TLS records and two system calls, which wake the client
    twice. All other methods are those of the transport.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._held: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send it when this turn ends."""
        if not self._held:
            self._loop.call_soon(self._send)
        self._held.append(data)

    def close(self) -> None:
        """Send what was written, then close."""
        self._send()
        self._transport.close()

    def _send(self) -> None:
        if self._held:
            self._transport.write(b"".join(self._held))
            self._held.clear()
