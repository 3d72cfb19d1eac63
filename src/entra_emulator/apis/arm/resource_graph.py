"""Resource Manager: Azure Resource Graph, with the subscriptions and resource groups that the caller may read.

Source: learn.microsoft.com/rest/api/azureresourcegraph/resourcegraph/resources/resources, and
learn.microsoft.com/azure/governance/resource-graph/concepts/work-with-data for pages.
"""

import re
from typing import Any

from entra_emulator.ids import base64url, from_base64url
from entra_emulator.model import Subscription
from entra_emulator.routing import Route, route

from .groups import group_view, present_groups
from .subscriptions import may_read
from .wire import Call, Refusal, Reply, body_of, endpoint

_MOST = 1000
_WHERE = re.compile(r"where\s+type\s*(?:==|=~)\s*(?:'([^']*)'|\"([^\"]*)\")", re.IGNORECASE)
_PROJECT = re.compile(r"project\s+(\w+(?:\s*,\s*\w+)*)", re.IGNORECASE)


def routes() -> list[Route]:
    """Return the route."""
    return [route("POST", "/providers/microsoft.resourcegraph/resources", endpoint(_resources))]


def _resources(call: Call) -> Reply:
    """Return a page of the query's rows; `$skipToken` leads to the next one."""
    body = body_of(call)
    options = body.get("options") or {}
    if not isinstance(options, dict) or not isinstance(body.get("query"), str):
        raise _bad("The request needs a query, and options that are an object.")
    if unknown := set(options) - {"$top", "$skip", "$skipToken", "resultFormat"}:
        raise _bad(f"The emulator's Resource Graph does not know the option '{min(unknown)}'.")
    rows = _found(call, body)
    start, size = _start(options), _number(options.get("$top", _MOST), "$top")
    if not 1 <= size <= _MOST:
        raise _bad(f"$top has to be between 1 and {_MOST}.")
    page = rows[start : start + size]
    table = str(options.get("resultFormat", "objectArray")).lower() == "table"
    answer: dict[str, Any] = {
        "totalRecords": len(rows),
        "count": len(page),
        "data": _table(page) if table else page,
        "facets": [],
        "resultTruncated": "false",
    }
    if start + size < len(rows):
        answer["$skipToken"] = base64url(str(start + size).encode())
    return Reply(answer)


def _found(call: Call, body: dict[str, Any]) -> list[dict[str, Any]]:
    """Run the query: a table, `where type == '…'` and `project`.

    :raises Refusal: 400 for other operators.
    """
    wanted = body.get("subscriptions")
    if wanted is not None and not (isinstance(wanted, list) and all(isinstance(one, str) for one in wanted)):
        raise _bad("subscriptions is a list of ids.")
    chosen = [
        subscription
        for subscription in call.caller.tenant.subscriptions
        if may_read(call.caller, subscription) and (not wanted or subscription.id in [one.lower() for one in wanted])
    ]
    table, *steps = [step.strip() for step in body["query"].split("|")]
    rows = [row for subscription in chosen for row in _rows(call, subscription)]
    if table.lower() == "resources":
        rows = []  # the emulator's groups contain no resources
    elif table.lower() != "resourcecontainers":
        raise _bad(f"The emulator's Resource Graph has no table '{table}'.")
    for step in steps:
        if found := _WHERE.fullmatch(step):
            kind = (found[1] or found[2] or "").lower()
            rows = [row for row in rows if row["type"] == kind]
        elif found := _PROJECT.fullmatch(step):
            names = [name.strip() for name in found[1].split(",")]
            rows = [{name: row.get(name) for name in names} for row in rows]
        else:
            raise _bad(f"The emulator's Resource Graph cannot run '{step}'.")
    return rows


def _rows(call: Call, subscription: Subscription) -> list[dict[str, Any]]:
    common = {"tenantId": call.caller.tenant.id, "subscriptionId": subscription.id}
    whole = {
        "id": f"/subscriptions/{subscription.id}",
        "name": subscription.name,
        "type": "microsoft.resources/subscriptions",
        **common,
    }
    groups = [
        {
            **group_view(subscription, group),
            "type": "microsoft.resources/subscriptions/resourcegroups",
            "resourceGroup": group.name.lower(),
            **common,
        }
        for group in present_groups(call, subscription)
    ]
    return [whole, *groups]


def _table(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the rows in the form of `resultFormat: table`."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = [{"name": name, "type": "string"} for name in names]
    return {"columns": columns, "rows": [[row.get(name) for name in names] for row in rows]}


def _start(options: dict[str, Any]) -> int:
    token = options.get("$skipToken")
    if token is None:
        return _number(options.get("$skip", 0), "$skip")
    try:
        return int(from_base64url(str(token)).decode())
    except ValueError:
        raise _bad("The $skipToken is not one of this service.") from None


def _number(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _bad(f"{name} has to be a number.")
    return value


def _bad(message: str) -> Refusal:
    return Refusal(400, "BadRequest", message)
