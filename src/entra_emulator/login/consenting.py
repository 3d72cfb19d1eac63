"""Consent on the page: which permissions are missing, who may grant them, and the grant.

Which permissions need an administrator is a property of each permission; here it is those whose names end in `.All`,
as Microsoft's names do that reach beyond the user's own data.
Source: learn.microsoft.com/entra/identity/enterprise-apps/user-admin-consent-overview
"""

from entra_emulator.model import App, Grant, ServicePrincipal, Tenant, User
from entra_emulator.resources import GRAPH, Resource

from .access import delegated_scopes
from .scopes import DEFAULT, RequestedScope

_FIRST_PERMISSION = {GRAPH: "User.Read"}
_ADMINS = ("global administrator", "privileged role administrator", "cloud application administrator")


def missing(
    tenant: Tenant, app: App, resource: Resource, user: User, requested: RequestedScope, declared: list[str]
) -> list[str]:
    """The requested permissions that nobody has granted.

    :param declared: what `.default` asks for if nothing is granted at all; empty for the API's usual permission.
    """
    granted = {scope.lower() for scope in delegated_scopes(tenant, app, resource, user)}
    names = [name for name in requested.names if name != DEFAULT]
    if not names and not granted:
        names = declared or [_FIRST_PERMISSION.get(resource.app_id, "user_impersonation")]
    return [name for name in names if name.lower() not in granted]


def is_administrator(roles: list[str]) -> bool:
    """Whether these directory roles allow consent for everyone."""
    return any(role.lower() in _ADMINS for role in roles)


def may_consent(tenant: Tenant, roles: list[str], wanted: list[str]) -> bool:
    """Whether a user with these roles may grant all of it to themselves. Personal accounts have no administrator."""
    if tenant.personal:
        return True
    return is_administrator(roles) or (tenant.user_consent and not any(one.lower().endswith(".all") for one in wanted))


def grant(tenant: Tenant, app: App, resource: Resource, wanted: list[str], user: str) -> None:
    """Record the consent, '' for everyone; the application is then known in the tenant."""
    if wanted:
        tenant.grants.append(Grant(app=app.id, resource=resource.app_id, scopes=wanted, user=user))
    if not tenant.principal(app.id) and not tenant.personal:
        tenant.principals.append(ServicePrincipal(app=app.id))
