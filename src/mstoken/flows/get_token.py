"""A token by its question: kept under the question's key, asked for by the flow of its credential."""

from __future__ import annotations

from mstoken.credentials import Chain, is_user
from mstoken.flows.acquire import acquire
from mstoken.flows.single_flight import get_or_fetch
from mstoken.protocol.cache_key import cache_key, token_info
from mstoken.typed import TYPE_CHECKING, Any
from mstoken.values import replace

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from mstoken.flows.port import Port
    from mstoken.model import Token, TokenRequest


async def get_token(request: TokenRequest, port: Port) -> Token:
    """The token for `request`, from the store if it is good enough. Raises what the flow raises."""
    if isinstance(request.credential, Chain):
        from mstoken.flows.chain import chain

        return await chain(request, request.credential, port, get_token)

    def ask(timed: TokenRequest) -> Coroutine[Any, Any, Token]:
        return _fetch_for_challenge(timed, port) if timed.claims else fetch(timed, port)

    return await get_or_fetch(cache_key(request), ask, request, port, token_info(request))


def fetch(request: TokenRequest, port: Port) -> Coroutine[Any, Any, Token]:
    """A token from the service, whatever is kept. Raises what the flow raises."""
    return _watching_consent(request, port) if is_user(request.credential) else acquire(request, port)


async def _fetch_for_challenge(request: TokenRequest, port: Port) -> Token:
    """Such a token replaces the one that met none, or the next plain question would bring that back.

    Source: learn.microsoft.com/entra/identity-platform/app-resilience-continuous-access-evaluation
    """
    token, plain = await fetch(request, port), replace(request, claims="")
    await port.save(cache_key(plain), token, token_info(plain))
    return token


async def _watching_consent(request: TokenRequest, port: Port) -> Token:
    from mstoken.flows.consent import watching_consent

    return await watching_consent(request, port)
