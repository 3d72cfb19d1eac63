"""Graph: granular delegated admin privileges (GDAP) as the partner sees them, and its customers' contracts."""

import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

from starlette.requests import Request

from entra_emulator.apis.bearer import Caller
from entra_emulator.model import Relationship, Tenant
from entra_emulator.routing import Route, route
from entra_emulator.tokens.claims import role_ids

from .query import collection, entity, entity_type
from .wire import Answer, endpoint, not_found, require, version

if TYPE_CHECKING:
    from entra_emulator.state import State

_READ = frozenset({"DelegatedAdminRelationship.Read.All", "DelegatedAdminRelationship.ReadWrite.All"})
_READ_CONTRACTS = frozenset({"Directory.Read.All", "Directory.ReadWrite.All"})
_READ_TENANTS = frozenset({"CrossTenantInformation.ReadBasic.All"})
_PATH = "tenantRelationships/delegatedAdminRelationships"


def routes() -> list[Route]:
    """Its routes."""
    return [
        route("GET", f"/{{version}}/{_PATH}", endpoint(_relationships)),
        route("GET", f"/{{version}}/{_PATH}/{{id}}", endpoint(_relationship)),
        route("GET", f"/{{version}}/{_PATH}/{{id}}/accessAssignments", endpoint(_assignments)),
        route(
            "GET",
            "/{version}/tenantRelationships/findTenantInformationByTenantId(tenantId='{tenant}')",
            endpoint(_information),
        ),
        route("GET", "/{version}/contracts", endpoint(_contracts)),
    ]


def _relationships(request: Request, caller: Caller) -> Answer:
    require(caller, _READ)
    items = [_shown(customer, one) for customer, one in _own(request, caller)]
    return collection(request, _PATH, entity_type("delegatedAdminRelationship"), items, usual=300)


def _relationship(request: Request, caller: Caller) -> Answer:
    require(caller, _READ)
    return entity(request, _PATH, entity_type("delegatedAdminRelationship"), _shown(*_found(request, caller)))


def _assignments(request: Request, caller: Caller) -> Answer:
    """Who of the partner may use which roles. Entra names security groups; here each user stands for one."""
    require(caller, _READ)
    _, one = _found(request, caller)
    items: list[Answer] = [
        {
            "id": str(uuid.uuid5(uuid.UUID(one.id), name)),
            "status": "active",
            "accessContainer": {"accessContainerId": name, "accessContainerType": "securityGroup"},
            "accessDetails": _details(one),
        }
        for name in one.users
    ]
    return collection(
        request, f"{_PATH}/{one.id}/accessAssignments", entity_type("delegatedAdminAccessAssignment"), items
    )


def _information(request: Request, caller: Caller) -> Answer:
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


def _contracts(request: Request, caller: Caller) -> Answer:
    require(caller, _READ_CONTRACTS)
    state: State = request.state.world.state
    items: list[Answer] = [
        {
            "id": str(uuid.uuid5(uuid.UUID(one.id), caller.tenant.id)),
            "deletedDateTime": None,
            "contractType": "ResellerPartnerContract",
            "customerId": one.id,
            "defaultDomainName": one.domain,
            "displayName": one.name,
        }
        for one in state.customers(caller.tenant)
    ]
    return collection(request, "contracts", entity_type("contract"), items)


def _own(request: Request, caller: Caller) -> Iterator[tuple[Tenant, Relationship]]:
    state: State = request.state.world.state
    for customer in state.tenants.values():
        for one in customer.relationships:
            if one.partner == caller.tenant.id:
                yield customer, one


def _found(request: Request, caller: Caller) -> tuple[Tenant, Relationship]:
    wanted = request.path_params["id"].lower()
    for customer, one in _own(request, caller):
        if one.id.lower() == wanted:
            return customer, one
    raise not_found(wanted)


def _shown(customer: Tenant, one: Relationship) -> Answer:
    return {
        "id": one.id,
        "displayName": one.name or f"{customer.name} relationship",
        "duration": "P730D",
        "autoExtendDuration": "PT0S",
        "status": one.status,
        "customer": {"tenantId": customer.id, "displayName": customer.name},
        "accessDetails": _details(one),
    }


def _details(one: Relationship) -> Answer:
    return {"unifiedRoles": [{"roleDefinitionId": role} for role in role_ids(one.roles)]}
