"""Making token answers: what all grants end in."""

import base64
import json
import secrets
from typing import Any

from entra_emulator.aadsts import EntraError
from entra_emulator.model import RefreshToken, Tenant, User
from entra_emulator.resources import GRAPH, Resource
from entra_emulator.tokens.claims import (
    BACKDATED_IN,
    ID_TOKEN_LIFE_IN,
    Access,
    Principal,
    Stamp,
    access_claims,
    id_token_claims,
)

from .access import GRAPH_OIDC, app_roles, delegated_scopes, enforce_policies, require_consent, roles_in
from .exchange import Client, Exchange
from .federation import fmi_subject
from .scopes import DEFAULT, AskedScope

APP_LIFE_IN = 3599
CAE_LIFE_IN = 86_399
USER_LIFE_IN = (3600, 5399)  # Entra picks 60 to 90 minutes at random
FAMILY_ID = "1"


def find_resource(exchange: Exchange, asked: AskedScope, tenant: Tenant) -> tuple[Resource, str]:
    """The resource of a scope, and the audience its token names: v1.0 tokens repeat what the request wrote.

    :raises EntraError: 500011 for a resource that the tenant does not have.
    """
    identifier = asked.resource if asked.resource is not None else GRAPH
    if found := exchange.world.state.resource(identifier, tenant, exchange.realm):
        return found, identifier
    raise EntraError(500011, resource=identifier, tenant=tenant.name)


def app_answer(exchange: Exchange, client: Client, tenant: Tenant, asked: AskedScope) -> dict[str, Any]:
    """An application's own token; with fmi_path in the form, in the name of one of its federated identities.

    :raises EntraError: 7000229 if it has no service principal in the tenant, 500011.
    """
    principal = tenant.principal(client.app.id)
    if principal is None:
        raise EntraError(7000229, app=client.app.id, tenant=tenant.id)
    resource, audience = find_resource(exchange, asked, tenant)
    roles = app_roles(tenant, client.app, resource)
    life_in = _life_in(exchange, resource, APP_LIFE_IN)
    who = Principal(tenant, client.app, client.proof, principal.id)
    what = Access(resource, audience, roles=roles, capabilities=_capabilities(exchange, resource))
    return {
        "token_type": "Bearer",
        "expires_in": life_in,
        "ext_expires_in": life_in,
        "access_token": _sign_access(exchange, who, what, life_in, exchange.form.get("fmi_path", "")),
    }


def user_answer(
    exchange: Exchange, client: Client, session: RefreshToken, tenant: Tenant, asked: AskedScope
) -> dict[str, Any]:
    """A user's tokens: access token, a new refresh token, and what else the scope and form ask for.

    :param session: the sign-in that all of this goes back to; the new refresh token continues it.
    :raises EntraError: 50020, 500011, 65001, 50076, 53003.
    """
    home, user = find_user(exchange, session)
    object_id, roles = roles_in(exchange.world.state, user, home, tenant, client.app)
    resource, audience = find_resource(exchange, asked, tenant)
    granted = delegated_scopes(tenant, client.app, resource, user)
    require_consent(client.app, asked, granted)
    enforce_policies(tenant, client.app, user, resource, session.amr)
    scopes = _with_oidc(granted, asked, resource)
    life_in = _life_in(exchange, resource, USER_LIFE_IN[0] + secrets.randbelow(USER_LIFE_IN[1] - USER_LIFE_IN[0] + 1))
    who = Principal(tenant, client.app, client.proof, object_id, user, home, roles, session.amr)
    what = Access(resource, audience, scopes=scopes, capabilities=_capabilities(exchange, resource))
    answer: dict[str, Any] = {
        "token_type": "Bearer",
        "scope": _echo(asked, scopes),
        "expires_in": life_in,
        "ext_expires_in": life_in,
        "access_token": _sign_access(exchange, who, what, life_in),
        "refresh_token": _next_refresh_token(exchange, client, session, asked),
    }
    if client.app.family:
        answer["foci"] = FAMILY_ID
    if "openid" in asked.oidc:
        answer["id_token"] = _sign_id(exchange, who, asked)
    if exchange.form.get("client_info") == "1":
        answer["client_info"] = _client_info(user, home)
    return answer


def find_user(exchange: Exchange, session: RefreshToken) -> tuple[Tenant, User]:
    """The user of a sign-in and the tenant that is their home.

    :raises EntraError: 50034 if the user is gone.
    """
    home = exchange.world.state.tenants.get(session.home)
    user = home.user(session.user) if home else None
    if home is None or user is None:
        raise EntraError(50034, tenant=home.domain if home else session.home)
    return home, user


def _sign_access(exchange: Exchange, who: Principal, what: Access, life_in: int, fmi_path: str = "") -> str:
    version = what.resource.token_version
    claims = access_claims(who, what, _stamp(exchange, who.tenant, version, life_in + 1))
    if fmi_path:
        claims["sub"] = fmi_subject(who.tenant.id, who.app.id, fmi_path)
    return exchange.world.keys.sign(claims, with_thumbprint=version == 1)


def _sign_id(exchange: Exchange, who: Principal, asked: AskedScope) -> str:
    stamp = _stamp(exchange, who.tenant, 2, ID_TOKEN_LIFE_IN - BACKDATED_IN)
    return exchange.world.keys.sign(id_token_claims(who, stamp, oidc=asked.oidc), with_thumbprint=False)


def _stamp(exchange: Exchange, tenant: Tenant, version: int, life_in: int) -> Stamp:
    now = int(exchange.world.clock.now())
    issuer = exchange.site.issuer(tenant.id, version)
    return Stamp(issuer, f"https://{exchange.site.cloud.sts}/", now - BACKDATED_IN, now + life_in)


def _capabilities(exchange: Exchange, resource: Resource) -> tuple[str, ...]:
    return exchange.capabilities() if resource.cae else ()


def _life_in(exchange: Exchange, resource: Resource, usual_in: int) -> int:
    """A client that handles claims challenges gets a day from resources that send them."""
    return CAE_LIFE_IN if "cp1" in _capabilities(exchange, resource) else usual_in


def _with_oidc(granted: tuple[str, ...], asked: AskedScope, resource: Resource) -> tuple[str, ...]:
    """On Microsoft Graph the OpenID scopes are permissions like others, elsewhere they are not in the access token."""
    if resource.app_id != GRAPH:
        return granted
    return tuple(sorted({*granted, *(one for one in GRAPH_OIDC if one in asked.oidc)}, key=str.lower))


def _echo(asked: AskedScope, scopes: tuple[str, ...]) -> str:
    """The scope member: everything the token allows, in the resource's name as asked for, then `.default` if asked."""
    words = [scope if scope in GRAPH_OIDC else asked.qualified(scope) for scope in scopes]
    if asked.default:
        words.append(asked.qualified(DEFAULT))
    return " ".join(words)


def _next_refresh_token(exchange: Exchange, client: Client, session: RefreshToken, asked: AskedScope) -> str:
    record = RefreshToken(
        app=client.app.id,
        user=session.user,
        home=session.home,
        scopes=asked.text,
        granted_on=session.granted_on,
        issued_on=exchange.world.clock.now(),
        amr=session.amr,
    )
    return exchange.world.state.add_refresh_token(record)


def _client_info(user: User, home: Tenant) -> str:
    """MSAL's account identity: base64url JSON of the user's object id and home tenant."""
    text = json.dumps({"uid": user.id, "utid": home.id}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()
