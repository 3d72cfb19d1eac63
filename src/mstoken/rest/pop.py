"""A token bound to a key, in a signed request that proves possession of the key."""

from __future__ import annotations

from mstoken.credentials import Chain
from mstoken.errors import ConsentRequired, SignInRequired, UsageError
from mstoken.flows.chain import chain
from mstoken.flows.get_token import fetch
from mstoken.flows.single_flight import get_or_fetch
from mstoken.keys.pop_key import PopKey
from mstoken.protocol.cache_key import cache_key
from mstoken.protocol.client_assertion import assembled
from mstoken.protocol.pop import TOKEN_TYPE, jwk, signed_request_input, thumbprint
from mstoken.stores.memory import BoundedDict
from mstoken.typed import TYPE_CHECKING
from mstoken.values import replace

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from mstoken.credentials import ChainLink
    from mstoken.flows.port import Port, WaitResult
    from mstoken.model import Token, TokenInfo, TokenRequest
    from mstoken.protocol.pop import PopRequest


class PopBinding:
    """A client's key, and the tokens bound to it. They stay in memory like the key, since nobody else can use them.

    `chains` are the default chain's links for bound tokens, by `Chain.user_only`. They remember the link in use
    separately, since the link that returns bound tokens may differ from the one that returns other tokens.
    """

    def __init__(self) -> None:
        self.key = PopKey()
        self.tokens: BoundedDict[str, Token] = BoundedDict()
        self.chains: dict[bool, Chain] = {}


async def pop_token(token_request: TokenRequest, binding: PopBinding, request: PopRequest, port: Port) -> Token:
    """Return the signed request (SHR) for `request`, which contains the bound token for `token_request`.

    Adds a nonce if `request` has none. Raises UsageError for managed identities, agents and standard OAuth servers,
    whose tokens cannot be bound; otherwise what the flow raises.
    """
    public = jwk(*await port.call(binding.key.public))
    token = await BoundTokens(binding, port).token(replace(token_request, key_id=thumbprint(public)))
    with_nonce = request if request.nonce else replace(request, nonce=port.secret())
    text = signed_request_input(token.token, public, with_nonce, port.now())
    signed = assembled(text, await port.call(lambda: binding.key.sign(text)))
    return replace(token, token=signed, token_type=TOKEN_TYPE)


class BoundTokens:
    """A `flows.port.TokenSource` of tokens bound to a key, with their cache. The port provides single flight."""

    store_title = "memory"

    def __init__(self, binding: PopBinding, port: Port) -> None:
        self._binding, self._port = binding, port

    async def token(self, request: TokenRequest) -> Token:
        """Return the token that is bound to the request's key."""
        credential, binding, port = request.credential, self._binding, self._port
        if isinstance(credential, Chain):
            links = tuple(map(_if_bindable, credential.links))
            bindable = binding.chains.setdefault(credential.user_only, Chain(links, user_only=credential.user_only))
            return await chain(request, bindable, port, self)
        if not (credential.can_bind_key and request.authority.knows_services):
            raise UsageError(
                f"Tokens of {type(credential).__name__} cannot be bound to a key here.",
                "Use an application's credential or a sign-in at Entra, or get a bearer token.",
            )
        return await get_or_fetch(cache_key(request), self._fetch, request, self)

    async def _fetch(self, request: TokenRequest) -> Token:
        tokens = self._binding.tokens
        try:
            token = await fetch(request, self._port)
        except (SignInRequired, ConsentRequired):
            tokens.clear()  # as the store deletes the tokens of a sign-in or consent that has ended
            raise
        if request.claims:
            tokens.put(cache_key(replace(request, claims="")), token)
        return token

    def now(self) -> float:
        return self._port.now()

    async def load(self, key: str) -> Token | None:
        return self._binding.tokens.get(key)

    async def save(self, key: str, token: Token, info: TokenInfo | None = None) -> None:  # noqa: ARG002 - not listed
        self._binding.tokens.put(key, token)

    def single_flight(self, key: str, within_in: float) -> AbstractAsyncContextManager[WaitResult]:
        return self._port.single_flight(key, within_in)


def _if_bindable(link: ChainLink) -> ChainLink:
    """Return the link, or a link with the reason why it cannot return bound tokens."""
    if (settle := link.settle) is not None:
        return replace(link, settle=lambda: _if_bindable(settle()))
    if link.credential is None or link.credential.can_bind_key:
        return link
    return link.without_credential("its tokens cannot be bound to a key")
