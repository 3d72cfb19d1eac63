"""Authorization code with PKCE (RFC 6749 section 4.1.3, RFC 7636 section 4.6).

Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
"""

import hashlib
import hmac
from dataclasses import replace
from typing import Any

from entra_emulator.aadsts import EntraError
from entra_emulator.ids import base64url
from entra_emulator.interaction import AuthorizationCode
from entra_emulator.login.client_auth import authenticate
from entra_emulator.login.cross_origin import check_origin
from entra_emulator.login.exchange import Client, Exchange
from entra_emulator.login.redirects import registered_as
from entra_emulator.login.scopes import parse, parse_all
from entra_emulator.login.sessions import session_tokens

LIFE_IN = 600


def token_response(exchange: Exchange) -> dict[str, Any]:
    """Return the body of the token response.

    :raises EntraError: 9002313 for an unknown code, 700007 another client's, 54005 redeemed, 70000 expired, 700005
        another tenant's, 500112 another redirect URI, 50148 501481 PKCE, 9002326 9002327 origin, 28003 no scope for a
        code that covers several APIs, and the codes of `permit`.
    """
    named = exchange.tenant()
    record = exchange.world.interaction.codes.get(exchange.required("code"))
    client = authenticate(exchange, named, needs_proof=False, page=record is not None and record.spa)
    if record is None or record.user_flow:
        raise EntraError(9002313)
    check_origin(exchange, spa=record.spa)
    _check(exchange, client, record)
    if named and named.id != record.tenant:
        raise EntraError(700005)
    record.redeemed = True
    exchange.nonce = record.nonce
    tenant = exchange.world.state.tenants[record.tenant]
    requested = parse(_scopes(exchange.form.get("scope"), record.scopes))
    body = session_tokens(exchange, client, record.identity, tenant, requested, spa=record.spa)
    if exchange.form.get("return_spa_code") == "1":
        body["spa_code"] = exchange.world.interaction.add_code(_spa_code(exchange, record))
    return body


def _spa_code(exchange: Exchange, record: AuthorizationCode) -> AuthorizationCode:
    """Return a second code for the same sign-in, which the application's page in the browser redeems.

    Source: learn.microsoft.com/entra/msal/dotnet/advanced/spa-authorization-code
    """
    now = exchange.world.clock.now()
    return replace(record, redirect_uri="", challenge="", spa=True, redeemed=False, issued_on=now)


def _scopes(redeemed: str, authorized: str) -> str:
    """Return the requested scopes. A code with offline_access includes the refresh token; clients need not repeat it.

    :raises EntraError: 28003 if the code covers several APIs and the request names none.
    """
    if not redeemed and len(parse_all(authorized)) > 1:
        raise EntraError(28003)
    if redeemed and "offline_access" in authorized.split():
        return f"{redeemed} offline_access"
    return redeemed or authorized


def _check(exchange: Exchange, client: Client, record: AuthorizationCode) -> None:
    if record.app != client.app.id:
        raise EntraError(700007)
    if record.redeemed:
        raise EntraError(54005)
    if exchange.world.clock.now() >= record.issued_on + LIFE_IN:
        raise EntraError(70000, reason="The code has expired.")
    sent = exchange.required("redirect_uri")
    fits = sent == record.redirect_uri if record.redirect_uri else registered_as(client.app, sent) == "spa"
    if not fits:
        raise EntraError(500112, redirect_uri=sent, expected=record.redirect_uri or "a single-page application's")
    _check_verifier(exchange.form.get("code_verifier", ""), record)


def _check_verifier(verifier: str, record: AuthorizationCode) -> None:
    if bool(verifier) != bool(record.challenge):
        raise EntraError(50148)
    if not verifier:
        return
    shown = verifier
    if record.method == "S256":
        shown = base64url(hashlib.sha256(verifier.encode()).digest())
    if not hmac.compare_digest(shown.encode(), record.challenge.encode()):
        raise EntraError(501481)
