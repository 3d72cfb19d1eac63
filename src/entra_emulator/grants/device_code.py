"""Device code: the device polls until the user has signed in (RFC 8628 section 3.4).

Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code. The code of a declined sign-in is not
documented; 65004 is the one for a user who declines consent.
"""

from typing import Any

from entra_emulator.aadsts import EntraError
from entra_emulator.login.client_auth import authenticate
from entra_emulator.login.device import expired
from entra_emulator.login.exchange import Exchange
from entra_emulator.login.scopes import parse
from entra_emulator.login.sessions import session_tokens


def token_response(exchange: Exchange) -> dict[str, Any]:
    """Return the body of the token response.

    :raises EntraError: 70016 pending, 65004 declined, 70020 expired, 70018 unknown or redeemed code, 700007 another
        client's, and the codes of `permit`.
    """
    named = exchange.tenant()
    client = authenticate(exchange, named, needs_proof=False)
    # Microsoft's documentation calls the parameter device_code; v1.0 clients send its older name.
    code = exchange.form.get("code") or exchange.required("device_code")
    record = exchange.world.interaction.devices.get(code)
    if record is None or record.status == "redeemed":
        raise EntraError(70018)
    if record.app != client.app.id:
        raise EntraError(700007)
    if record.status == "declined":
        raise EntraError(65004, as_error="authorization_declined")
    if expired(exchange, record):
        raise EntraError(70020)
    if record.identity is None:
        raise EntraError(70016)
    record.status = "redeemed"
    tenant = named or exchange.world.state.tenants[record.identity.home]
    return session_tokens(exchange, client, record.identity, tenant, parse(record.scopes))
