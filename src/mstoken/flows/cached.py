"""A token by its question: kept under the question's key, asked for by the flow of its credential."""

from __future__ import annotations

from mstoken.credentials import Chain, is_user
from mstoken.flows.acquire import acquire
from mstoken.flows.kept import kept
from mstoken.protocol.cache_key import about, cache_key
from mstoken.typed import TYPE_CHECKING
from mstoken.values import replace

if TYPE_CHECKING:
    from mstoken.flows.port import Port
    from mstoken.model import Token, TokenRequest


async def cached(request: TokenRequest, port: Port) -> Token:
    """The token for `request`, from the store if it is good enough. Raises what the flow raises."""
    if isinstance(request.credential, Chain):
        from mstoken.flows.chain import chain

        return await chain(request, request.credential, port, cached)

    async def ask(timed: TokenRequest) -> Token:
        token = await asked(timed, port)
        if request.claims:
            # A token that met a challenge replaces the one that did not, or the next plain question would bring that
            # back (learn.microsoft.com/entra/identity-platform/app-resilience-continuous-access-evaluation).
            plain = replace(request, claims="")
            await port.save(cache_key(plain), token, about(plain))
        return token

    return await kept(cache_key(request), ask, request, port, about(request))


async def asked(request: TokenRequest, port: Port) -> Token:
    """A token from the service, whatever is kept. Raises what the flow raises."""
    return await _watching_consent(request, port) if is_user(request.credential) else await acquire(request, port)


async def _watching_consent(request: TokenRequest, port: Port) -> Token:
    from mstoken.flows.consent import watching_consent

    return await watching_consent(request, port)
