"""A change of consent makes kept tokens old: they say what was consented to when they were issued.

Consent is seen to change when the service refuses a question for want of it, and again when it answers the same
question later. Both times the kept tokens of that tenant, application and resource are forgotten, so that the next
question for each brings what is consented to now. Applications' own tokens never meet this refusal: a new app role
shows in the next token (learn.microsoft.com/entra/identity-platform/permissions-consent-overview).
"""

from __future__ import annotations

from mstoken.errors import ConsentRequired
from mstoken.fingerprints import fingerprint_of_parts
from mstoken.flows.table import flow_of
from mstoken.model import Token
from mstoken.protocol.cache_key import cache_key, resource_of, token_info
from mstoken.typed import TYPE_CHECKING
from mstoken.values import replace

if TYPE_CHECKING:
    from mstoken.flows.port import AccessTokenPort, Port
    from mstoken.model import TokenRequest

REMEMBER_IN = 24 * 3600
"""Seconds for which a want of consent is remembered: by then no token from before the change is left."""


async def watching_consent(request: TokenRequest, port: Port) -> Token:
    """A token, asked for; what a change of consent made old is forgotten. Raises what the flow raises."""
    note = fingerprint_of_parts("consent", cache_key(request))
    try:
        token = await flow_of(request.credential)(request, request.credential, port)
    except ConsentRequired:
        await _forget(request, port)
        await port.save(note, Token("wanted", int(port.now()) + REMEMBER_IN, token_type="note"))
        raise
    if await port.load(note) is not None:
        await port.delete(note)
        await _forget(request, port)
    return token


async def _forget(request: TokenRequest, port: AccessTokenPort) -> None:
    """The tokens of this tenant, application and resource, whoever's they are."""
    for resource in {resource_of(scope) for scope in request.scopes}:
        await port.forget_tokens(replace(token_info(request), account="", scope=resource))
