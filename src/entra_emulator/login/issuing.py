"""The token response of all grants."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from entra_emulator.aadsts import EntraError
from entra_emulator.ids import base64url
from entra_emulator.model import App, RefreshToken, Tenant, User
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
    """Return the response for an application's own token or, with `fmi_path`, for one of its federated identities.

    :raises EntraError: 7000229 if it has no service principal in the tenant, 500021, 500011 500014 650057,
            501051, 53003.
    """
    check_restrictions(tenant, exchange.allowed_tenants)
    service_principal = tenant.principal(client.app.id)
    if service_principal is None:
        raise EntraError(7000229, app=client.app.id, tenant=tenant.id)
    resource, audience = find_resource(exchange, requested, tenant)
    check_resource(client.app, tenant, resource, audience)
    roles = app_roles(tenant, client.app, resource)
    check_workload_assignment(client.app, tenant, resource, roles)
    enforce_for_workload(tenant, client.app, resource, exchange.address)
    capabilities = _capabilities(exchange, resource)
    life_in = _life_in(resource, capabilities, APP_LIFE_IN)
    principal = Principal(tenant, client.app, client.proof, service_principal.id)
    access = Access(resource, audience, roles=roles, capabilities=capabilities)
    return {
        "token_type": token_type(exchange),
        "expires_in": life_in,
        "ext_expires_in": life_in,
        **_renewal(client.app, life_in),
        "access_token": _sign_access(exchange, principal, access, life_in, exchange.form.get("fmi_path", "")),
    }


@dataclass(frozen=True)
class Allowed:
    """The allowed access token of a user: `principal` has `access` for `life_in` seconds."""

    principal: Principal
    access: Access
    life_in: int


def allow(
    exchange: Exchange, client: Client, session: RefreshToken, tenant: Tenant, requested: RequestedScope
) -> Allowed:
    """:raises EntraError: the codes of `permit`."""
    allowed = permit(exchange, client.app, session, tenant, requested)
    resource = allowed.resource
    principal = Principal(
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
    access = Access(
        resource,
        allowed.audience,
        scopes=_with_oidc(allowed.scopes, requested, resource),
        capabilities=_capabilities(exchange, resource),
        contexts=allowed.contexts,
        most_groups=_most_groups(exchange),
    )
    return Allowed(principal, access, _life_in(resource, access.capabilities, _users_life_in(tenant)))


def access_part(exchange: Exchange, allowed: Allowed, requested: RequestedScope) -> dict[str, Any]:
    """Return the members of the response that describe the access token."""
    return {
        "token_type": token_type(exchange),
        "scope": _echo(requested, allowed.access.scopes),
        "expires_in": allowed.life_in,
        "ext_expires_in": allowed.life_in,
        **_renewal(allowed.principal.app, allowed.life_in),
        "access_token": _sign_access(exchange, allowed.principal, allowed.access, allowed.life_in),
    }


def _renewal(app: App, life_in: int) -> dict[str, int]:
    """Return when a client is to renew a day-long token, if the application's responses say so."""
    return {"refresh_in": life_in // 2} if app.refresh_in and life_in == CAE_LIFE_IN else {}


def user_tokens(
    exchange: Exchange, client: Client, session: RefreshToken, tenant: Tenant, requested: RequestedScope
) -> dict[str, Any]:
    """Return the response for a user: access token, a new refresh token, and the other requested tokens.

    :param session: the original sign-in; the new refresh token continues it.
    :raises EntraError: the codes of `permit`.
    """
    allowed = allow(exchange, client, session, tenant, requested)
    answer = access_part(exchange, allowed, requested)
    answer["refresh_token"] = _next_refresh_token(exchange, client, session, requested)
    if client.app.family:
        answer["foci"] = FAMILY_ID
    if "openid" in requested.oidc:
        answer["id_token"] = sign_id(exchange, allowed.principal, requested)
    if exchange.form.get("client_info") == "1" and allowed.principal.user and allowed.principal.home:
        answer["client_info"] = client_info(allowed.principal.user, allowed.principal.home)
    return answer


def _users_life_in(tenant: Tenant) -> int:
    if tenant.personal:
        return PERSONAL_LIFE_IN
    return USER_LIFE_IN[0] + secrets.randbelow(USER_LIFE_IN[1] - USER_LIFE_IN[0] + 1)


def _sign_access(exchange: Exchange, principal: Principal, access: Access, life_in: int, fmi_path: str = "") -> str:
    if token_type(exchange) == SSH:
        return _ssh_certificate(exchange, principal, life_in)
    version = access.resource.token_version
    claims = access_claims(principal, access, _stamp(exchange, principal.tenant, version, life_in + 1))
    claims |= confirmation(exchange)
    if fmi_path:
        claims["sub"] = fmi_subject(principal.tenant.id, principal.app.id, fmi_path)
    if principal.tenant.personal and find_first_party(access.resource.app_id, None):
        return exchange.world.keys.issue_opaque(claims)
    return exchange.world.keys.sign(
        claims,
        with_thumbprint=version == 1,
        personal=principal.tenant.personal,
        hashed_nonce=access.resource.hashed_nonce,
    )


def _ssh_certificate(exchange: Exchange, principal: Principal, life_in: int) -> str:
    now = int(exchange.world.clock.now())
    name = principal.user.upn.lower() if principal.user else principal.app.id
    authority = exchange.world.keys.keys[0].private
    return certificate(ssh_key(exchange), authority, name, (now - BACKDATED_IN, now + life_in + 1))


def sign_id(
    exchange: Exchange, principal: Principal, requested: RequestedScope, beside: Mapping[str, str] | None = None
) -> str:
    """Return an ID token. `beside`: the hashes of the code and access token in the same response."""
    stamp = _stamp(exchange, principal.tenant, exchange.version, lifetime_in(principal) - BACKDATED_IN)
    request = IdTokenRequest(requested.oidc, exchange.nonce or None, beside or {}, _most_groups(exchange))
    if exchange.version == 1:
        return exchange.world.keys.sign(id_token_claims_version_one(principal, stamp, request), with_thumbprint=True)
    claims = id_token_claims(principal, stamp, request)
    return exchange.world.keys.sign(claims, with_thumbprint=False, personal=principal.tenant.personal)


def _stamp(exchange: Exchange, tenant: Tenant, version: int, life_in: int) -> Stamp:
    now = int(exchange.world.clock.now())
    issuer = exchange.site.issuer(tenant.id, version)
    return Stamp(issuer, f"https://{exchange.site.cloud.sts}/", now - BACKDATED_IN, now + life_in)


def _most_groups(exchange: Exchange) -> int:
    """Return how many groups fit in a token: few for a token in a URL."""
    return IMPLICIT_LIMIT if exchange.form.endpoint.name == "authorize" else JWT_LIMIT


def _capabilities(exchange: Exchange, resource: Resource) -> tuple[str, ...]:
    """`xms_cc`, for APIs that use continuous access evaluation or list it among their optional claims."""
    return exchange.capabilities() if resource.cae or "xms_cc" in resource.optional_claims else ()


def _life_in(resource: Resource, capabilities: tuple[str, ...], usual_in: int) -> int:
    """Return the lifetime: a day if client and API use continuous access evaluation."""
    return CAE_LIFE_IN if resource.cae and "cp1" in (capability.lower() for capability in capabilities) else usual_in


def _with_oidc(granted: tuple[str, ...], requested: RequestedScope, resource: Resource) -> tuple[str, ...]:
    """Add the OpenID scopes for Microsoft Graph, where they are permissions. Other access tokens have none of them."""
    if resource.app_id != GRAPH:
        return granted
    return tuple(sorted({*granted, *(scope for scope in GRAPH_OIDC if scope in requested.oidc)}, key=str.lower))


def _echo(requested: RequestedScope, scopes: tuple[str, ...]) -> str:
    """Return the `scope` member: all permissions of the token, and `.default` if requested, with the resource."""
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
