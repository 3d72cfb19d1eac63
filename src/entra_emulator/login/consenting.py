"""Consent by the person at the page: what is missing, who may grant it, and granting it.

Which permissions need an administrator is a property of each permission; here those that reach beyond the person do,
which Microsoft's names show by ending in `.All`.
Source: learn.microsoft.com/entra/identity/enterprise-apps/user-admin-consent-overview
"""

from entra_emulator.model import App, Grant, ServicePrincipal, Tenant, User
from entra_emulator.resources import GRAPH, Resource

from .access import delegated_scopes
from .scopes import DEFAULT, RequestedScope

_FIRST_PERMISSION = {GRAPH: "User.Read"}
_ADMINS = ("global administrator", "privileged role administrator", "cloud application administrator")


def missing(tenant: Tenant, app: App, resource: Resource, user: User, requested: RequestedScope) -> list[str]:
    """The permissions asked for that nobody granted; for `.default` on nothing at all, the API's usual one."""
    granted = {scope.lower() for scope in delegated_scopes(tenant, app, resource, user)}
    names = [name for name in requested.names if name != DEFAULT]
    if not names and not granted:
        names = [_FIRST_PERMISSION.get(resource.app_id, "user_impersonation")]
    return [name for name in names if name.lower() not in granted]


def is_administrator(roles: list[str]) -> bool:
    """Whether directory roles let somebody consent for everyone."""
    return any(role.lower() in _ADMINS for role in roles)


def may_consent(tenant: Tenant, roles: list[str], wanted: list[str]) -> bool:
    """Whether a person with these roles may grant all of it for themselves. A personal account has nobody above it."""
    if tenant.personal:
        return True
    return is_administrator(roles) or (tenant.user_consent and not any(one.lower().endswith(".all") for one in wanted))


def grant(tenant: Tenant, app: App, resource: Resource, wanted: list[str], user: str) -> None:
    """Record the consent, '' for everyone; the application is then known in the tenant."""
    if wanted:
        tenant.grants.append(Grant(app=app.id, resource=resource.app_id, scopes=wanted, user=user))
    if not tenant.principal(app.id) and not tenant.personal:
        tenant.principals.append(ServicePrincipal(app=app.id))
