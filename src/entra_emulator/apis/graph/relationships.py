"""Graph: a partner's granular delegated admin privileges (GDAP) and its customers.

Source: learn.microsoft.com/graph/api/resources/delegatedadminrelationship-api-overview; the order of states:
.../delegatedadminrelationship, "status". A test or a call of the emulator's admin API approves for the customer.
"""

import uuid
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from starlette.requests import Request

from entra_emulator.apis.bearer import Caller
from entra_emulator.model import Relationship, Tenant
from entra_emulator.routing import Route, route
from entra_emulator.tokens.directory_roles import role_ids

from .objects import moment
from .query import entity, entity_type
from .resources import Readable
from .wire import JsonObject, Refusal, changing, endpoint, not_found, require, version

if TYPE_CHECKING:
    from entra_emulator.state import State

_CHANGE = frozenset({"DelegatedAdminRelationship.ReadWrite.All"})
_READ = frozenset({"DelegatedAdminRelationship.Read.All"}) | _CHANGE
_READ_CONTRACTS = frozenset({"Directory.Read.All", "Directory.ReadWrite.All"})
_READ_TENANTS = frozenset({"CrossTenantInformation.ReadBasic.All"})
_BASE = "tenantRelationships"
_PATH = f"{_BASE}/delegatedAdminRelationships"
_LIVES_IN = 730 * 86_400
_ACTIONS = {"lockForApproval": ("created", "approvalPending"), "terminate": ("active", "terminated")}


def routes() -> list[Route]:
    """Return the routes."""
    path = f"/{{version}}/{_PATH}/{{id}}"
    information = f"/{{version}}/{_BASE}"
    return [
        route("POST", f"/{{version}}/{_PATH}", changing(_create, 201)),
        route("DELETE", path, changing(_delete, 204)),
        route("POST", f"{path}/requests", changing(_request, 201)),
        *Readable(_PATH, "delegatedAdminRelationship", _relationships, _READ, usual=300).routes(),
        *_part("accessAssignments", "delegatedAdminAccessAssignment", _assignments),
        *_part("operations", "delegatedAdminRelationshipOperation", _nothing),
        *_part("requests", "delegatedAdminRelationshipRequest", _nothing),
        *Readable(f"{_BASE}/delegatedAdminCustomers", "delegatedAdminCustomer", _customers, _READ).routes(),
        route("GET", information + "/findTenantInformationByTenantId(tenantId='{tenant}')", endpoint(_information)),
        route("GET", information + "/findTenantInformationByDomainName(domainName='{tenant}')", endpoint(_information)),
        *Readable("contracts", "contract", _contracts, _READ_CONTRACTS).routes(),
    ]


def _part(name: str, kind: str, items: Callable[[Request, Caller, Relationship], list[JsonObject]]) -> list[Route]:
    """Return the routes of a list that belongs to one relationship."""

    def list_items(request: Request, caller: Caller) -> list[JsonObject]:
        return items(request, caller, _found(request, caller)[1])

    return Readable(f"{_PATH}/{{id}}/{name}", kind, list_items, _READ).routes()


def _nothing(_: Request, __: Caller, ___: Relationship) -> list[JsonObject]:
    """Return an empty list: requests and operations complete at once here and are not stored."""
    return []


def _relationships(request: Request, caller: Caller) -> list[JsonObject]:
    return [_shown(request, customer, relationship) for customer, relationship in _own(request, caller)]


def _customers(request: Request, caller: Caller) -> list[JsonObject]:
    state: State = request.state.world.state
    return [
        {"id": customer.id, "tenantId": customer.id, "displayName": customer.name}
        for customer in state.customers(caller.tenant)
    ]


def _create(request: Request, caller: Caller, body: JsonObject) -> JsonObject:
    """Create a relationship, which the customer must still approve."""
    require(caller, _CHANGE)
    customer = body.get("customer") if isinstance(body.get("customer"), dict) else {}
    state: State = request.state.world.state
    tenant = state.tenant(str((customer or {}).get("tenantId", "")))
    roles = _roles(body)
    if tenant is None or not roles or not body.get("displayName") or not body.get("duration"):
        message = "A relationship needs displayName, duration, customer.tenantId of a tenant here, and unifiedRoles."
        raise Refusal(400, "BadRequest", message)
    if any(relationship.name == body["displayName"] for _, relationship in _own(request, caller)):
        raise Refusal(409, "Conflict", "Another relationship has this displayName.")
    now = request.state.world.clock.now()
    made = Relationship(caller.tenant.id, roles=roles, status="created", name=str(body["displayName"]), created_on=now)
    tenant.relationships.append(made)
    return entity(request, _PATH, entity_type("delegatedAdminRelationship"), _shown(request, tenant, made))


def _roles(body: JsonObject) -> list[str]:
    try:
        return [str(role["roleDefinitionId"]) for role in body["accessDetails"]["unifiedRoles"]]
    except (LookupError, TypeError):
        return []


