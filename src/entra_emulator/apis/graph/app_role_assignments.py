"""Graph: the roles that are assigned to applications and users.

Source: learn.microsoft.com/graph/api/resources/approleassignment. In the model, an assignment is a grant of roles to an
application or to one user.
"""

import uuid
from collections.abc import Iterator

from starlette.requests import Request

from entra_emulator.apis.bearer import Caller
from entra_emulator.model import Grant, Tenant, User
from entra_emulator.permissions import permission_id, permission_name
from entra_emulator.routing import Route, route
from entra_emulator.state import State

from .applications import READ
from .directory import READ_USERS, find_user
from .objects import find_principal
from .principals import DEFAULT_ROLE, principal_view
from .query import collection, entity, entity_type
from .service_principals import find_principal_of_path
from .wire import JsonObject, Refusal, changing, endpoint, not_found, require

_CHANGE_ROLES = frozenset({"AppRoleAssignment.ReadWrite.All"})
_PRINCIPAL = "/{version}/servicePrincipals/{principal}"


def routes() -> list[Route]:
    """Return the routes."""
    return [
        route("GET", f"{_PRINCIPAL}/appRoleAssignments", endpoint(_roles_of)),
        route("POST", f"{_PRINCIPAL}/appRoleAssignments", changing(_assign, 201)),
        route("DELETE", f"{_PRINCIPAL}/appRoleAssignments/{{assignment}}", changing(_unassign, 204)),
        route("GET", f"{_PRINCIPAL}/appRoleAssignedTo", endpoint(_assigned_to)),
        route("POST", f"{_PRINCIPAL}/appRoleAssignedTo", changing(_assign, 201)),
        route("DELETE", f"{_PRINCIPAL}/appRoleAssignedTo/{{assignment}}", changing(_unassign, 204)),
        route("GET", "/{version}/users/{user}/appRoleAssignments", endpoint(_roles_of_user)),
    ]


def _assignments(state: State, tenant: Tenant) -> Iterator[tuple[Grant, str, JsonObject]]:
    """Yield every role that is assigned in a tenant: the grant, the role's name, and its JSON in Graph."""
    for grant in tenant.grants:
        resource = find_principal(tenant, grant.resource)
        principal = tenant.user(grant.user) if grant.user else find_principal(tenant, grant.app)
        if resource is None or principal is None:
            continue
        name = principal.name if isinstance(principal, User) else principal_view(state, principal)["displayName"]
        for role in grant.roles:
            shown = {
                "id": str(uuid.uuid5(uuid.UUID(resource.id), f"{principal.id}:{role}")),
                "appRoleId": _role_id(state, grant.resource, role),
                "principalDisplayName": name,
                "principalId": principal.id,
                "principalType": "User" if isinstance(principal, User) else "ServicePrincipal",
                "resourceDisplayName": principal_view(state, resource)["displayName"],
                "resourceId": resource.id,
            }
            yield grant, role, shown


def _role_id(state: State, resource: str, role: str) -> str:
    app = state.apps.get(resource)
    declared = next((app_role.id for app_role in app.app_roles if app_role.value == role), "") if app else ""
    return declared or permission_id(resource, "roles", role)


def _listed(request: Request, caller: Caller, path: str, side: str, wanted: str) -> JsonObject:
    require(caller, READ if "servicePrincipals" in path else READ | READ_USERS)
    state: State = request.state.world.state
    items = [shown for _, _, shown in _assignments(state, caller.tenant) if shown[side] == wanted]
    return collection(request, path, entity_type("appRoleAssignment"), items)


def _roles_of(request: Request, caller: Caller) -> JsonObject:
    principal = find_principal_of_path(request, caller)
    path = f"servicePrincipals('{principal.id}')/appRoleAssignments"
    return _listed(request, caller, path, "principalId", principal.id)


def _assigned_to(request: Request, caller: Caller) -> JsonObject:
    principal = find_principal_of_path(request, caller)
    path = f"servicePrincipals('{principal.id}')/appRoleAssignedTo"
    return _listed(request, caller, path, "resourceId", principal.id)


def _roles_of_user(request: Request, caller: Caller) -> JsonObject:
    user = find_user(request, caller)
    return _listed(request, caller, f"users('{user.id}')/appRoleAssignments", "principalId", user.id)


def _assign(request: Request, caller: Caller, body: JsonObject) -> JsonObject:
    """Assign a role of a resource to an application or a user."""
    require(caller, _CHANGE_ROLES)
    find_principal_of_path(request, caller)
    state, tenant = request.state.world.state, caller.tenant
    resource = find_principal(tenant, str(body.get("resourceId")))
    principal = tenant.user(str(body.get("principalId"))) or find_principal(tenant, str(body.get("principalId")))
    if resource is None or principal is None:
        raise Refusal(400, "Request_BadRequest", "resourceId and principalId name no objects of this directory.")
    role = permission_name(state, resource.app, "roles", str(body.get("appRoleId")))
    if not role and str(body.get("appRoleId")) != DEFAULT_ROLE:
        raise Refusal(400, "Request_BadRequest", "Permission being assigned was not found on application.")
    if any(
        view["principalId"] == principal.id and view["resourceId"] == resource.id and name == role
        for _, name, view in _assignments(state, tenant)
    ):
        raise Refusal(400, "Request_BadRequest", "Permission being assigned already exists on the object.")
    if isinstance(principal, User):
        grant = Grant(resource.app, resource.app, roles=[role], user=principal.id)
    else:
        grant = Grant(principal.app, resource.app, roles=[role])
    tenant.grants.append(grant)
    shown = next(view for made, _, view in _assignments(state, tenant) if made is grant)
    return entity(request, "appRoleAssignments", entity_type("appRoleAssignment"), shown)


def _unassign(request: Request, caller: Caller, _: JsonObject) -> None:
    require(caller, _CHANGE_ROLES)
    wanted = request.path_params["assignment"]
    for grant, role, shown in _assignments(request.state.world.state, caller.tenant):
        if shown["id"] == wanted.lower():
            grant.roles.remove(role)
            return
    raise not_found(wanted)
