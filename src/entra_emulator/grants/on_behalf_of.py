"""On-behalf-of: a web API exchanges the token it was called with (RFC 7523 section 2.1, with requested_token_use).

Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow
"""

from typing import Any

from entra_emulator.aadsts import EntraError
from entra_emulator.clock import ticks
from entra_emulator.interaction import Identity
from entra_emulator.login.client_auth import authenticate
from entra_emulator.login.exchange import Client, Exchange
from entra_emulator.login.scopes import parse
from entra_emulator.login.sessions import session_tokens
from entra_emulator.model import Tenant, User
from entra_emulator.tokens.keys import BadSignature

_HEALED_BY_A_PERSON = ("basic_action", "additional_action")


def token_response(exchange: Exchange) -> dict[str, Any]:
    """The body of the answer.

    :raises EntraError: 900144, 50013 for no token of ours, 500131 for another application's, 500133 expired, 240002 an
        ID token, and what the rules say; where a person could help, as interaction_required with its claims.
    """
    named = exchange.tenant()
    client = authenticate(exchange, named, needs_proof=True)
    assertion = exchange.required("assertion")
    if exchange.required("requested_token_use") != "on_behalf_of":
        raise EntraError(900144, parameter="requested_token_use")
    claims = _verified(exchange, assertion)
    _check(exchange, client, claims)
    home, user = _user(exchange, claims)
    amr = exchange.world.interaction.authentication_methods.get(str(claims.get("uti")), ("pwd",))
    who = Identity(user.id, home.id, amr, float(claims["iat"]))
    tenant = named or exchange.world.state.tenants[claims["tid"]]
    requested = parse(exchange.required("scope"))
    try:
        return session_tokens(exchange, client, who, tenant, requested)
    except EntraError as problem:
        if problem.suberror in _HEALED_BY_A_PERSON:
            problem.as_error = "interaction_required"
        raise


def _verified(exchange: Exchange, assertion: str) -> dict[str, Any]:
    try:
        return exchange.world.keys.verify(assertion)
    except BadSignature:
        raise EntraError(50013, reason="its signature is not that of a key of this directory.") from None


def _check(exchange: Exchange, client: Client, claims: dict[str, Any]) -> None:
    app = client.app
    if "scp" not in claims and "roles" not in claims and claims.get("aud") == app.id and "nonce" in claims:
        raise EntraError(240002)
    # An agent acts for who called its blueprint:
    # learn.microsoft.com/entra/agent-id/identity-platform/agent-on-behalf-of-oauth-flow
    called = exchange.world.state.apps.get(app.blueprint, app)
    own = {called.id, *(uri.rstrip("/") for uri in called.identifier_uris)}
    if str(claims.get("aud", "")).rstrip("/") not in own:
        raise EntraError(500131, audience=str(claims.get("aud")), app=app.id, app_name=app.name)
    now = exchange.world.clock.now()
    if claims["exp"] <= now:
        raise EntraError(500133, now=ticks(now), expires=ticks(claims["exp"]))
    if "scp" not in claims:
        raise EntraError(50013, reason="it speaks for an application, and there is no user to act for.")


def _user(exchange: Exchange, claims: dict[str, Any]) -> tuple[Tenant, User]:
    """The user of a token; a guest is the user of the same name at home.

    :raises EntraError: 50034.
    """
    state = exchange.world.state
    tenant = state.tenants.get(str(claims.get("tid")))
    entry = tenant.user(str(claims.get("oid"))) if tenant else None
    found = state.user(entry.upn if entry else str(claims.get("oid")))
    if found is None:
        raise EntraError(50034, tenant=tenant.domain if tenant else "")
    return found
