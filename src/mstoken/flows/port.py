"""What a flow needs of the outside world, and all that it may touch of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from mstoken.model import Grant, Token
    from mstoken.protocol.http import HttpRequest, HttpResponse

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Turn:
    """A caller's turn at something only one may do at a time.

    `failure` is the error of the one who tried while this caller waited: trying again at once would only repeat it.
    """

    failure: Exception | None = None


class Port(Protocol):
    """The outside world of a flow. Times are seconds; `now` is epoch seconds, UTC; `random` is in [0, 1)."""

    async def send(self, request: HttpRequest) -> HttpResponse: ...

    async def call(self, work: Callable[[], T | Awaitable[T]]) -> T:
        """What `work` gives: a file's content, a signature, a caller's function. It may block, or be awaitable."""
        ...

    async def sleep(self, seconds: float) -> None: ...

    def now(self) -> float: ...

    def random(self) -> float: ...

    async def load(self, key: str) -> Token | None: ...

    async def save(self, key: str, token: Token) -> None: ...

    async def delete(self, key: str) -> None: ...

    def exclusive(self, key: str) -> AbstractAsyncContextManager[Turn]:
        """One caller at a time for `key`, among all that share the store; the others wait."""
        ...

    async def load_grant(self, key: str) -> Grant | None: ...

    async def replace_grant(self, key: str, old: str, new: str) -> None:
        """Keep `new` as the current refresh token if `old` still is; durable when this returns."""
        ...
