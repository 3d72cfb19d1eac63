"""Whether a user may have a token: membership of the tenant, and consent."""

from entra_emulator.aadsts import EntraError
from entra_emulator.microsoft_apps import microsoft_apps
from entra_emulator.model import App, Grant, Tenant, User
from entra_emulator.policy.account import check_member
from entra_emulator.resources import GRAPH, Resource
from entra_emulator.state import State

from .scopes import DEFAULT, RequestedScope

GRAPH_OIDC = ("email", "openid", "profile")


def consents(tenant: Tenant, app: App, resource: Resource) -> list[Grant]:
    """What is granted to an application on a resource in a tenant."""
    return [one for one in tenant.grants if one.app == app.id and one.resource == resource.app_id]


def app_roles(tenant: Tenant, app: App, resource: Resource) -> tuple[str, ...]:
    """Application permissions in alphabetical order. Roles of a user are not the application's."""
    granted = (one for one in consents(tenant, app, resource) if not one.user)
    return tuple(sorted({role for grant in granted for role in grant.roles}))


def delegated_scopes(tenant: Tenant, app: App, resource: Resource, user: User) -> tuple[str, ...]:
    """Delegated permissions that an administrator or this user consented to, or that Microsoft preauthorized."""
    mine = ("", user.id, user.upn)
    found = {scope for grant in consents(tenant, app, resource) if grant.user in mine for scope in grant.scopes}
    known = microsoft_apps().get(app.id)
    if known and not resource.registered:
        found.update(known.scopes(resource.app_id))
    return tuple(sorted(found, key=str.lower))


def require_consent(app: App, resource: Resource, requested: RequestedScope, granted: tuple[str, ...]) -> None:
    """Every permission requested by name has to be granted; `.default` stands for all that are, at least one.

    :raises EntraError: 65001; 65002 for a client and an API of Microsoft's, between which nobody can consent.
    """
    have = {scope.lower() for scope in granted}
    missing = [name for name in requested.names if name != DEFAULT and name.lower() not in have]
    if not missing and granted:
        return
    known = microsoft_apps().get(app.id)
    if known and not resource.registered and not (known.consent and resource.app_id == GRAPH):
        raise EntraError(65002, app=app.id, resource=resource.app_id)
    raise EntraError(65001, app=app.id, app_name=app.name)


def membership(state: State, user: User, home: Tenant, tenant: Tenant, app: App) -> tuple[User | None, list[str]]:
    """A user's own entry in a tenant and their directory roles there: as a member, as a guest, or by delegated
    administration, which has roles but no entry.

    :raises EntraError: 50020 for a user who has no business in the tenant, 50057 500571 50014 50015 for one who may not
        be used there.
    """
    if home.id == tenant.id:
        check_member(user, home, tenant)
        return user, user.roles
    for guest in tenant.users:
        if guest.home and guest.upn.lower() == user.upn.lower() and state.tenant(guest.home) is home:
            check_member(guest, home, tenant)
            return guest, guest.roles
    for relation in tenant.relationships:
        if relation.admits(home, user):
            return None, relation.roles
    issuer = "live.com" if home.personal else f"https://sts.windows.net/{home.id}/"
    raise EntraError(50020, issuer=issuer, tenant=tenant.name, app=app.id, app_name=app.name)
