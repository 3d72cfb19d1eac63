"""Send the writes of one turn of the event loop together."""

import asyncio
from typing import Any


class JoinedWrites:
    """A transport that sends the writes of one turn of the event loop as one.

    uvicorn writes the head and the body of a response separately: two TLS records and two system calls, which wake the
    client twice. All other methods are those of the transport.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._buffered: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send the data at the end of this turn."""
        if not self._buffered:
            self._loop.call_soon(self._send)
        self._buffered.append(data)

    def close(self) -> None:
        """Send pending writes, then close."""
        self._send()
        self._transport.close()

    def _send(self) -> None:
        if self._buffered:
            self._transport.write(b"".join(self._buffered))
            self._buffered.clear()
