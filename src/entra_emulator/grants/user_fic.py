"""An agent that acts as its own user account: grant type user_fic, the third request of the agent flow.

Source: learn.microsoft.com/entra/agent-id/identity-platform/agent-user-oauth-flow. Entra's error codes are not
documented; this file uses the closest ones.
"""

from typing import Any

from entra_emulator.aadsts import EntraError
from entra_emulator.login.client_assertion import Assertion
from entra_emulator.login.client_auth import authenticate
from entra_emulator.login.exchange import Client, Exchange
from entra_emulator.login.federation import TOKEN_EXCHANGE
from entra_emulator.login.issuing import user_tokens
from entra_emulator.login.scopes import parse
from entra_emulator.model import RefreshToken, Tenant, User
from entra_emulator.policy.personal import check_grant
from entra_emulator.tokens.keys import BadSignature


def token_response(exchange: Exchange) -> dict[str, Any]:
    """Return the body of the token response.

    :raises EntraError: 50059 without a tenant, 50013 a second token that is not the agent's, 50034 unknown user of the
        agent, and the codes of the client, scope, consent and policy rules.
    """
    tenant = exchange.tenant()
    if tenant is None:
        raise EntraError(50059)
    check_grant(tenant, exchange.tenant_name)
    client = authenticate(exchange, tenant, needs_proof=True)
    _check_second(exchange, client)
    user = _user(exchange, tenant, client)
    requested = parse(exchange.required("scope"))
    now = exchange.world.clock.now()
    session = RefreshToken(client.app.id, user.id, tenant.id, requested.text, granted_on=now, issued_on=now)
    return user_tokens(exchange, client, session, tenant, requested)


def _check_second(exchange: Exchange, client: Client) -> None:
    """Check the agent's own token for the token exchange, which proves that the request is not only its blueprint's."""
    text = exchange.required("user_federated_identity_credential")
    assertion = Assertion.parse(text)
    try:
        claims = exchange.world.keys.verify(text)
    except BadSignature:
        raise EntraError(50013, reason="the signature of the second token is not Entra's.") from None
    if claims.get("aud") != TOKEN_EXCHANGE or claims.get("azp") != client.app.id:
        raise EntraError(50013, reason="the second token is not the agent's own for the token exchange.")
    assertion.check_time(exchange.world.clock.now())


def _user(exchange: Exchange, tenant: Tenant, client: Client) -> User:
    name = exchange.form.get("user_id", "") or exchange.required("username")
    user = tenant.user(name)
    if user is None or user.agent != client.app.id:
        raise EntraError(50034, tenant=tenant.domain)
    return user
