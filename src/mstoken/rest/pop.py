"""A token bound to a key, inside the signed request that proves who holds the key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mstoken.credentials import Browser, ClientCredential, DeviceCode, Password, RefreshToken
from mstoken.errors import UsageError
from mstoken.flows.cached import cached
from mstoken.protocol.client_assertion import assembled
from mstoken.protocol.pop import jwk, signed_request_input, thumbprint
from mstoken.values import replace

if TYPE_CHECKING:
    from mstoken.flows.port import Port
    from mstoken.keys.pop_key import PopKey
    from mstoken.model import TokenRequest
    from mstoken.protocol.pop import PopRequest


async def pop_token(question: TokenRequest, key: PopKey, request: PopRequest, port: Port) -> str:
    """The signed request (SHR) for `request`, with a token for `question` that is bound to `key`.

    Raises UsageError where tokens cannot be bound: managed identities, agents and other OAuth servers; else what
    `cached` raises.
    """
    able = isinstance(question.credential, ClientCredential | RefreshToken | Browser | DeviceCode | Password)
    if not able or question.authority.token_url:
        raise UsageError(
            f"{type(question.credential).__name__} gets no tokens that are bound to a key here.",
            "Use an application's credential or a sign-in at Entra, or get a bearer token.",
        )
    public = jwk(*await port.call(key.public))
    token = await cached(replace(question, key_id=thumbprint(public)), port)
    text = signed_request_input(token.token, public, request, port.now())
    return assembled(text, await port.call(lambda: key.sign(text)))
