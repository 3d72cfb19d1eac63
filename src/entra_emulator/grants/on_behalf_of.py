"""On-behalf-of: a web API exchanges its caller's token (RFC 7523 section 2.1, with requested_token_use).

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
from entra_emulator.tokens.claims import recorded_methods
from entra_emulator.tokens.keys import BadSignature

_FOR_THE_USER = ("basic_action", "additional_action")
_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:"


def token_response(exchange: Exchange) -> dict[str, Any]:
    """Return the body of the token response.

    :raises EntraError: 900144, 50013 for a token of another issuer, 500131 for another application's, 500133 expired,
        240002 an ID token, 51000 90100 another kind of token requested, and the codes of `permit`; those that the user
        can resolve are interaction_required, with their claims.
    """
    named = exchange.tenant()
    client = authenticate(exchange, named, needs_proof=True)
    assertion = exchange.required("assertion")
    if exchange.required("requested_token_use") != "on_behalf_of":
        raise EntraError(900144, parameter="requested_token_use")
    _check_requested_type(exchange.form.get("requested_token_type"))
    claims = _verified(exchange, assertion)
    _check(exchange, client, claims)
    home, user = _user(exchange, claims)
    identity = Identity(user.id, home.id, recorded_methods(claims), float(claims["iat"]))
    tenant = named or exchange.world.state.tenants[claims["tid"]]
    requested = parse(exchange.required("scope"))
    try:
        return session_tokens(exchange, client, identity, tenant, requested)
    except EntraError as problem:
        if problem.suberror in _FOR_THE_USER:
            problem.as_error = "interaction_required"
        raise


def _check_requested_type(wanted: str) -> None:
    """:raises EntraError: 51000 for SAML assertions, which the emulator does not issue, 90100 for an unknown type."""
    if wanted.lower() in (f"{_TOKEN_TYPE}saml1", f"{_TOKEN_TYPE}saml2"):
        raise EntraError(51000, feature="SamlAssertion")
    if wanted.lower() not in ("", f"{_TOKEN_TYPE}access_token", f"{_TOKEN_TYPE}jwt"):
        raise EntraError(90100, parameter="requested_token_type")


def _verified(exchange: Exchange, assertion: str) -> dict[str, Any]:
    try:
        return exchange.world.keys.verify(assertion)
    except BadSignature:
        raise EntraError(50013, reason="its signature is not that of a key of this directory.") from None


def _check(exchange: Exchange, client: Client, claims: dict[str, Any]) -> None:
    app = client.app
    if not {"azp", "appid"} & set(claims):  # an access token names its client, an ID token has it as audience
        raise EntraError(240002)
    # An agent acts for the caller of its blueprint:
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
    """Return the user of a token; for a guest, the user of the same name in the home tenant.

    :raises EntraError: 50034.
    """
    state = exchange.world.state
    tenant = state.tenants.get(str(claims.get("tid")))
    entry = tenant.user(str(claims.get("oid"))) if tenant else None
    found = state.user(entry.upn if entry else str(claims.get("oid")))
    if found is None:
        raise EntraError(50034, tenant=tenant.domain if tenant else "")
    return found
