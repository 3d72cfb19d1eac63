"""Graph: the delegated permissions that applications have, for everybody or for one user.

Source: learn.microsoft.com/graph/api/resources/oauth2permissiongrant. In the model, it is a grant with scopes.
"""

import uuid
from collections.abc import Iterator

from starlette.requests import Request

from entra_emulator.apis.bearer import Caller
from entra_emulator.model import Grant, Tenant
from entra_emulator.routing import Route, route

from .applications import READ
from .directory import find_user
from .objects import find_principal
from .query import collection, entity, entity_type
from .resources import Readable
from .service_principals import find_principal_of_path
from .wire import JsonObject, Refusal, changing, endpoint, not_found, require

_READ_GRANTS = frozenset({"DelegatedPermissionGrant.Read.All", "DelegatedPermissionGrant.ReadWrite.All"}) | READ
_CHANGE_GRANTS = frozenset({"DelegatedPermissionGrant.ReadWrite.All", "Directory.ReadWrite.All"})
_PRINCIPAL = "/{version}/servicePrincipals/{principal}"


def routes() -> list[Route]:
    """Return the routes."""
    return [
        route("GET", f"{_PRINCIPAL}/oauth2PermissionGrants", endpoint(_grants_of)),
        route("GET", "/{version}/users/{user}/oauth2PermissionGrants", endpoint(_grants_of_user)),
        route("POST", "/{version}/oauth2PermissionGrants", changing(_add_grant, 201)),
        route("PATCH", "/{version}/oauth2PermissionGrants/{grant}", changing(_change_grant, 204)),
        route("DELETE", "/{version}/oauth2PermissionGrants/{grant}", changing(_remove_grant, 204)),
        *Readable("oauth2PermissionGrants", "oauth2PermissionGrant", _grants, _READ_GRANTS).routes(),
    ]


def _grants(_: Request, caller: Caller) -> list[JsonObject]:
    return [shown for _, shown in _delegated(caller.tenant)]


def _delegated(tenant: Tenant) -> Iterator[tuple[Grant, JsonObject]]:
    for grant in tenant.grants:
        client, resource = (find_principal(tenant, name) for name in (grant.app, grant.resource))
        user = tenant.user(grant.user) if grant.user else None
        if client is None or resource is None or not grant.scopes or (grant.user and user is None):
            continue
        yield (
            grant,
            {
                "id": str(uuid.uuid5(uuid.UUID(client.id), f"{resource.id}:{user.id if user else ''}")),
                "clientId": client.id,
                "consentType": "Principal" if user else "AllPrincipals",
                "principalId": user.id if user else None,
                "resourceId": resource.id,
                "scope": " ".join(grant.scopes),
            },
        )


def _grants_of(request: Request, caller: Caller) -> JsonObject:
    require(caller, _READ_GRANTS)
    principal = find_principal_of_path(request, caller)
    items = [item for item in _grants(request, caller) if item["clientId"] == principal.id]
    path = f"servicePrincipals('{principal.id}')/oauth2PermissionGrants"
    return collection(request, path, entity_type("oauth2PermissionGrant"), items)


def _grants_of_user(request: Request, caller: Caller) -> JsonObject:
    require(caller, _READ_GRANTS)
    user = find_user(request, caller)
    items = [item for item in _grants(request, caller) if item["principalId"] == user.id]
    return collection(
        request, f"users('{user.id}')/oauth2PermissionGrants", entity_type("oauth2PermissionGrant"), items
    )


def _add_grant(request: Request, caller: Caller, body: JsonObject) -> JsonObject:
    """Consent to delegated permissions, for everybody or for one user."""
    require(caller, _CHANGE_GRANTS)
    _state, tenant = request.state.world.state, caller.tenant
    client, resource = (find_principal(tenant, str(body.get(name))) for name in ("clientId", "resourceId"))
    kind, principal = body.get("consentType"), body.get("principalId")
    if client is None or resource is None or kind not in ("AllPrincipals", "Principal"):
        raise Refusal(400, "Request_BadRequest", "clientId, resourceId and consentType are required and must fit.")
    user = tenant.user(str(principal)) if principal else None
    if (kind == "Principal") != (user is not None):
        raise Refusal(400, "Request_BadRequest", "principalId names the user of a grant of consentType Principal only.")
    wanted = str(user.id) if user else ""
    for present, shown in _delegated(tenant):
        if (present.app, present.resource, shown["principalId"] or "") == (client.app, resource.app, wanted):
            raise Refusal(409, "Request_MultipleObjectsWithSameKeyValue", "Permission entry already exists.")
    grant = Grant(client.app, resource.app, str(body.get("scope") or "").split(), user=wanted)
    tenant.grants.append(grant)
    shown = next((present for made, present in _delegated(tenant) if made is grant), body)
    return entity(request, "oauth2PermissionGrants", entity_type("oauth2PermissionGrant"), shown)


def _grant(request: Request, caller: Caller) -> Grant:
    require(caller, _CHANGE_GRANTS)
    wanted = request.path_params["grant"].lower()
    for grant, shown in _delegated(caller.tenant):
        if shown["id"] == wanted:
            return grant
    raise not_found(wanted)


def _change_grant(request: Request, caller: Caller, body: JsonObject) -> None:
    if set(body) != {"scope"}:
        raise Refusal(400, "Request_BadRequest", "Only the scope of a permission grant can be changed.")
    _grant(request, caller).scopes[:] = str(body["scope"] or "").split()


def _remove_grant(request: Request, caller: Caller, _: JsonObject) -> None:
    _grant(request, caller).scopes.clear()
