"""Client credentials: a token for the application itself (RFC 6749 section 4.4).

Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mstoken.flows.client_auth import client_auth
from mstoken.flows.politely import ask
from mstoken.protocol.token_endpoint import token_request

if TYPE_CHECKING:
    from mstoken.credentials import ClientCredential
    from mstoken.flows.port import Port
    from mstoken.model import Token, TokenRequest


async def client_credentials(request: TokenRequest, credential: ClientCredential, port: Port) -> Token:
    """Get an app-only token. Raises TokenRefused, TryLater or UnreadableAnswer."""
    http = token_request(request, client_auth(credential), {"grant_type": "client_credentials"})
    return (await ask(http, request, port)).token
