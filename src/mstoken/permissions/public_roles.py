"""Read the public list of Azure's built-in roles, and write it in our own, shorter form.

The list has role definitions as Azure Resource Manager returns them, with or without the envelope `properties`:
learn.microsoft.com/rest/api/authorization/role-definitions/list.
"""

from __future__ import annotations

from mstoken.errors import UsageError
from mstoken.typed import Any

_KEYS = {"actions": "actions", "not": "notActions", "data": "dataActions", "not_data": "notDataActions"}

Roles = dict[str, dict[str, Any]]
"""Role name -> `id` ('' if unknown), `actions`, `not`, `data` and `not_data`: lists of patterns."""


def condensed_roles(document: Any) -> Roles:
    """Return the roles by name. Raises UsageError for a document that is not that list.

    Roles with a condition are left out: whether they allow an action depends on more than its name.
    """
    try:
        rows = [row.get("properties", row) | {"id": row.get("name", "")} for row in document]
        roles = {row["roleName"]: _role(row) for row in rows if row.get("roleType", row.get("type")) == "BuiltInRole"}
    except (AttributeError, KeyError, TypeError) as error:
        raise _not_the_list() from error
    if not roles:
        raise _not_the_list()
    return {name: role for name, role in sorted(roles.items()) if role}


def _role(row: dict[str, Any]) -> dict[str, Any]:
    permissions = row["permissions"]
    if any(permission.get("condition") for permission in permissions):
        return {}
    lists = {
        ours: [str(action) for permission in permissions for action in permission[theirs]]
        for ours, theirs in _KEYS.items()
    }
    return {"id": str(row["id"]), **lists}


def _not_the_list() -> UsageError:
    return UsageError(
        "The file is not the list of Azure's built-in roles.",
        "Give azure/built-in-roles-raw.json of iann0036/iam-dataset, or what `az role definition list` prints.",
    )
