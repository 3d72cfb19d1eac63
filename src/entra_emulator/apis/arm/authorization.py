"""Resource Manager: role definitions and role assignments of a subscription.

Source: learn.microsoft.com/rest/api/authorization/role-assignments. Owner and Contributor give the rights of a
contributor, Reader those of a reader; other roles are stored and have no effect.
"""

import re
import uuid
from collections.abc import Iterator
from typing import Any

from entra_emulator.model import RoleAssignment, Subscription, Tenant
from entra_emulator.routing import Route, route

from .facts import facts
from .subscriptions import opened
from .wire import Call, Refusal, Reply, body_of, endpoint

_BASE = "/subscriptions/{subscription}/providers/microsoft.authorization"
_ACTION = "Microsoft.Authorization/roleAssignments"
_FILTER = re.compile(
    r"(?:(?P<at>atScope\(\))|(?P<name>principalId|assignedTo|roleName)\s*(?:eq\s*|\()'(?P<text>[^']*)'\)?)"
)


def routes() -> list[Route]:
    """Return the routes."""
    return [
        route("GET", f"{_BASE}/roledefinitions", endpoint(_definitions)),
        route("GET", f"{_BASE}/roledefinitions/{{role}}", endpoint(_definition)),
        route("GET", f"{_BASE}/roleassignments", endpoint(_assignments)),
        route("GET", f"{_BASE}/roleassignments/{{assignment}}", endpoint(_assignment)),
        route("PUT", f"{_BASE}/roleassignments/{{assignment}}", endpoint(_assign)),
        route("DELETE", f"{_BASE}/roleassignments/{{assignment}}", endpoint(_unassign)),
    ]


def _definitions(call: Call) -> Reply:
    subscription = opened(call)
    wanted = _filter(call, {"roleName"})
    roles = [role for role in facts()["roles"] if wanted.get("roleName", role["name"]).lower() == role["name"].lower()]
    return Reply({"value": [_role(subscription, role) for role in roles]})


def _definition(call: Call) -> Reply:
    subscription = opened(call)
    return Reply(_role(subscription, _find_role(call.named("role"))))


def _find_role(wanted: str) -> dict[str, Any]:
    for role in facts()["roles"]:
        if role["id"] == wanted.lower():
            return dict(role)
    raise Refusal(404, "RoleDefinitionDoesNotExist", f"There is no role definition with the id '{wanted}'.")


def _role(subscription: Subscription, role: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"/subscriptions/{subscription.id}/providers/Microsoft.Authorization/roleDefinitions/{role['id']}",
        "type": "Microsoft.Authorization/roleDefinitions",
        "name": role["id"],
        "properties": {
            "roleName": role["name"],
            "type": "BuiltInRole",
            "description": role["description"],
            "assignableScopes": ["/"],
            "permissions": [
                {
                    "actions": role["actions"],
                    "notActions": role.get("not_actions", []),
                    "dataActions": role.get("data_actions", []),
                    "notDataActions": [],
                }
            ],
        },
    }


def _all(call: Call, subscription: Subscription) -> Iterator[tuple[str, str, str, str]]:
    """Yield name, role, principal and its type of the assignments made here and of those in the configuration."""
    roles = {role["name"]: role["id"] for role in facts()["roles"]}
    made = {(assignment.role, assignment.principal) for assignment in subscription.assignments}
    for assignment in subscription.assignments:
        yield assignment.name, assignment.role, assignment.principal, _kind(call.caller.tenant, assignment.principal)
    for name, holders in (("Contributor", subscription.contributors), ("Reader", subscription.readers)):
        for name_or_id in holders:
            principal = _principal(call.caller.tenant, name_or_id)
            if principal and (roles[name], principal) not in made:
                derived = str(uuid.uuid5(uuid.UUID(subscription.id), f"{name}:{principal}"))
                yield derived, roles[name], principal, _kind(call.caller.tenant, principal)


