"""Graph: service principals, including those of Microsoft's own APIs.

Source: learn.microsoft.com/graph/api/resources/serviceprincipal.
"""

from typing import TYPE_CHECKING

from starlette.requests import Request

from entra_emulator.apis.bearer import Caller
from entra_emulator.model import ServicePrincipal, Tenant
from entra_emulator.routing import Route, route

from .applications import CHANGE, READ
from .objects import memberships
from .principals import first_party_principals, principal_view
from .query import entity, entity_type
from .resources import Readable, named, objects
from .wire import JsonObject, Refusal, changing, endpoint, not_found, require

if TYPE_CHECKING:
    from entra_emulator.state import State

_PRINCIPAL = "/{version}/servicePrincipals/{principal}"


def routes() -> list[Route]:
    """Return the routes."""
    by_app_id = "/{version}/servicePrincipals(appId='{app}')"
    return [
        route("POST", "/{version}/servicePrincipals", changing(_install, 201)),
        route("GET", by_app_id, endpoint(_one_by_app_id)),
        route("PATCH", _PRINCIPAL, changing(_change, 204)),
        route("DELETE", _PRINCIPAL, changing(_remove, 204)),
        *objects("servicePrincipals/{principal}/memberOf", _member_of),
        *objects("servicePrincipals/{principal}/owners", _no_owners),
        *Readable("servicePrincipals", "servicePrincipal", _principals, READ).routes(),
    ]


def _all(tenant: Tenant) -> list[ServicePrincipal]:
    return [*tenant.principals, *first_party_principals(tenant)]


def _principals(request: Request, caller: Caller) -> list[JsonObject]:
    state: State = request.state.world.state
    return [principal_view(state, principal) for principal in _all(caller.tenant)]


def _one_by_app_id(request: Request, caller: Caller) -> JsonObject:
    require(caller, READ)
    found = named(_principals(request, caller), request.path_params["app"], ("appId",))
    return entity(request, "servicePrincipals", entity_type("servicePrincipal"), found)


def _install(request: Request, caller: Caller, body: JsonObject) -> JsonObject:
    """Create the service principal of an application of this tenant, or of one that other tenants may use."""
    require(caller, CHANGE)
    state: State = request.state.world.state
    app = state.apps.get(str(body.get("appId")).lower())
    if app is None or (app.tenant != caller.tenant.id and app.audience == "single"):
        message = f"The appId '{body.get('appId')}' does not name an application that this tenant may use."
        raise Refusal(400, "Request_BadRequest", message)
    if caller.tenant.principal(app.id):
        message = f"The service principal of '{app.id}' exists already."
        raise Refusal(409, "Request_MultipleObjectsWithSameKeyValue", message)
    for name in body:
        if not name.startswith("@") and entity_type("servicePrincipal").named(name) not in ("appId", "accountEnabled"):
            raise Refusal(400, "Request_BadRequest", f"The emulator cannot set '{name}' of a service principal.")
    made = ServicePrincipal(app=app.id, enabled=bool(body.get("accountEnabled", True)))
    caller.tenant.principals.append(made)
    shown = principal_view(state, made)
    return entity(request, "servicePrincipals", entity_type("servicePrincipal"), shown)


def _change(request: Request, caller: Caller, body: JsonObject) -> None:
    """Enable or disable the service principal, and set whether users need an assignment."""
    require(caller, CHANGE)
    principal = find_principal_of_path(request, caller)
    fields = {"accountEnabled": "enabled", "appRoleAssignmentRequired": "assignment_required"}
    for name, value in body.items():
        if name.startswith("@"):
            continue
        own = fields.get(entity_type("servicePrincipal").named(name, "Request_BadRequest"))
        if own is None or not isinstance(value, bool):
            raise Refusal(
                400, "Request_BadRequest", f"The emulator cannot set '{name}' of a service principal to this."
            )
        setattr(principal, own, value)


def _remove(request: Request, caller: Caller, _: JsonObject) -> None:
    """Delete the service principal and the grants to it."""
    require(caller, CHANGE)
    principal, tenant = find_principal_of_path(request, caller), caller.tenant
    tenant.principals[:] = [other for other in tenant.principals if other is not principal]
    tenant.grants[:] = [grant for grant in tenant.grants if principal.app not in (grant.app, grant.resource)]


def find_principal_of_path(request: Request, caller: Caller) -> ServicePrincipal:
    """Return the service principal that the path names by its object id.

    :raises Refusal: 404.
    """
    wanted = request.path_params["principal"]
    found = next((principal for principal in _all(caller.tenant) if principal.id.lower() == wanted.lower()), None)
    if found is None:
        raise not_found(wanted)
    return found


def _member_of(request: Request, caller: Caller) -> list[JsonObject]:
    require(caller, READ)
    principal = find_principal_of_path(request, caller)
    return memberships(caller.tenant, of=(principal.id, principal.app), roles=[], direct=True)


def _no_owners(request: Request, caller: Caller) -> list[JsonObject]:
    """Return an empty list: the emulator does not store a service principal's owners."""
    require(caller, READ)
    find_principal_of_path(request, caller)
    return []
