"""The transparent proxy: CONNECT (RFC 9110 section 9.3.6) to the hosts that the emulator serves, and to no others.

A client that uses the proxy reaches `login.microsoftonline.com` and the API hosts under their own names, at any port:
MSAL.NET 4.83 keeps the port of a localhost authority when it queries login.microsoftonline.com about it. The proxy
forwards to the emulator's TLS listener, which presents the certificate of the host that the client names.
"""

import asyncio
import contextlib
import re

from entra_emulator.clouds import may_be_custom, served
from entra_emulator.resources import find_first_party

_PORT = re.compile(r"[1-9][0-9]{0,4}")
_HEAD_LIMIT = 16_384
_HEAD_TIMEOUT_IN = 30.0
_FLUSH_IN = 5.0


class Proxy:
    """Accepts connections on loopback and forwards allowed ones to `127.0.0.1:target`."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def start(self) -> None:
        """Listen on a port that the system chooses."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=_HEAD_LIMIT)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and close all connections."""
        if self._server:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
                async with asyncio.timeout(_HEAD_TIMEOUT_IN):
                    head = await reader.readuntil(b"\r\n\r\n")
                if refusal := self._refuse(head):
                    await _answer(writer, 403, refusal)
                else:
                    await self._splice(reader, writer)
        finally:
            writer.transport.abort()

    def _refuse(self, head: bytes) -> str | None:
        """Return why the proxy refuses a request; None if it does not."""
        line = head.split(b"\r\n", 1)[0].decode("latin-1")
        method, _, rest = line.partition(" ")
        if method != "CONNECT":
            return "The Entra ID emulator's proxy carries only https (CONNECT)."
        host, _, port = rest.split(" ", 1)[0].rpartition(":")
        if host in ("localhost", "127.0.0.1") and port == str(self._target):
            return None
        if _PORT.fullmatch(port) and (served(host) or may_be_custom(host)):
            return None
        refusal = f"The Entra ID emulator does not serve {host}:{port}, and its proxy forwards to no other host."
        known = find_first_party(f"https://{host}", None)
        return f"{refusal} It issues tokens for {known.name}, but does not emulate that API." if known else refusal

    async def _splice(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._target)
        try:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            pumps = [
                asyncio.ensure_future(_pump(reader, inner_writer)),
                asyncio.ensure_future(_pump(inner_reader, writer)),
            ]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
            # TLS has no half-open connections: when one side closes, the other receives the pending bytes and closes.
            await asyncio.gather(_close(writer), _close(inner_writer))
        finally:
            inner_writer.transport.abort()


async def _close(writer: asyncio.StreamWriter) -> None:
    """Send buffered data, then close."""
    with contextlib.suppress(OSError, TimeoutError):
        writer.close()
        async with asyncio.timeout(_FLUSH_IN):
            await writer.wait_closed()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(65_536):
            sink.write(data)
            await sink.drain()


async def _answer(writer: asyncio.StreamWriter, status: int, sentence: str) -> None:
    body = f"{sentence}\n".encode()
    head = (
        f"HTTP/1.1 {status} Forbidden\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    writer.write(head.encode() + body)
    await _close(writer)
