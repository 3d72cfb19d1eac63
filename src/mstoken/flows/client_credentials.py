"""Client credentials: a token for the application itself (RFC 6749 section 4.4).

Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
"""

from __future__ import annotations

from mstoken.flows.client_auth import request_token
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.credentials import ClientCredential, FmiPath
    from mstoken.flows.port import Port
    from mstoken.model import Token, TokenRequest

GRANT = {"grant_type": "client_credentials"}


async def client_credentials(request: TokenRequest, credential: ClientCredential, port: Port) -> Token:
    """Get an app-only token.

    Raises TokenRefused, TryLater or UnreadableAnswer; UsageError for a certificate or assertion that cannot be used.
    """
    return (await request_token(credential, GRANT, request, port)).token


async def fmi_path(request: TokenRequest, credential: FmiPath, port: Port) -> Token:
    """Get an app-only token for one of the application's federated identities. Raises as `client_credentials`."""
    grant = {**GRANT, "fmi_path": credential.fmi_path}
    return (await request_token(credential.client, grant, request, port)).token