def _request(request: Request, caller: Caller, body: JsonObject) -> JsonObject:
    """Lock a relationship for the customer's approval, or end it."""
    require(caller, _CHANGE)
    _, relationship = _found(request, caller)
    action = str(body.get("action"))
    if action not in _ACTIONS:
        raise Refusal(400, "BadRequest", f"The action '{action}' is not one of {', '.join(_ACTIONS)}.")
    before, after = _ACTIONS[action]
    if relationship.status != before:
        raise Refusal(
            400, "BadRequest", f"A relationship with the status '{relationship.status}' does not take '{action}'."
        )
    relationship.status, now = after, moment(request.state.world.clock.now())
    shown = {
        "id": str(uuid.uuid5(uuid.UUID(relationship.id), action)),
        "action": action,
        "status": "succeeded",
        "createdDateTime": now,
        "lastModifiedDateTime": now,
    }
    return entity(
        request, f"{_PATH}/{relationship.id}/requests", entity_type("delegatedAdminRelationshipRequest"), shown
    )


def _delete(request: Request, caller: Caller, _: JsonObject) -> None:
    """Delete a relationship that is not yet locked for the customer's approval."""
    require(caller, _CHANGE)
    customer, relationship = _found(request, caller)
    if relationship.status != "created":
        raise Refusal(400, "BadRequest", f"A relationship with the status '{relationship.status}' cannot be deleted.")
    if request.headers.get("if-match") is None:
        raise Refusal(428, "PreconditionRequired", "The header If-Match with the relationship's etag is required.")
    customer.relationships[:] = [other for other in customer.relationships if other is not relationship]


def _assignments(_: Request, caller: Caller, relationship: Relationship) -> list[JsonObject]:
    """Return the partner's security groups that have the roles; a single user is listed as a group of one."""
    partner = caller.tenant
    containers = [found.id for name in relationship.groups if (found := partner.group(name))]
    containers += [str(uuid.uuid5(uuid.UUID(relationship.id), name.lower())) for name in relationship.users]
    return [
        {
            "id": str(uuid.uuid5(uuid.UUID(relationship.id), container)),
            "status": "active",
            "accessContainer": {"accessContainerId": container, "accessContainerType": "securityGroup"},
            "accessDetails": _details(relationship),
        }
        for container in containers
    ]


def _information(request: Request, caller: Caller) -> JsonObject:
    require(caller, _READ_TENANTS)
    state: State = request.state.world.state
    tenant = state.tenant(request.path_params["tenant"])
    if tenant is None:
        raise not_found(request.path_params["tenant"])
    return {
        "@odata.context": f"{version(request)}/$metadata#microsoft.graph.tenantInformation",
        "tenantId": tenant.id,
        "federationBrandName": None,
        "displayName": tenant.name,
        "defaultDomainName": tenant.domain,
    }


def _contracts(request: Request, caller: Caller) -> list[JsonObject]:
    state: State = request.state.world.state
    return [
        {
            "id": str(uuid.uuid5(uuid.UUID(customer.id), caller.tenant.id)),
            "contractType": "ResellerPartnerContract",
            "customerId": customer.id,
            "defaultDomainName": customer.domain,
            "displayName": customer.name,
        }
        for customer in state.customers(caller.tenant)
    ]


def _own(request: Request, caller: Caller) -> Iterator[tuple[Tenant, Relationship]]:
    state: State = request.state.world.state
    for customer in state.tenants.values():
        for relationship in customer.relationships:
            if relationship.partner == caller.tenant.id:
                yield customer, relationship


def _found(request: Request, caller: Caller) -> tuple[Tenant, Relationship]:
    wanted = request.path_params["id"].lower()
    for customer, relationship in _own(request, caller):
        if relationship.id.lower() == wanted:
            return customer, relationship
    raise not_found(wanted)


def _shown(request: Request, customer: Tenant, relationship: Relationship) -> JsonObject:
    now = request.state.world.clock.now()
    created = relationship.created_on or now - _LIVES_IN / 2
    activated = relationship.activated_on or created
    active = relationship.status not in ("created", "approvalPending", "approved")
    return {
        "@odata.etag": f'W/"{uuid.uuid5(uuid.UUID(relationship.id), relationship.status)}"',
        "id": relationship.id,
        "activatedDateTime": moment(activated) if active else None,
        "autoExtendDuration": f"P{relationship.extends_in}D" if relationship.extends_in else "PT0S",
        "createdDateTime": moment(created),
        "customer": {"tenantId": customer.id, "displayName": customer.name},
        "displayName": relationship.name or f"{customer.name} relationship",
        "duration": "P730D",
        "endDateTime": moment(relationship.ends_on or activated + _LIVES_IN) if active else None,
        "lastModifiedDateTime": moment(activated if active else created),
        "status": relationship.status,
        "accessDetails": _details(relationship),
    }


def _details(relationship: Relationship) -> JsonObject:
    return {"unifiedRoles": [{"roleDefinitionId": role} for role in role_ids(relationship.roles)]}
