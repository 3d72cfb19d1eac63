"""Client credentials: a token for the application itself (RFC 6749 section 4.4).

Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
"""

from __future__ import annotations

from mstoken.flows.client_auth import request_token
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.credentials import ClientCredential
    from mstoken.flows.port import Port
    from mstoken.model import Token, TokenRequest


async def client_credentials(
    request: TokenRequest, credential: ClientCredential, port: Port, *, fmi_path: str = ""
) -> Token:
    """Get an app-only token; with `fmi_path`, in the name of one of the application's federated identities.

    Raises TokenRefused, TryLater or UnreadableAnswer; UsageError for a certificate or assertion that cannot be used.
    """
    grant = {"grant_type": "client_credentials"}
    if fmi_path:
        grant["fmi_path"] = fmi_path
    return (await request_token(credential, grant, request, port)).token