def _principal(tenant: Tenant, name: str) -> str:
    """Return the object id for an application id, user id or UPN; '' if the tenant does not have it."""
    if user := tenant.user(name):
        return user.id
    found = next((candidate for candidate in tenant.principals if name.lower() in (candidate.app, candidate.id)), None)
    return found.id if found else ""


def _kind(tenant: Tenant, principal: str) -> str:
    if tenant.user(principal):
        return "User"
    return "Group" if tenant.group(principal) else "ServicePrincipal"


def _assignments(call: Call) -> Reply:
    subscription = opened(call)
    wanted = _filter(call, {"principalId", "assignedTo"})
    principal = wanted.get("principalId") or wanted.get("assignedTo")
    listed = [
        assignment for assignment in _all(call, subscription) if principal is None or assignment[2] == principal.lower()
    ]
    return Reply({"value": [_shown(subscription, *assignment) for assignment in listed]})


def _filter(call: Call, known: set[str]) -> dict[str, str]:
    """Return the conditions of $filter.

    :raises Refusal: 400 for an unsupported filter.
    """
    text, found = call.request.query_params.get("$filter", ""), dict[str, str]()
    for part in filter(None, re.split(r"\s+and\s+", text.strip(), flags=re.IGNORECASE)):
        match = _FILTER.fullmatch(part)
        if match is None or not (match["at"] or match["name"] in known):
            raise Refusal(400, "UnsupportedQuery", f"The filter '{text}' is not supported.")
        if match["name"]:
            found[match["name"]] = match["text"]
    return found


def _shown(subscription: Subscription, name: str, role: str, principal: str, kind: str) -> dict[str, Any]:
    scope = f"/subscriptions/{subscription.id}"
    return {
        "id": f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}",
        "type": "Microsoft.Authorization/roleAssignments",
        "name": name,
        "properties": {
            "roleDefinitionId": f"{scope}/providers/Microsoft.Authorization/roleDefinitions/{role}",
            "principalId": principal,
            "principalType": kind,
            "scope": scope,
        },
    }


def _assignment(call: Call) -> Reply:
    subscription = opened(call)
    return Reply(_shown(subscription, *_find(call, subscription)))


def _find(call: Call, subscription: Subscription) -> tuple[str, str, str, str]:
    wanted = call.named("assignment").lower()
    for assignment in _all(call, subscription):
        if assignment[0] == wanted:
            return assignment
    raise Refusal(404, "RoleAssignmentNotFound", f"The role assignment '{wanted}' is not found.")


def _assign(call: Call) -> Reply:
    """Assign a role. It takes effect at once."""
    subscription, properties = opened(call, f"{_ACTION}/write"), body_of(call).get("properties")
    properties = properties if isinstance(properties, dict) else {}
    role = _find_role(str(properties.get("roleDefinitionId", "")).rpartition("/")[2])
    principal = _principal(call.caller.tenant, str(properties.get("principalId", "")))
    if not principal:
        message = f"Principal {properties.get('principalId')} does not exist in the directory {call.caller.tenant.id}."
        raise Refusal(400, "PrincipalNotFound", message)
    if any(assignment[1:3] == (role["id"], principal) for assignment in _all(call, subscription)):
        raise Refusal(409, "RoleAssignmentExists", "The role assignment already exists.")
    made = RoleAssignment(call.named("assignment").lower(), role["id"], principal)
    subscription.assignments.append(made)
    return Reply(_shown(subscription, made.name, made.role, principal, _kind(call.caller.tenant, principal)), 201)


def _unassign(call: Call) -> Reply:
    subscription = opened(call, f"{_ACTION}/delete")
    name, role, principal, kind = _find(call, subscription)
    subscription.assignments[:] = [assignment for assignment in subscription.assignments if assignment.name != name]
    for holders in (subscription.contributors, subscription.readers):
        if not any(
            assignment.role == role and assignment.principal == principal for assignment in subscription.assignments
        ):
            holders[:] = [assigned for assigned in holders if _principal(call.caller.tenant, assigned) != principal]
    return Reply(_shown(subscription, name, role, principal, kind))
