"""Resource owner password credentials (RFC 6749 section 4.3).

Source: learn.microsoft.com/entra/identity-platform/v2-oauth-ropc
"""

from typing import Any

from entra_emulator.aadsts import EntraError
from entra_emulator.interaction import Identity
from entra_emulator.login.accounts import check, find_person
from entra_emulator.login.client_auth import authenticate
from entra_emulator.login.exchange import Exchange
from entra_emulator.login.scopes import parse
from entra_emulator.login.sessions import session_tokens
from entra_emulator.login.user_realm import is_federated
from entra_emulator.policy.personal import check_grant


def token_response(exchange: Exchange) -> dict[str, Any]:
    """Return the body of the token response.

    :raises EntraError: 9001023 at /consumers and, of v2.0, at /common, 50034 unknown user, 50126 and the other codes
        of passwords, 50076 if a second factor is required, and the other codes of `permit`.
    """
    named = exchange.tenant()
    if exchange.version != 1 or exchange.tenant_name.lower() != "common":
        check_grant(named, exchange.tenant_name)
    client = authenticate(exchange, named, needs_proof=False)
    username, password = exchange.required("username"), exchange.required("password")
    home, user = find_person(exchange, username)
    if exchange.version == 1 and home.personal:  # v1.0 knows work accounts only
        raise EntraError(50034, tenant=username.partition("@")[2])
    if is_federated(exchange.world.state, username):
        raise EntraError(50126)  # Entra has no password to compare
    check(exchange, home, user, password)
    requested = parse(exchange.required("scope"))
    identity = Identity(user.id, home.id, ("pwd",), exchange.world.clock.now())
    return session_tokens(exchange, client, identity, named or home, requested)
