"""Consent on the page: the missing permissions, who may grant them, and the grant.

At Entra, each permission says whether it needs an administrator. Here, those whose names end in `.All` need one, as
Microsoft uses this ending for access beyond the user's own data.
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
    """Return the requested permissions that nobody has granted.

    :param declared: the permissions of `.default` if nothing is granted; empty means the API's usual permission.
    """
    granted = {scope.lower() for scope in delegated_scopes(tenant, app, resource, user)}
    names = [name for name in requested.names if name != DEFAULT]
    if not names and not granted:
        names = declared or [_FIRST_PERMISSION.get(resource.app_id, "user_impersonation")]
    return [name for name in names if name.lower() not in granted]


def is_administrator(roles: list[str]) -> bool:
    """Return whether these directory roles allow consent for everyone."""
    return any(role.lower() in _ADMINS for role in roles)


def may_consent(tenant: Tenant, roles: list[str], wanted: list[str]) -> bool:
    """Return whether a user with these roles may grant all of it. Personal accounts have no administrator."""
    if tenant.personal:
        return True
    return is_administrator(roles) or (
        tenant.user_consent and not any(name.lower().endswith(".all") for name in wanted)
    )


def grant(tenant: Tenant, app: App, resource: Resource, wanted: list[str], user: str) -> None:
    """Record the consent of `user`, '' for everyone. The application then has a service principal in the tenant."""
    if wanted:
        tenant.grants.append(Grant(app=app.id, resource=resource.app_id, scopes=wanted, user=user))
    if not tenant.principal(app.id) and not tenant.personal:
        tenant.principals.append(ServicePrincipal(app=app.id))
