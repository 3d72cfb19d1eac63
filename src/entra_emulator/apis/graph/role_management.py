"""Graph: role definitions and assignments of the directory.

Source: learn.microsoft.com/graph/api/resources/unifiedroledefinition, .../unifiedroleassignment.
"""

import uuid
from collections.abc import Iterator

from starlette.requests import Request

from entra_emulator.apis.bearer import Caller
from entra_emulator.model import Group, Tenant, User
from entra_emulator.routing import Route
from entra_emulator.state import State
from entra_emulator.tokens.directory_roles import directory_roles, role_ids

from .directory import READ_DIRECTORY
from .objects import find_member
from .query import Expansion
from .resources import Readable
from .wire import JsonObject

_READ = frozenset({"RoleManagement.Read.Directory", "RoleManagement.ReadWrite.Directory", "RoleManagement.Read.All"})
_BASE = "roleManagement/directory"


def routes() -> list[Route]:
    """Return the routes."""
    needs = _READ | READ_DIRECTORY
    return [
        *Readable(f"{_BASE}/roleDefinitions", "unifiedRoleDefinition", _definitions, needs).routes(),
        *Readable(f"{_BASE}/roleAssignments", "unifiedRoleAssignment", _assignments, needs, expand=_expand).routes(),
    ]


def _definitions(_: Request, __: Caller) -> list[JsonObject]:
    return [_definition(name, template) for name, template in directory_roles().items()]


def _definition(name: str, template: str) -> JsonObject:
    return {
        "id": template,
        "displayName": name,
        "description": name,
        "isBuiltIn": True,
        "isEnabled": True,
        "resourceScopes": ["/"],
        "templateId": template,
        "version": "1",
    }


def _assignments(request: Request, caller: Caller) -> list[JsonObject]:
    """Return the directory role assignments of the tenant: its users and groups, and partners' users."""
    state: State = request.state.world.state
    return [
        {
            "id": str(uuid.uuid5(uuid.UUID(caller.tenant.id), f"{principal}:{role}")),
            "directoryScopeId": "/",
            "principalId": principal,
            "principalOrganizationId": organization,
            "roleDefinitionId": role,
        }
        for principal, organization, role in _assigned(state, caller.tenant)
    ]


def _assigned(state: State, tenant: Tenant) -> Iterator[tuple[str, str, str]]:
    holders: list[User | Group] = [*tenant.users, *tenant.groups]
    for principal in holders:
        for role in role_ids(principal.roles):
            yield principal.id, tenant.id, role
    for relation in tenant.relationships:
        partner = state.tenants.get(relation.partner)
        if relation.status != "active" or partner is None:
            continue
        for user in partner.users:
            for role in role_ids(relation.roles) if relation.admits(partner, user) else ():
                yield user.id, partner.id, role


def _expand(request: Request, _: Caller) -> dict[str, Expansion]:
    state: State = request.state.world.state
    names = {template: name for name, template in directory_roles().items()}

    def principal(item: JsonObject) -> list[JsonObject]:
        tenant = state.tenants[str(item["principalOrganizationId"])]
        found = find_member(state, tenant, str(item["principalId"]))
        return [{**found, "organizationId": tenant.id}] if found else []

    def definition(item: JsonObject) -> list[JsonObject]:
        template = str(item["roleDefinitionId"])
        kind = {"@odata.type": "#microsoft.graph.unifiedRoleDefinition"}
        return [{**kind, **_definition(names.get(template, template), template)}]

    return {"principal": Expansion(principal, single=True), "roleDefinition": Expansion(definition, single=True)}
