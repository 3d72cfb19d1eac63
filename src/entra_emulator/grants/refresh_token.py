"""Refresh (RFC 6749 section 6): a refresh token is valid for every resource and tenant that its user may access.

Entra does not revoke a refresh token when it is used. The response contains a new one, and the old one remains valid
until it is unused for 90 days or the user's sessions are revoked. An application can be configured to emulate a server
with single-use refresh tokens. Such a server accepts a token until its successor has been used, because a response may
be lost (RFC 9700 section 4.14.2 leaves this to the server).
Source: learn.microsoft.com/entra/identity-platform/refresh-tokens
"""

from typing import Any

from entra_emulator.aadsts import EntraError
from entra_emulator.clock import ticks
from entra_emulator.ids import PERSONAL
from entra_emulator.login.client_auth import authenticate
from entra_emulator.login.cross_origin import check_origin
from entra_emulator.login.exchange import Client, Exchange
from entra_emulator.login.issuing import user_tokens
from entra_emulator.login.permission import find_user
from entra_emulator.login.scopes import RequestedScope, parse
from entra_emulator.model import RefreshToken, Tenant
from entra_emulator.policy.personal import consumer_error

INACTIVE_AFTER_IN = 90 * 86_400
PAGE_LIFE_IN = 86_400  # for a single-page application, from the sign-in, however often the token is renewed


def token_response(exchange: Exchange) -> dict[str, Any]:
    """Return the body of the token response.

    :raises EntraError: 9002313 not a token of this emulator, 700007 another client's, 70000 used, 700082, 700084,
        9002326 9002327 origin, 50034, 50057, 50173, and the codes of the client, tenant, consent and policy rules.
    """
    named = exchange.tenant()
    session = exchange.world.state.refresh_tokens.parse(exchange.form.get("refresh_token"))
    client = authenticate(exchange, named, needs_proof=False, page=session is not None and session.spa)
    exchange.required("refresh_token")
    if session is None or session.user_flow:
        raise EntraError(9002313)
    try:
        return _renewed(exchange, client, session, named)
    except EntraError as problem:
        raise (consumer_error(problem) if session.home == PERSONAL else problem) from None


def _renewed(exchange: Exchange, client: Client, session: RefreshToken, named: Tenant | None) -> dict[str, Any]:
    exchange.token_age_in = exchange.world.clock.now() - session.issued_on
    check_origin(exchange, spa=session.spa)
    _check(exchange, client, session)
    home, user = find_user(exchange, session)
    if not user.enabled:
        raise EntraError(50057)
    if user.tokens_valid_from > session.granted_on:
        raise EntraError(50173, issued=ticks(session.granted_on), valid_from=ticks(user.tokens_valid_from))
    requested = _requested(exchange, client, session)
    body = user_tokens(exchange, client, session, named or home, requested)
    _use(exchange, session)
    return body


def _requested(exchange: Exchange, client: Client, session: RefreshToken) -> RequestedScope:
    """Return the requested scopes, by default those of the sign-in.

    :raises EntraError: 90009 if the sign-in was for the application as its own API and the request does not name it.
    """
    before = parse(session.scopes)
    text = exchange.form.get("scope")
    requested = parse(text) if text and not text.isspace() else before
    if exchange.version == 2 and before.names and (requested is before or not requested.names):
        named = exchange.world.state.app_resource(client.app).answers_to(before.resource or "", None)
        if named:
            raise EntraError(90009, app=client.app.id, app_name=client.app.name)
    return requested


def _use(exchange: Exchange, session: RefreshToken) -> None:
    """Record that this token's predecessor is used, and for a single-page application also this token."""
    tokens = exchange.world.state.refresh_tokens
    if session.spa:
        tokens.use_up(session.id)
    tokens.use_up(session.came_of)


def _check(exchange: Exchange, client: Client, session: RefreshToken) -> None:
    app = exchange.world.state.app(session.app)
    if app is not client.app and not (app and app.family and client.app.family):
        raise EntraError(700007)
    if exchange.world.state.refresh_tokens.is_used(session) and (client.app.single_use_refresh_tokens or session.spa):
        raise EntraError(70000, reason="The refresh token has been used before.")
    if session.spa and exchange.world.clock.now() >= session.granted_on + PAGE_LIFE_IN:
        raise EntraError(700084, issued=ticks(session.granted_on))
    if exchange.token_age_in is not None and exchange.token_age_in >= INACTIVE_AFTER_IN:
        raise EntraError(700082, issued=ticks(session.issued_on), inactive="90.00:00:00")
