"""A token by its question: kept under the question's key, asked for by the flow of its credential."""

from __future__ import annotations

from mstoken.credentials import Chain, is_user
from mstoken.flows.acquire import acquire
from mstoken.flows.kept import kept
from mstoken.protocol.cache_key import about, cache_key
from mstoken.typed import TYPE_CHECKING, Any
from mstoken.values import replace

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from mstoken.flows.port import Port
    from mstoken.model import Token, TokenRequest


async def cached(request: TokenRequest, port: Port) -> Token:
    """The token for `request`, from the store if it is good enough. Raises what the flow raises."""
    if isinstance(request.credential, Chain):
        from mstoken.flows.chain import chain

        return await chain(request, request.credential, port, cached)

    def ask(timed: TokenRequest) -> Coroutine[Any, Any, Token]:
        return _meeting_a_challenge(timed, port) if timed.claims else asked(timed, port)

    return await kept(cache_key(request), ask, request, port, about(request))


def asked(request: TokenRequest, port: Port) -> Coroutine[Any, Any, Token]:
    """A token from the service, whatever is kept. Raises what the flow raises."""
    return _watching_consent(request, port) if is_user(request.credential) else acquire(request, port)


async def _meeting_a_challenge(request: TokenRequest, port: Port) -> Token:
    """Such a token replaces the one that met none, or the next plain question would bring that back.

    Source: learn.microsoft.com/entra/identity-platform/app-resilience-continuous-access-evaluation
    """
    token, plain = await asked(request, port), replace(request, claims="")
    await port.save(cache_key(plain), token, about(plain))
    return token


async def _watching_consent(request: TokenRequest, port: Port) -> Token:
    from mstoken.flows.consent import watching_consent

    return await watching_consent(request, port)
