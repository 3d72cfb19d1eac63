"""Resource Manager: resource groups, which can be made, changed and deleted.

Source: learn.microsoft.com/rest/api/resources/resource-groups; for deletion, which goes on after the answer,
learn.microsoft.com/azure/azure-resource-manager/management/async-operations.
"""

import json
import re
from typing import Any

from entra_emulator.ids import base64url
from entra_emulator.model import ResourceGroup, Subscription
from entra_emulator.routing import Route, route

from .subscriptions import opened
from .wire import Call, Refusal, Reply, body_of, endpoint

DELETION_IN = 1.0  # seconds; the real one needs a quarter of a minute, or much more with resources in the group
_GROUP = "/subscriptions/{subscription}/resourcegroups/{group}"
_ACTION = "Microsoft.Resources/subscriptions/resourceGroups"
_NAME = re.compile(r"[\w\-.()]{1,89}[\w\-()]|[\w\-()]")


def routes() -> list[Route]:
    """Their routes."""
    return [
        route("GET", "/subscriptions/{subscription}/resourcegroups", endpoint(_list)),
        route("HEAD", _GROUP, endpoint(_exists)),
        route("GET", _GROUP, endpoint(_get)),
        route("PUT", _GROUP, endpoint(_put)),
        route("PATCH", _GROUP, endpoint(_patch)),
        route("DELETE", _GROUP, endpoint(_delete)),
        route("GET", "/subscriptions/{subscription}/operationresults/{operation}", endpoint(_progress)),
    ]


def _list(call: Call) -> Reply:
    subscription = opened(call, f"{_ACTION}/read")
    return Reply({"value": [_shown(subscription, one) for one in _present(call, subscription)]})


def _exists(call: Call) -> Reply:
    """HEAD answers 204 where there is such a group."""
    _found(call, opened(call, f"{_ACTION}/read"))
    return Reply(None, 204)


def _get(call: Call) -> Reply:
    subscription = opened(call, f"{_ACTION}/read")
    return Reply(_shown(subscription, _found(call, subscription)))


def _put(call: Call) -> Reply:
    """Make it, or replace what may be changed: its tags and its manager. It stays where it is."""
    subscription, name = opened(call, f"{_ACTION}/write"), call.named("group")
    given = body_of(call)
    location = str(given.get("location") or "").replace(" ", "").lower()
    if not location:
        raise Refusal(400, "LocationRequired", "A resource group needs the property location.")
    if not _NAME.fullmatch(name):
        raise Refusal(400, "InvalidResourceGroup", f"'{name}' cannot be the name of a resource group.")
    present = _named(call, subscription)
    if present is None:
        made = ResourceGroup(name, location, _tags(given), str(given.get("managedBy") or ""))
        subscription.resource_groups.append(made)
        return Reply(_shown(subscription, made), 201)
    _check_stays(present)
    if location != present.location:
        message = f"The resource group '{present.name}' is in '{present.location}' and cannot be in '{location}' too."
        raise Refusal(409, "InvalidResourceGroupLocation", message)
    present.tags, present.managed_by = _tags(given), str(given.get("managedBy") or "")
    return Reply(_shown(subscription, present))


def _patch(call: Call) -> Reply:
    subscription = opened(call, f"{_ACTION}/write")
    present, given = _found(call, subscription), body_of(call)
    _check_stays(present)
    if "tags" in given:
        present.tags = _tags(given)
    if "managedBy" in given:
        present.managed_by = str(given["managedBy"] or "")
    return Reply(_shown(subscription, present))


def _delete(call: Call) -> Reply:
    """Begin to delete it; Location says where to ask how far it is."""
    subscription = opened(call, f"{_ACTION}/delete")
    group = _found(call, subscription)
    if group.deleted_on is None:
        group.deleted_on = call.world.clock.now() + DELETION_IN
    return _under_way(call, subscription, group.name)


def _progress(call: Call) -> Reply:
    """202 while a deletion goes on, 200 when it is over."""
    subscription, operation = opened(call, f"{_ACTION}/read"), call.named("operation")
    for group in _present(call, subscription):
        if group.deleted_on is not None and _operation(group.name) == operation:
            return _under_way(call, subscription, group.name)
    return Reply(None)


def _under_way(call: Call, subscription: Subscription, name: str) -> Reply:
    version = call.request.query_params["api-version"]
    where = f"{call.request.state.site.base}/subscriptions/{subscription.id}/operationresults/{_operation(name)}"
    return Reply(None, 202, (("Location", f"{where}?api-version={version}"), ("Retry-After", "1")))


def _operation(name: str) -> str:
    """How Resource Manager names a deletion: its job, as JSON in base64url."""
    job = {"jobId": f"RESOURCEGROUPDELETIONJOB-{name.upper()}", "jobLocation": "westeurope"}
    return base64url(json.dumps(job, separators=(",", ":")).encode())


def _present(call: Call, subscription: Subscription) -> list[ResourceGroup]:
    """The groups that are there, also those that are being deleted; the others go now."""
    now, groups = call.world.clock.now(), subscription.resource_groups
    groups[:] = [one for one in groups if one.deleted_on is None or one.deleted_on > now]
    return groups


def _named(call: Call, subscription: Subscription) -> ResourceGroup | None:
    wanted = call.named("group").lower()
    return next((one for one in _present(call, subscription) if one.name.lower() == wanted), None)


def _found(call: Call, subscription: Subscription) -> ResourceGroup:
    if group := _named(call, subscription):
        return group
    raise Refusal(404, "ResourceGroupNotFound", f"Resource group '{call.named('group')}' could not be found.")


def _check_stays(group: ResourceGroup) -> None:
    if group.deleted_on is not None:
        message = f"The resource group '{group.name}' is being deleted and cannot be changed."
        raise Refusal(409, "ResourceGroupBeingDeleted", message)


def _tags(given: dict[str, Any]) -> dict[str, str]:
    tags = given.get("tags") or {}
    if not isinstance(tags, dict) or not all(isinstance(one, str) for one in tags.values()):
        raise Refusal(400, "InvalidRequestContent", "Tags have to be texts by name.")
    return dict(tags)


def _shown(subscription: Subscription, group: ResourceGroup) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": f"/subscriptions/{subscription.id}/resourceGroups/{group.name}",
        "name": group.name,
        "type": "Microsoft.Resources/resourceGroups",
        "location": group.location,
    }
    if group.managed_by:
        shown["managedBy"] = group.managed_by
    if group.tags:
        shown["tags"] = group.tags
    state = "Succeeded" if group.deleted_on is None else "Deleting"
    return {**shown, "properties": {"provisioningState": state}}
