"""The transport of a process: pyreqwest's, or in a child of a fork the standard library's (`after_fork` says why)."""

from __future__ import annotations

import os

from mstoken.typed import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from mstoken.protocol.http import HttpRequest, HttpResponse
    from mstoken.transports.after_fork import AsyncForkedTransport, ForkedTransport
    from mstoken.transports.pyreqwest import AsyncPyreqwestTransport, PyreqwestTransport

T = TypeVar("T")

_AT_HOME = os.getpid()
"""The process that loaded this file, which happens when a client is about to ask for the first time."""


class _OfProcess(Generic[T]):
    """Has a transport for the process that it is used in; one that was inherited in a fork is left alone."""

    def __init__(self) -> None:
        self._made: T | None = None
        self._process = 0

    def _here(self) -> T:
        if self._made is None or self._process != os.getpid():
            self._made, self._process = self._make(in_a_child=os.getpid() != _AT_HOME), os.getpid()
        return self._made

    def _make(self, *, in_a_child: bool) -> T:
        raise NotImplementedError

    def _to_close(self) -> T | None:
        return self._made if self._process == os.getpid() else None


class BlockingTransport(_OfProcess["PyreqwestTransport | ForkedTransport"]):
    """For blocking code. Connects at the first request; threads may share it, and it may be carried over a fork."""

    def send(self, request: HttpRequest) -> HttpResponse:
        """Send and read the whole answer. Raises TransportError, or UnreadableAnswer for one over `max_answer`."""
        return self._here().send(request)

    def close(self) -> None:
        """Close connections; the next request opens new ones."""
        if (made := self._to_close()) is not None:
            made.close()

    def _make(self, *, in_a_child: bool) -> PyreqwestTransport | ForkedTransport:
        if in_a_child:
            from mstoken.transports.after_fork import ForkedTransport

            return ForkedTransport()
        from mstoken.transports.pyreqwest import PyreqwestTransport

        return PyreqwestTransport()


class AsyncioTransport(_OfProcess["AsyncPyreqwestTransport | AsyncForkedTransport"]):
    """`BlockingTransport` for asyncio."""

    def send(self, request: HttpRequest) -> Coroutine[Any, Any, HttpResponse]:
        """As `BlockingTransport.send`, awaited."""
        return self._here().send(request)

    async def close(self) -> None:
        """As `BlockingTransport.close`."""
        if (made := self._to_close()) is not None:
            await made.close()

    def _make(self, *, in_a_child: bool) -> AsyncPyreqwestTransport | AsyncForkedTransport:
        if in_a_child:
            from mstoken.transports.after_fork import AsyncForkedTransport

            return AsyncForkedTransport()
        from mstoken.transports.pyreqwest import AsyncPyreqwestTransport

        return AsyncPyreqwestTransport()
