"""The token response, in which all grants end."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from entra_emulator.aadsts import EntraError
from entra_emulator.ids import base64url
from entra_emulator.model import RefreshToken, Tenant, User
from entra_emulator.policy.application import check_resource, check_workload_assignment
from entra_emulator.policy.conditional_access import enforce_for_workload
from entra_emulator.policy.tenancy import check_restrictions
from entra_emulator.resources import GRAPH, Resource, find_first_party
from entra_emulator.tokens.claims import BACKDATED_IN, access_claims
from entra_emulator.tokens.id_tokens import IdTokenRequest, id_token_claims, id_token_claims_version_one, lifetime_in
from entra_emulator.tokens.memberships import IMPLICIT_LIMIT, JWT_LIMIT
from entra_emulator.tokens.principals import Access, Principal, Stamp
from entra_emulator.tokens.ssh_certificates import certificate

from .access import GRAPH_OIDC, app_roles
from .confirmation import SSH, confirmation, ssh_key, token_type
from .exchange import Client, Exchange
from .federation import fmi_subject
from .permission import find_resource, permit
from .scopes import DEFAULT, RequestedScope

APP_LIFE_IN = 3599
CAE_LIFE_IN = 86_399
USER_LIFE_IN = (3600, 5399)  # Entra picks 60 to 90 minutes at random
PERSONAL_LIFE_IN = 3600
FAMILY_ID = "1"


def app_token(exchange: Exchange, client: Client, tenant: Tenant, requested: RequestedScope) -> dict[str, Any]:
    """The response for an application's own token; with `fmi_path`, a token about one of its federated identities.

    :raises EntraError: 7000229 if it has no service principal in the tenant, 500021, 500011 500014 650057,
            501051, 53003.
    """
    check_restrictions(tenant, exchange.allowed_tenants)
    principal = tenant.principal(client.app.id)
    if principal is None:
        raise EntraError(7000229, app=client.app.id, tenant=tenant.id)
    resource, audience = find_resource(exchange, requested, tenant)
    check_resource(client.app, tenant, resource, audience)
    roles = app_roles(tenant, client.app, resource)
    check_workload_assignment(client.app, tenant, resource, roles)
    enforce_for_workload(tenant, client.app, resource, exchange.address)
    capabilities = _capabilities(exchange, resource)
    life_in = _life_in(resource, capabilities, APP_LIFE_IN)
    who = Principal(tenant, client.app, client.proof, principal.id)
    what = Access(resource, audience, roles=roles, capabilities=capabilities)
    return {
        "token_type": token_type(exchange),
        "expires_in": life_in,
        "ext_expires_in": life_in,
        "access_token": _sign_access(exchange, who, what, life_in, exchange.form.get("fmi_path", "")),
    }


@dataclass(frozen=True)
class Allowed:
    """What a user is allowed: the access token says that `who` may do `what` for `life_in` seconds."""

    who: Principal
    what: Access
    life_in: int


def allow(
    exchange: Exchange, client: Client, session: RefreshToken, tenant: Tenant, requested: RequestedScope
) -> Allowed:
    """:raises EntraError: the codes of `permit`."""
    allowed = permit(exchange, client.app, session, tenant, requested)
    resource = allowed.resource
    who = Principal(
        tenant,
        client.app,
        client.proof,
        allowed.object_id,
        allowed.user,
        allowed.home,
        allowed.roles,
        session.amr,
        exchange.address,
        session.granted_on,
        session.sid,
    )
    what = Access(
        resource,
        allowed.audience,
        scopes=_with_oidc(allowed.scopes, requested, resource),
        capabilities=_capabilities(exchange, resource),
        contexts=allowed.contexts,
        most_groups=_most_groups(exchange),
    )
    return Allowed(who, what, _life_in(resource, what.capabilities, _users_life_in(tenant)))


def access_part(exchange: Exchange, allowed: Allowed, requested: RequestedScope) -> dict[str, Any]:
    """The members of the response that describe the access token."""
    return {
        "token_type": token_type(exchange),
        "scope": _echo(requested, allowed.what.scopes),
        "expires_in": allowed.life_in,
        "ext_expires_in": allowed.life_in,
        "access_token": _sign_access(exchange, allowed.who, allowed.what, allowed.life_in),
    }


def user_tokens(
    exchange: Exchange, client: Client, session: RefreshToken, tenant: Tenant, requested: RequestedScope
) -> dict[str, Any]:
    """The response for a user: access token, a new refresh token, and what else the request asks for.

    :param session: the sign-in that this goes back to; the new refresh token continues it.
    :raises EntraError: the codes of `permit`.
    """
    allowed = allow(exchange, client, session, tenant, requested)
    answer = access_part(exchange, allowed, requested)
    answer["refresh_token"] = _next_refresh_token(exchange, client, session, requested)
    if client.app.family:
        answer["foci"] = FAMILY_ID
    if "openid" in requested.oidc:
        answer["id_token"] = sign_id(exchange, allowed.who, requested)
    if exchange.form.get("client_info") == "1" and allowed.who.user and allowed.who.home:
        answer["client_info"] = client_info(allowed.who.user, allowed.who.home)
    return answer


def _users_life_in(tenant: Tenant) -> int:
    if tenant.personal:
        return PERSONAL_LIFE_IN
    return USER_LIFE_IN[0] + secrets.randbelow(USER_LIFE_IN[1] - USER_LIFE_IN[0] + 1)


def _sign_access(exchange: Exchange, who: Principal, what: Access, life_in: int, fmi_path: str = "") -> str:
    if token_type(exchange) == SSH:
        return _ssh_certificate(exchange, who, life_in)
    version = what.resource.token_version
    claims = access_claims(who, what, _stamp(exchange, who.tenant, version, life_in + 1))
    claims |= confirmation(exchange)
    if fmi_path:
        claims["sub"] = fmi_subject(who.tenant.id, who.app.id, fmi_path)
    if who.tenant.personal and find_first_party(what.resource.app_id, None):
        return exchange.world.keys.seal(claims)
    return exchange.world.keys.sign(
        claims,
        with_thumbprint=version == 1,
        personal=who.tenant.personal,
        hashed_nonce=what.resource.hashed_nonce,
    )


def _ssh_certificate(exchange: Exchange, who: Principal, life_in: int) -> str:
    now = int(exchange.world.clock.now())
    principal = who.user.upn.lower() if who.user else who.app.id
    authority = exchange.world.keys.keys[0].private
    return certificate(ssh_key(exchange), authority, principal, (now - BACKDATED_IN, now + life_in + 1))


def sign_id(
    exchange: Exchange, who: Principal, requested: RequestedScope, beside: Mapping[str, str] | None = None
) -> str:
    """An ID token. `beside`: the hashes of the code and access token in the same response."""
    stamp = _stamp(exchange, who.tenant, exchange.version, lifetime_in(who) - BACKDATED_IN)
    request = IdTokenRequest(requested.oidc, exchange.nonce or None, beside or {}, _most_groups(exchange))
    if exchange.version == 1:
        return exchange.world.keys.sign(id_token_claims_version_one(who, stamp, request), with_thumbprint=True)
    claims = id_token_claims(who, stamp, request)
    return exchange.world.keys.sign(claims, with_thumbprint=False, personal=who.tenant.personal)


def _stamp(exchange: Exchange, tenant: Tenant, version: int, life_in: int) -> Stamp:
    now = int(exchange.world.clock.now())
    issuer = exchange.site.issuer(tenant.id, version)
    return Stamp(issuer, f"https://{exchange.site.cloud.sts}/", now - BACKDATED_IN, now + life_in)


def _most_groups(exchange: Exchange) -> int:
    """How many groups fit in a token: few in one that goes into a URL."""
    return IMPLICIT_LIMIT if exchange.form.endpoint.name == "authorize" else JWT_LIMIT


def _capabilities(exchange: Exchange, resource: Resource) -> tuple[str, ...]:
    """`xms_cc`, for APIs that use continuous access evaluation or list it among their optional claims."""
    return exchange.capabilities() if resource.cae or "xms_cc" in resource.optional_claims else ()


def _life_in(resource: Resource, capabilities: tuple[str, ...], usual_in: int) -> int:
    """A client that handles claims challenges gets a day from APIs with continuous access evaluation."""
    return CAE_LIFE_IN if resource.cae and "cp1" in (one.lower() for one in capabilities) else usual_in


def _with_oidc(granted: tuple[str, ...], requested: RequestedScope, resource: Resource) -> tuple[str, ...]:
    """On Microsoft Graph the OpenID scopes are permissions like others, elsewhere they are not in the access token."""
    if resource.app_id != GRAPH:
        return granted
    return tuple(sorted({*granted, *(one for one in GRAPH_OIDC if one in requested.oidc)}, key=str.lower))


def _echo(requested: RequestedScope, scopes: tuple[str, ...]) -> str:
    """The `scope` member: all permissions of the token, with the resource as requested, and `.default` if requested."""
    words = [scope if scope in GRAPH_OIDC else requested.qualified(scope) for scope in scopes]
    if requested.default:
        words.append(requested.qualified(DEFAULT))
    return " ".join(words)


def _next_refresh_token(exchange: Exchange, client: Client, session: RefreshToken, requested: RequestedScope) -> str:
    now = exchange.world.clock.now()
    came_of = session.id if exchange.grant_type.lower() == "refresh_token" else ""
    record = replace(
        session, app=client.app.id, scopes=requested.text, issued_on=now, came_of=came_of, id=secrets.token_hex(12)
    )
    return exchange.world.state.refresh_tokens.issue(record)


def client_info(user: User, home: Tenant) -> str:
    """MSAL's account identity: base64url JSON of the user's object id and home tenant."""
    text = json.dumps({"uid": user.id, "utid": home.id}, separators=(",", ":"))
    return base64url(text.encode())
