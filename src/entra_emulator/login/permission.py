"""The rules for a user's request, in one place, so that every grant and page applies the same ones.

Order: account and tenant, then resource, application and consent, then Conditional Access.
"""

from dataclasses import dataclass

from entra_emulator.aadsts import EntraError
from entra_emulator.model import App, RefreshToken, Tenant, User
from entra_emulator.policy.application import check_resource, check_scopes, check_user_may_use
from entra_emulator.policy.conditional_access import contexts_met, enforce
from entra_emulator.policy.personal import check_kind
from entra_emulator.policy.sign_in import SignIn
from entra_emulator.policy.tenancy import check_crossing, check_restrictions
from entra_emulator.resources import GRAPH, Resource

from .access import delegated_scopes, membership, require_consent
from .exchange import Exchange
from .scopes import RequestedScope


@dataclass(frozen=True)
class Permission:
    """What was allowed: `scopes` are all permissions granted, `audience` the resource as the request wrote it."""

    home: Tenant
    user: User
    object_id: str
    roles: list[str]
    resource: Resource
    audience: str
    scopes: tuple[str, ...]
    contexts: tuple[str, ...]


def permit(
    exchange: Exchange,
    app: App,
    session: RefreshToken,
    tenant: Tenant,
    requested: RequestedScope,
    *,
    needs_consent: bool = True,
) -> Permission:
    """Return what the user of a sign-in may get in `tenant` through `app`.

    :param needs_consent: somebody must have consented to the scopes.

    :raises EntraError: 50034, 9002332, 50020 and the account's codes, 500021 500212 500213, 500011 500014 650057, 50105
        90009, 650053 65001, and the codes of Conditional Access.
    """
    state = exchange.world.state
    home, user = find_user(exchange, session)
    check_kind(app, home, tenant, exchange.tenant_name)
    check_restrictions(tenant, exchange.allowed_tenants)
    if home.id != tenant.id:
        check_crossing(home, tenant)
    member, roles = membership(state, user, home, tenant, app)
    resource, audience = find_resource(exchange, requested, tenant)
    check_resource(app, tenant, resource, audience)
    sign_in = SignIn(
        tenant=tenant,
        home=home,
        user=user,
        member=member,
        roles=roles,
        app=app,
        resource=resource,
        identifier=audience,
        session=session,
        grant=exchange.grant_type,
        now=exchange.world.clock.now(),
        contexts=exchange.contexts(),
        methods=exchange.methods(),
        address=exchange.address,
        version=exchange.version,
    )
    check_user_may_use(sign_in)
    check_scopes(state, app, resource, requested.names)
    granted = delegated_scopes(tenant, app, resource, user)
    if needs_consent:
        require_consent(app, resource, requested, granted)
    enforce(sign_in)
    object_id = member.id if member else user.id
    return Permission(home, user, object_id, roles, resource, audience, granted, contexts_met(sign_in))


def find_user(exchange: Exchange, session: RefreshToken) -> tuple[Tenant, User]:
    """Return the user of a sign-in and their home tenant.

    :raises EntraError: 50034 if the user no longer exists.
    """
    home = exchange.world.state.tenants.get(session.home)
    user = home.user(session.user) if home else None
    if home is None or user is None:
        raise EntraError(50034, tenant=home.domain if home else session.home)
    return home, user


def find_resource(exchange: Exchange, requested: RequestedScope, tenant: Tenant) -> tuple[Resource, str]:
    """Return the resource of a scope, and the audience its token names: v1.0 tokens repeat what the request wrote.

    :raises EntraError: 500011 for a resource that the tenant does not have.
    """
    identifier = requested.resource if requested.resource is not None else GRAPH
    if found := exchange.world.state.resource(identifier, tenant, exchange.realm):
        return found, identifier
    raise EntraError(500011, resource=identifier, tenant=tenant.name)
