"""Get a token from the cache, else from the service: exactly one caller fetches it while the others wait.

One caller renews a token that is due for renewal but still valid, and gives the service a few seconds. If the renewal
fails, callers still get the valid token.
"""

from __future__ import annotations

from mstoken import steps
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

_CACHED = {Freshness.FRESH: "hit", Freshness.STALE: "due for renewal", Freshness.EXPIRED: "expired or too short"}
"""The states of a cached token, as the log names them."""

RETRY_RENEWAL_IN = 60
"""Seconds from a failed renewal to the next attempt. Until then, callers get the valid token."""
MAX_RENEWAL_IN = 5.0
"""Maximum seconds of a renewal while the cached token is valid, so that a slow service does not delay the caller."""
MIN_FETCH_IN = 5.0
"""Minimum seconds for a caller's own request, even if it spent its whole timeout waiting for another caller."""
PERSON_IN = 900.0
"""Seconds to wait for another caller's interactive sign-in: the lifetime of a device code."""


class TokenCache(Protocol):
    """A token cache with single flight: the part of `Port` that this module needs, or a cache in memory."""

    store_title: str

    def now(self) -> float: ...

    async def load(self, key: str) -> Token | None: ...

    async def save(self, key: str, token: Token, info: TokenInfo | None = None) -> None: ...

    def single_flight(self, key: str, within_in: float) -> AbstractAsyncContextManager[WaitResult]: ...


async def get_or_fetch(
    key: str, fetch: Fetch, request: TokenRequest, port: TokenCache, info: TokenInfo | None = None
) -> Token:
    """Return the token cached under `key` if it meets `request.min_ttl`, else fetch and cache a new one.

    `fetch` receives the request with the time that is left. `request.fresh` skips the cache. Raises what `fetch`
    raises.
    """
    deadline_on = request.deadline_on or port.now() + request.timeout_in

    async def fetch_and_save(*, early: bool = False) -> Token:
        token = await fetch(_timed(request, deadline_on, port.now(), early=early))
        await port.save(key, token, info)
        return token

    if request.fresh:
        steps.cached("skipped", request.scopes, port.store_title)
        return await fetch_and_save()
    found = await port.load(key)
    if found and found.freshness(port.now(), request.min_ttl) is Freshness.FRESH:
        _log_cached(found, request, port)
        return found
    async with port.single_flight(key, wait_in(request, deadline_on - port.now())) as waited:
        found = await port.load(key)
        state = found.freshness(port.now(), request.min_ttl) if found else Freshness.EXPIRED
        _log_cached(found, request, port)
        if found and state is Freshness.FRESH:
            return found
        if found and state is Freshness.STALE:
            now = int(port.now())
            later = replace(found, refresh_on=now + RETRY_RENEWAL_IN, got_on=now)
            await port.save(key, later, info)  # callers that arrive meanwhile need not wait
            return await _renewed(fetch_and_save, key, port) or later
        if waited.failure is not None:
            raise waited.failure
        return await fetch_and_save()


def _log_cached(found: Token | None, request: TokenRequest, port: TokenCache) -> None:
    """Log what the cache held. Nothing is computed unless somebody reads the steps."""
    if not steps.wanted():
        return
    if found is None:
        steps.cached("miss", request.scopes, port.store_title)
        return
    now = port.now()
    steps.cached(
        _CACHED[found.freshness(now, request.min_ttl)], request.scopes, port.store_title, found.expires_on - now
    )


def _timed(request: TokenRequest, deadline_on: float, now: float, *, early: bool) -> TokenRequest:
    """Return the request with the time that is left, or a short time if the cached token is still valid (`early`)."""
    if early:
        return replace(request, deadline_on=min(deadline_on, now + MAX_RENEWAL_IN), silent=True)
    until = max(deadline_on, now + min(MIN_FETCH_IN, request.timeout_in))
    return request if until == request.deadline_on else replace(request, deadline_on=until)


def wait_in(request: TokenRequest, remaining_in: float) -> float:
    """Return how many seconds to wait for another caller: a sign-in takes longer than a token request."""
    prompts = request.credential.interactive and not request.silent
    return max(remaining_in, PERSON_IN) if prompts else remaining_in


async def _renewed(fetch_and_save: Callable[..., Awaitable[Token]], key: str, port: TokenCache) -> Token | None:
    """Renew a token that is still valid. Return None if that fails, so that the caller uses the valid token.

    If the flow deleted the cached token, because its sign-in has ended or its consent has changed, nobody may use it
    any more: raises what `fetch_and_save` raises.
    """
    try:
        return await fetch_and_save(early=True)
    except Exception as error:
        if isinstance(error, TokenRefused) and await port.load(key) is None:
            raise
        if not isinstance(error, TryLater):
            import logging

            reason = error.message if isinstance(error, MstokenError) else type(error).__name__
            logging.getLogger("mstoken").warning("A token could not be renewed and is still valid. %s", reason)
        return None
