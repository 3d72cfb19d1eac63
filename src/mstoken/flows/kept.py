"""Fresh from the store, else exactly one caller asks while the others wait.

A token that is due for renewal but still valid is renewed by one caller; if the service fails, the valid one serves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from mstoken.errors import MstokenError, TryLater
from mstoken.model import Freshness
from mstoken.values import replace

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from mstoken.flows.port import Turn
    from mstoken.model import About, Token

RENEW_AGAIN_IN = 60
"""Seconds from the beginning of a renewal to the next try, if it fails; the valid token serves meanwhile."""


class Shelf(Protocol):
    """Where tokens are kept, and taken turns at: the part of `Port` that is needed here, or a place of its own."""

    def now(self) -> float: ...

    async def load(self, key: str) -> Token | None: ...

    async def save(self, key: str, token: Token, about: About | None = None) -> None: ...

    def exclusive(self, key: str) -> AbstractAsyncContextManager[Turn]: ...


async def kept(
    key: str,
    ask: Callable[[], Awaitable[Token]],
    port: Shelf,
    about: About | None = None,
    *,
    min_ttl: float = 0,
    fresh: bool = False,
) -> Token:
    """The token under `key` if it has `min_ttl` more seconds, else what `ask` gives, which is kept.

    `fresh` asks in any case. Raises what `ask` raises.
    """

    async def asked() -> Token:
        token = await ask()
        await port.save(key, token, about)
        return token

    if fresh:
        return await asked()
    found = await port.load(key)
    if found and found.freshness(port.now(), min_ttl) is Freshness.FRESH:
        return found
    async with port.exclusive(key) as turn:
        found = await port.load(key)
        state = found.freshness(port.now(), min_ttl) if found else Freshness.EXPIRED
        if found and state is Freshness.FRESH:
            return found
        if found and state is Freshness.STALE:
            return await _renewed(found, key, asked, port, about)
        if turn.failure is not None:
            raise turn.failure
        return await asked()


async def _renewed(
    valid: Token, key: str, asked: Callable[[], Awaitable[Token]], port: Shelf, about: About | None
) -> Token:
    """The next token, or the valid one where there is none to be had now.

    Who comes meanwhile need not wait: first the valid token is kept as good for a while. What the flow then forgets,
    because its sign-in was ended or its consent changed, serves nobody any more. Raises what `asked` raises then.
    """
    later = replace(valid, refresh_on=int(port.now()) + RENEW_AGAIN_IN)
    await port.save(key, later, about)
    try:
        return await asked()
    except MstokenError as error:
        if await port.load(key) is None:
            raise
        if not isinstance(error, TryLater):
            import logging

            logging.getLogger("mstoken").warning("A token could not be renewed; it still serves. %s", error.message)
        return later
