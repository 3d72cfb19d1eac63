"""Resource Manager: role definitions and role assignments of a subscription.

Source: learn.microsoft.com/rest/api/authorization/role-assignments. Owner and Contributor make a contributor of the
subscription, Reader a reader; other roles are kept without effect.
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
    """Their routes."""
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
    roles = [one for one in facts()["roles"] if wanted.get("roleName", one["name"]).lower() == one["name"].lower()]
    return Reply({"value": [_role(subscription, one) for one in roles]})


def _definition(call: Call) -> Reply:
    subscription = opened(call)
    return Reply(_role(subscription, _find_role(call.named("role"))))


def _find_role(wanted: str) -> dict[str, Any]:
    for one in facts()["roles"]:
        if one["id"] == wanted.lower():
            return dict(one)
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
    """Name, role, principal and its type: the assignments made here, and what the configuration says in short."""
    roles = {one["name"]: one["id"] for one in facts()["roles"]}
    made = {(one.role, one.principal) for one in subscription.assignments}
    for one in subscription.assignments:
        yield one.name, one.role, one.principal, _kind(call.caller.tenant, one.principal)
    for name, holders in (("Contributor", subscription.contributors), ("Reader", subscription.readers)):
        for holder in holders:
            principal = _principal(call.caller.tenant, holder)
            if principal and (roles[name], principal) not in made:
                derived = str(uuid.uuid5(uuid.UUID(subscription.id), f"{name}:{principal}"))
                yield derived, roles[name], principal, _kind(call.caller.tenant, principal)


def _principal(tenant: Tenant, name: str) -> str:
    """The object id behind an application id, user id or UPN; empty for nobody of this tenant."""
    if user := tenant.user(name):
        return user.id
    found = next((one for one in tenant.principals if name.lower() in (one.app, one.id)), None)
    return found.id if found else ""


def _kind(tenant: Tenant, principal: str) -> str:
    if tenant.user(principal):
        return "User"
    return "Group" if tenant.group(principal) else "ServicePrincipal"


def _assignments(call: Call) -> Reply:
    subscription = opened(call)
    wanted = _filter(call, {"principalId", "assignedTo"})
    principal = wanted.get("principalId") or wanted.get("assignedTo")
    listed = [one for one in _all(call, subscription) if principal is None or one[2] == principal.lower()]
    return Reply({"value": [_shown(subscription, *one) for one in listed]})


def _filter(call: Call, known: set[str]) -> dict[str, str]:
    """The conditions of $filter.

    :raises Refusal: 400 for a filter that is not understood.
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
    for one in _all(call, subscription):
        if one[0] == wanted:
            return one
    raise Refusal(404, "RoleAssignmentNotFound", f"The role assignment '{wanted}' is not found.")


def _assign(call: Call) -> Reply:
    """Assign a role: what the role lets do, its holder may do at once."""
    subscription, given = opened(call, f"{_ACTION}/write"), body_of(call).get("properties")
    given = given if isinstance(given, dict) else {}
    role = _find_role(str(given.get("roleDefinitionId", "")).rpartition("/")[2])
    principal = _principal(call.caller.tenant, str(given.get("principalId", "")))
    if not principal:
        message = f"Principal {given.get('principalId')} does not exist in the directory {call.caller.tenant.id}."
        raise Refusal(400, "PrincipalNotFound", message)
    if any(one[1:3] == (role["id"], principal) for one in _all(call, subscription)):
        raise Refusal(409, "RoleAssignmentExists", "The role assignment already exists.")
    made = RoleAssignment(call.named("assignment").lower(), role["id"], principal)
    subscription.assignments.append(made)
    return Reply(_shown(subscription, made.name, made.role, principal, _kind(call.caller.tenant, principal)), 201)


def _unassign(call: Call) -> Reply:
    subscription = opened(call, f"{_ACTION}/delete")
    name, role, principal, kind = _find(call, subscription)
    subscription.assignments[:] = [one for one in subscription.assignments if one.name != name]
    for holders in (subscription.contributors, subscription.readers):
        if not any(one.role == role and one.principal == principal for one in subscription.assignments):
            holders[:] = [one for one in holders if _principal(call.caller.tenant, one) != principal]
    return Reply(_shown(subscription, name, role, principal, kind))
