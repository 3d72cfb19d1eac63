"""A token bound to a key, inside the signed request that proves who holds the key."""

from __future__ import annotations

from mstoken.credentials import Browser, Chain, ChainLink, ClientCredential, DeviceCode, Password, RefreshToken
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

    from mstoken.credentials import Credential
    from mstoken.flows.port import Port, WaitResult
    from mstoken.model import Token, TokenInfo, TokenRequest
    from mstoken.protocol.pop import PopRequest


class PopBinding:
    """A client's key, and the tokens bound to it: kept in memory beside it, as they are of no use to anybody else.

    `chains` are the default chain's links as they serve here, with a memory of their own: who serves with a bound token
    need not be who serves elsewhere. By whether a person is needed.
    """

    def __init__(self) -> None:
        self.key = PopKey()
        self.tokens: BoundedDict[str, Token] = BoundedDict()
        self.chains: dict[bool, Chain] = {}


async def pop_token(token_request: TokenRequest, binding: PopBinding, request: PopRequest, port: Port) -> Token:
    """The signed request (SHR) for `request`, in the place of the token for `token_request` that is within it.

    Without a nonce it gets one. Raises UsageError where tokens cannot be bound: managed identities, agents and other
    OAuth servers; else what the flow raises.
    """
    public = jwk(*await port.call(binding.key.public))
    token = await _bound(replace(token_request, key_id=thumbprint(public)), binding, port)
    once = request if request.nonce else replace(request, nonce=port.secret())
    text = signed_request_input(token.token, public, once, port.now())
    signed = assembled(text, await port.call(lambda: binding.key.sign(text)))
    return replace(token, token=signed, token_type=TOKEN_TYPE)


async def _bound(token_request: TokenRequest, binding: PopBinding, port: Port) -> Token:
    """The token that is bound to the question's key."""
    credential = token_request.credential
    if isinstance(credential, Chain):
        links = tuple(map(_link_if_supported, credential.links))
        able = binding.chains.setdefault(credential.people, Chain(links, people=credential.people))
        return await chain(token_request, able, port, lambda one, _: _bound(one, binding, port))
    if not _supports_pop(credential) or token_request.authority.token_url:
        raise UsageError(
            f"{type(credential).__name__} gets no tokens that are bound to a key here.",
            "Use an application's credential or a sign-in at Entra, or get a bearer token.",
        )

    async def ask(timed: TokenRequest) -> Token:
        try:
            token = await fetch(timed, port)
        except (SignInRequired, ConsentRequired):
            binding.tokens.clear()  # as the store forgets what came of a sign-in or consent that is no more
            raise
        if token_request.claims:
            binding.tokens.put(cache_key(replace(token_request, claims="")), token)
        return token

    return await get_or_fetch(cache_key(token_request), ask, token_request, BoundTokenCache(binding.tokens, port))


class BoundTokenCache:
    """A shelf for bound tokens; turns are taken at the port."""

    def __init__(self, tokens: BoundedDict[str, Token], port: Port) -> None:
        self._tokens, self._port = tokens, port

    def now(self) -> float:
        return self._port.now()

    async def load(self, key: str) -> Token | None:
        return self._tokens.get(key)

    async def save(self, key: str, token: Token, info: TokenInfo | None = None) -> None:  # noqa: ARG002 - nobody lists them
        self._tokens.put(key, token)

    def single_flight(self, key: str, within_in: float) -> AbstractAsyncContextManager[WaitResult]:
        return self._port.single_flight(key, within_in)


def _supports_pop(credential: Credential) -> bool:
    return isinstance(credential, ClientCredential | RefreshToken | Browser | DeviceCode | Password)


def _link_if_supported(link: ChainLink) -> ChainLink:
    """The link, or the reason why it does not serve here."""
    if (settle := link.settle) is not None:
        return replace(link, settle=lambda: _link_if_supported(settle()))
    if link.credential is None or _supports_pop(link.credential):
        return link
    why = "its tokens cannot be bound to a key"
    return replace(link, credential=None, probe=False, why_not=why, remedy="")
