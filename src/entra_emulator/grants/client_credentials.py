"""Client credentials: an application's own token (RFC 6749 section 4.4).

Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
"""

from typing import Any

from entra_emulator.aadsts import EntraError
from entra_emulator.login.client_auth import authenticate
from entra_emulator.login.exchange import Exchange
from entra_emulator.login.issuing import app_token
from entra_emulator.login.scopes import parse_app_only
from entra_emulator.policy.personal import check_grant


def token_response(exchange: Exchange) -> dict[str, Any]:
    """Return the body of the token response.

    :raises EntraError: 50059 without a tenant, 9001023 at /consumers, and the codes of the client, scope and resource
        rules.
    """
    tenant = exchange.tenant()
    if tenant is None:
        raise EntraError(50059)
    check_grant(tenant, exchange.tenant_name)
    client = authenticate(exchange, tenant, needs_proof=True)
    requested = parse_app_only(exchange.required("scope"))
    return app_token(exchange, client, tenant, requested)
