"""The transport of a process: pyreqwest's, or in a child of a fork the standard library's (`after_fork` says why)."""

from __future__ import annotations

import os

from mstoken.forks import HasLock
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


class _OfProcess(HasLock, Generic[T]):
    """Has one transport for all threads of its process; what it made before a fork is the parent's."""

    _made: T | None = None

    def _begin_in_child(self) -> None:
        super()._begin_in_child()
        self._made = None

    def _here(self) -> T:
        return self._made or self._first()

    def _first(self) -> T:
        with self._lock:  # threads that ask at once for the first time would each make one
            self._made = self._made or self._make(in_a_child=os.getpid() != _AT_HOME)
            return self._made

    def _make(self, *, in_a_child: bool) -> T:
        raise NotImplementedError


class BlockingTransport(_OfProcess["PyreqwestTransport | ForkedTransport"]):
    """For blocking code. Connects at the first request; threads may share it, and it may be carried over a fork."""

    def send(self, request: HttpRequest) -> HttpResponse:
        """Send and read the whole answer. Raises TransportError, or UnreadableAnswer for one over `max_answer`."""
        return self._here().send(request)

    def close(self) -> None:
        """Close connections; the next request opens new ones."""
        if self._made is not None:
            self._made.close()

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
        if self._made is not None:
            await self._made.close()

    def _make(self, *, in_a_child: bool) -> AsyncPyreqwestTransport | AsyncForkedTransport:
        if in_a_child:
            from mstoken.transports.after_fork import AsyncForkedTransport

            return AsyncForkedTransport()
        from mstoken.transports.pyreqwest import AsyncPyreqwestTransport

        return AsyncPyreqwestTransport()
