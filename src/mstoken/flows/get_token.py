"""Get the token for a request: from the cache if it is valid long enough, else from the service by its flow."""

from __future__ import annotations

from mstoken import steps
from mstoken.credentials import Chain
from mstoken.flows.single_flight import get_or_fetch
from mstoken.flows.table import flow_of
from mstoken.protocol.cache_key import cache_key, token_info
from mstoken.typed import TYPE_CHECKING, Any
from mstoken.values import replace

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from mstoken.flows.port import Port
    from mstoken.model import Token, TokenRequest


async def get_token(request: TokenRequest, port: Port) -> Token:
    """Return the token for `request`. Raises what the flow raises.

    A chain has no cache entry of its own: each link requests its own token, which is cached as that link's token.
    """
    if isinstance(request.credential, Chain):
        return await flow_of(request.credential)(request, request.credential, port)
    steps.identity(request.credential, request.client_id, request.authority)

    def fetch_timed(timed: TokenRequest) -> Coroutine[Any, Any, Token]:
        return _fetch_for_challenge(timed, port) if timed.claims else fetch(timed, port)

    return await get_or_fetch(cache_key(request), fetch_timed, request, port, token_info(request))


def fetch(request: TokenRequest, port: Port) -> Coroutine[Any, Any, Token]:
    """Request a token from the service, without reading the cache. Raises what the flow raises."""
    if request.credential.acts_for_user:
        return _fetch_watching_consent(request, port)
    return flow_of(request.credential)(request, request.credential, port)


async def _fetch_for_challenge(request: TokenRequest, port: Port) -> Token:
    """Request a token that meets a claims challenge. It replaces the cached token, which an API has refused.

    Source: learn.microsoft.com/entra/identity-platform/app-resilience-continuous-access-evaluation
    """
    token, plain = await fetch(request, port), replace(request, claims="")
    await port.save(cache_key(plain), token, token_info(plain))
    return token


async def _fetch_watching_consent(request: TokenRequest, port: Port) -> Token:
    from mstoken.flows.consent import watching_consent

    return await watching_consent(request, port)
