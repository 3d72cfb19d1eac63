"""The conditions for a user's token: membership of the tenant, and consent."""

from entra_emulator.aadsts import EntraError
from entra_emulator.microsoft_apps import microsoft_apps
from entra_emulator.model import App, Grant, Tenant, User
from entra_emulator.policy.account import check_member
from entra_emulator.resources import GRAPH, Resource
from entra_emulator.state import State

from .scopes import DEFAULT, RequestedScope

GRAPH_OIDC = ("email", "openid", "profile")


def consents(tenant: Tenant, app: App, resource: Resource) -> list[Grant]:
    """Return the grants to an application on a resource in a tenant."""
    return [grant for grant in tenant.grants if grant.app == app.id and grant.resource == resource.app_id]


def app_roles(tenant: Tenant, app: App, resource: Resource) -> tuple[str, ...]:
    """Return application permissions in alphabetical order, without the roles of users."""
    granted = (grant for grant in consents(tenant, app, resource) if not grant.user)
    return tuple(sorted({role for grant in granted for role in grant.roles}))


def delegated_scopes(tenant: Tenant, app: App, resource: Resource, user: User) -> tuple[str, ...]:
    """Return delegated permissions with an administrator's or this user's consent, or preauthorized by Microsoft."""
    names = ("", user.id, user.upn)
    found = {scope for grant in consents(tenant, app, resource) if grant.user in names for scope in grant.scopes}
    known = microsoft_apps().get(app.id)
    if known and not resource.registered:
        found.update(known.scopes(resource.app_id))
    return tuple(sorted(found, key=str.lower))


def require_consent(app: App, resource: Resource, requested: RequestedScope, granted: tuple[str, ...]) -> None:
    """Check that every permission requested by name is granted; for `.default`, at least one.

    :raises EntraError: 65001; 65002 for a client and an API of Microsoft's, for which nobody can consent.
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
    """Return a user's entry in a tenant and their directory roles there: as a member, as a guest, or by delegated
    administration, which has roles but no entry.

    :raises EntraError: 50020 for a user without access to the tenant, 50057 500571 50014 50015 for an entry that may
        not be used there.
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
