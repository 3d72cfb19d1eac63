"""A change of consent makes cached tokens obsolete: they contain the permissions consented to when they were issued.

A change of consent shows when the service refuses a token request because consent is missing, and again when a later
request for the same token succeeds. Both times, the cached tokens of that tenant, application and resource are deleted,
so that the next request for each returns the current permissions. App-only tokens never meet this refusal: a new app
role shows in the next token (learn.microsoft.com/entra/identity-platform/permissions-consent-overview).
"""

from __future__ import annotations

from mstoken.errors import ConsentRequired
from mstoken.fingerprints import fingerprint_of_parts
from mstoken.flows.table import flow_of
from mstoken.model import Note
from mstoken.protocol.cache_key import cache_key, resource_of, token_info
from mstoken.typed import TYPE_CHECKING
from mstoken.values import replace

if TYPE_CHECKING:
    from mstoken.flows.port import AccessTokenPort, Port
    from mstoken.model import Token, TokenRequest

REMEMBER_IN = 24 * 3600
"""Seconds for which missing consent is remembered. After that, no token from before the change is still valid."""


async def watching_consent(request: TokenRequest, port: Port) -> Token:
    """Request a token, and delete the tokens that a change of consent makes obsolete. Raises what the flow raises."""
    key = fingerprint_of_parts("consent", cache_key(request))
    try:
        token = await flow_of(request.credential)(request, request.credential, port)
    except ConsentRequired:
        await _forget(request, port)
        now = int(port.now())
        await port.save_note(key, Note("consent is missing", now, now + REMEMBER_IN))
        raise
    if await port.load_note(key) is not None:
        await port.delete_note(key)
        await _forget(request, port)
    return token


async def _forget(request: TokenRequest, port: AccessTokenPort) -> None:
    """Delete the tokens of this tenant, application and resource, for all accounts."""
    for resource in {resource_of(scope) for scope in request.scopes}:
        await port.forget_tokens(replace(token_info(request), account="", scope=resource))
