"""Tokens for a sign-in that just happened."""

from typing import Any

from entra_emulator.interaction import Identity
from entra_emulator.model import RefreshToken, Tenant

from .exchange import Client, Exchange
from .issuing import user_tokens
from .scopes import RequestedScope


def session_tokens(
    exchange: Exchange,
    client: Client,
    identity: Identity,
    tenant: Tenant,
    requested: RequestedScope,
    *,
    spa: bool = False,
) -> dict[str, Any]:
    """Return the body of a token response, with a refresh token only if offline_access was requested.

    Source: learn.microsoft.com/entra/identity-platform/scopes-oidc#the-offline_access-scope

    :raises EntraError: the codes of `permit`.
    """
    session = RefreshToken(
        app=client.app.id,
        user=identity.user,
        home=identity.home,
        scopes=requested.text,
        granted_on=identity.signed_in_on,
        issued_on=exchange.world.clock.now(),
        amr=identity.amr,
        spa=spa,
        sid=identity.sid,
    )
    body = user_tokens(exchange, client, session, tenant, requested)
    if "offline_access" not in requested.oidc:
        del body["refresh_token"]
    return body
