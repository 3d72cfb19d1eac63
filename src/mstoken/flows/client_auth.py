"""How the client proves itself at the token endpoint (RFC 6749 section 2.3), as fields of the form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mstoken.credentials import ClientSecret

if TYPE_CHECKING:
    from mstoken.credentials import ClientCredential


def client_auth(credential: ClientCredential | None) -> dict[str, str]:
    """`client_secret` for a secret, nothing for a public client.

    Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
    """
    match credential:
        case None:
            return {}
        case ClientSecret(secret):
            return {"client_secret": secret}
