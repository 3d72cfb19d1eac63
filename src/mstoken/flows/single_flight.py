"""A token from the cache, else from the service: exactly one caller fetches it while the others wait.

A token that is due for renewal but still valid is renewed by one caller, which gives the service a few seconds. If the
renewal fails, the valid token still serves.
"""

from __future__ import annotations

from mstoken.errors import MstokenError, TokenRefused, TryLater
from mstoken.model import Freshness
from mstoken.typed import TYPE_CHECKING, Protocol
from mstoken.values import replace

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from mstoken.flows.port import WaitResult
    from mstoken.model import Token, TokenInfo, TokenRequest

    Fetch = Callable[[TokenRequest], Awaitable[Token]]

RETRY_RENEWAL_IN = 60
"""Seconds from a renewal that fails to the next attempt; the valid token serves meanwhile."""
MAX_RENEWAL_IN = 5.0
"""Seconds a renewal may take while the valid token serves: who renews it waits no longer for a service that is slow."""
MIN_FETCH_IN = 5.0
"""Seconds a caller has to ask for itself, even if it has waited all its patience for another's answer in vain."""
PERSON_IN = 900.0
"""Seconds to wait for another caller who is having a person sign in: as long as a device code lives."""


class TokenCache(Protocol):
    """A cache of tokens with single flight: the part of `Port` that is needed here, or a cache in memory."""

    def now(self) -> float: ...

    async def load(self, key: str) -> Token | None: ...

    async def save(self, key: str, token: Token, info: TokenInfo | None = None) -> None: ...

    def single_flight(self, key: str, within_in: float) -> AbstractAsyncContextManager[WaitResult]: ...


async def get_or_fetch(
    key: str, fetch: Fetch, request: TokenRequest, port: TokenCache, info: TokenInfo | None = None
) -> Token:
    """The token under `key` if it has the life that `request` wants, else what `fetch` returns, which is cached.

    `fetch` is given the request with the time it has. `request.fresh` asks in any case. Raises what `fetch` raises.
    """
    deadline_on = request.deadline_on or port.now() + request.timeout_in

    async def fetch_and_save(*, early: bool = False) -> Token:
        token = await fetch(_timed(request, deadline_on, port.now(), early=early))
        await port.save(key, token, info)
        return token

    if request.fresh:
        return await fetch_and_save()
    found = await port.load(key)
    if found and found.freshness(port.now(), request.min_ttl) is Freshness.FRESH:
        return found
    async with port.single_flight(key, wait_in(request, deadline_on - port.now())) as waited:
        found = await port.load(key)
        state = found.freshness(port.now(), request.min_ttl) if found else Freshness.EXPIRED
        if found and state is Freshness.FRESH:
            return found
        if found and state is Freshness.STALE:
            now = int(port.now())
            later = replace(found, refresh_on=now + RETRY_RENEWAL_IN, got_on=now)
            await port.save(key, later, info)  # who comes meanwhile need not wait
            return await _renewed(fetch_and_save, key, port) or later
        if waited.failure is not None:
            raise waited.failure
        return await fetch_and_save()


def _timed(request: TokenRequest, deadline_on: float, now: float, *, early: bool) -> TokenRequest:
    """The request with what is left of its time; `early`: the token in hand is valid, so nobody waits long for it."""
    if early:
        return replace(request, deadline_on=min(deadline_on, now + MAX_RENEWAL_IN), silent=True)
    until = max(deadline_on, now + min(MIN_FETCH_IN, request.timeout_in))
    return request if until == request.deadline_on else replace(request, deadline_on=until)


def wait_in(request: TokenRequest, left_in: float) -> float:
    """Seconds to wait for the turn: a person who is being asked takes longer than a service."""
    prompts = request.credential.interactive and not request.silent
    return max(left_in, PERSON_IN) if prompts else left_in


async def _renewed(fetch_and_save: Callable[..., Awaitable[Token]], key: str, port: TokenCache) -> Token | None:
    """The next token; None where there is none to be had now, and the valid one serves.

    What the flow forgets, because its sign-in was ended or its consent changed, serves nobody any more. Raises what
    `fetch_and_save` raises then.
    """
    try:
        return await fetch_and_save(early=True)
    except Exception as error:
        if isinstance(error, TokenRefused) and await port.load(key) is None:
            raise
        if not isinstance(error, TryLater):
            import logging

            why = error.message if isinstance(error, MstokenError) else type(error).__name__
            logging.getLogger("mstoken").warning("A token could not be renewed; it still serves. %s", why)
        return None
