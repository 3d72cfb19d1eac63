"""Fresh from the store, else exactly one caller asks while the others wait.

A token that is due for renewal but still valid is renewed by one caller; if the service fails, the valid one serves.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mstoken.errors import TryLater
from mstoken.flows.acquire import acquire
from mstoken.model import Freshness
from mstoken.protocol.cache_key import cache_key

if TYPE_CHECKING:
    from mstoken.flows.port import Port
    from mstoken.model import Token, TokenRequest

RENEW_AGAIN_IN = 60
"""After a renewal that failed, seconds until the next try; the valid token serves meanwhile."""


async def cached(request: TokenRequest, port: Port) -> Token:
    """The token for `request`, from the store if it is good enough. Raises what the flow raises."""
    key = cache_key(request)
    if request.fresh:
        return await _ask(key, request, port)
    kept = await port.load(key)
    if kept and kept.freshness(port.now(), request.min_ttl) is Freshness.FRESH:
        return kept
    async with port.exclusive(key) as turn:
        kept = await port.load(key)
        state = kept.freshness(port.now(), request.min_ttl) if kept else Freshness.EXPIRED
        if kept and state is Freshness.FRESH:
            return kept
        if turn.failure is not None:
            raise turn.failure
        try:
            return await _ask(key, request, port)
        except TryLater:
            if kept is None or state is Freshness.EXPIRED:
                raise
            later = replace(kept, refresh_on=int(port.now()) + RENEW_AGAIN_IN)
            await port.save(key, later)
            return later


async def _ask(key: str, request: TokenRequest, port: Port) -> Token:
    token = await acquire(request, port)
    await port.save(key, token)
    if request.claims:
        # A token that met a challenge replaces the one that did not, or the next plain question would bring it back:
        # learn.microsoft.com/entra/identity-platform/app-resilience-continuous-access-evaluation
        await port.save(cache_key(replace(request, claims="")), token)
    return token
