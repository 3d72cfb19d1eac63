"""A token by its question: kept under the question's key, asked for by the flow of its credential."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mstoken.credentials import Chain
from mstoken.flows.acquire import acquire
from mstoken.flows.kept import kept
from mstoken.protocol.cache_key import cache_key

if TYPE_CHECKING:
    from mstoken.flows.port import Port
    from mstoken.model import Token, TokenRequest


async def cached(request: TokenRequest, port: Port) -> Token:
    """The token for `request`, from the store if it is good enough. Raises what the flow raises."""
    if isinstance(request.credential, Chain):
        from mstoken.flows.chain import chain

        return await chain(request, request.credential, port, cached)

    async def ask() -> Token:
        token = await acquire(request, port)
        if request.claims:
            # A token that met a challenge replaces the one that did not, or the next plain question would bring that
            # back (learn.microsoft.com/entra/identity-platform/app-resilience-continuous-access-evaluation).
            await port.save(cache_key(replace(request, claims="")), token)
        return token

    return await kept(cache_key(request), ask, port, min_ttl=request.min_ttl, fresh=request.fresh)
