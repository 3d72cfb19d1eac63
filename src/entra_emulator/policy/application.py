"""The resources and endpoints that applications may use."""

from entra_emulator.aadsts import EntraError
from entra_emulator.model import App, Tenant
from entra_emulator.resources import Resource
from entra_emulator.state import State, as_guid

from .sign_in import SignIn

DEFAULT = ".default"


def check_endpoint(app: App, tenant: Tenant | None, name: str) -> None:
    """Check that an application may use the tenant of the request, or the segment `name` of a URL without a tenant.

    :raises EntraError: 9002332 organizations' applications at /consumers, 9002346 personal ones elsewhere, 50194 a
        single-tenant application at /common or /organizations.
    """
    name = name.lower()
    if tenant and tenant.personal:
        if not app.personal:
            raise EntraError(9002332, app=app.id, app_name=app.name)
        return
    if app.audience == "personal":
        raise EntraError(9002346, app=app.id, app_name=app.name)
    if app.audience == "single" and name in ("common", "organizations"):
        raise EntraError(50194, app=app.id, app_name=app.name)


def check_resource(app: App, tenant: Tenant, resource: Resource, identifier: str) -> None:
    """Check that the resource is available in the tenant, and that the application declares it.

    :raises EntraError: 9002332 an API that personal accounts cannot use, 500014 disabled, 650057 not among the
        application's declared resources.
    """
    if tenant.personal and not resource.personal:
        raise EntraError(9002332, app=resource.app_id, app_name=resource.name)
    principal = tenant.principal(resource.app_id)
    if resource.app_id in tenant.disabled_resources or (principal and not principal.enabled):
        raise EntraError(500014, resource=identifier)
    if app.resources and resource.app_id not in app.resources:
        listed = ", ".join(app.resources)
        raise EntraError(650057, app=app.id, app_name=app.name, resource=identifier, id=resource.app_id, listed=listed)


def check_workload_assignment(app: App, tenant: Tenant, resource: Resource, roles: tuple[str, ...]) -> None:
    """Check that the application has a role, if the resource requires an assignment.

    :raises EntraError: 501051.
    """
    principal = tenant.principal(resource.app_id)
    if principal and principal.assignment_required and not roles:
        raise EntraError(501051, app=app.id, app_name=app.name, resource=resource.app_id, resource_name=resource.name)


def check_user_may_use(sign_in: SignIn) -> None:
    """Check that this user may use this application in this tenant.

    :raises EntraError: 50105 not assigned; at v1.0 90009 for an application that requests a token for itself by
        anything other than its id.
    """
    app = sign_in.app
    principal = sign_in.tenant.principal(app.id)
    if principal and principal.assignment_required:
        assigned = {name.lower() for name in principal.assigned}
        assigned |= {grant.user.lower() for grant in sign_in.tenant.grants if grant.resource == app.id and grant.roles}
        if not assigned & (sign_in.names | sign_in.group_names):
            raise EntraError(50105, app=app.id, app_name=app.name)
    if sign_in.version == 1 and sign_in.resource.app_id == app.id and not as_guid(sign_in.identifier.lower()):
        raise EntraError(90009, app=app.id, app_name=app.name)


def check_scopes(state: State, app: App, resource: Resource, names: tuple[str, ...]) -> None:
    """Check that the resource offers the permissions requested by name, if it declares any.

    :raises EntraError: 650053.
    """
    offering = state.apps.get(resource.app_id)
    if offering is None or not offering.scopes:
        return
    offered = {scope.lower() for scope in offering.scopes} | {DEFAULT}
    for name in names:
        if name.lower() not in offered:
            raise EntraError(650053, app=app.id, app_name=app.name, scope=name, resource=resource.app_id)
