"""Resource Manager: create, change and delete resource groups.

Source: learn.microsoft.com/rest/api/resources/resource-groups; for deletion, which continues after the response,
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

DELETION_IN = 1.0  # seconds; the real service needs 15 seconds, or much more if the group contains resources
_GROUP = "/subscriptions/{subscription}/resourcegroups/{group}"
_ACTION = "Microsoft.Resources/subscriptions/resourceGroups"
_NAME = re.compile(r"[\w\-.()]{1,89}[\w\-()]|[\w\-()]")


def routes() -> list[Route]:
    """Return the routes."""
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
    """Return a page of groups: all of them, or `$top` with a link to the next page."""
    subscription = opened(call, f"{_ACTION}/read")
    query = {name.lower(): value for name, value in call.request.query_params.items()}
    for name in ("$top", "$skiptoken"):
        if not re.fullmatch(r"[0-9]{0,9}", query.get(name, "")):
            raise Refusal(400, "InvalidQueryParameter", f"The value of {name} is not a number.")
    shown = [group_view(subscription, group) for group in present_groups(call, subscription)]
    start, size = int(query.get("$skiptoken") or 0), int(query.get("$top") or len(shown) or 1)
    body: dict[str, Any] = {"value": shown[start : start + size]}
    if start + size < len(shown):
        where = f"{call.request.state.site.base}/subscriptions/{subscription.id}/resourcegroups"
        body["nextLink"] = f"{where}?api-version={query['api-version']}&$top={size}&$skiptoken={start + size}"
    return Reply(body)


def _exists(call: Call) -> Reply:
    """Answer HEAD with 204 if the group exists."""
    found_group(call, opened(call, f"{_ACTION}/read"))
    return Reply(None, 204)


def _get(call: Call) -> Reply:
    subscription = opened(call, f"{_ACTION}/read")
    return Reply(group_view(subscription, found_group(call, subscription)))


def _put(call: Call) -> Reply:
    """Create the group, or replace its tags and its manager. Its location cannot change."""
    subscription, name = opened(call, f"{_ACTION}/write"), call.named("group")
    body = body_of(call)
    location = str(body.get("location") or "").replace(" ", "").lower()
    if not location:
        raise Refusal(400, "LocationRequired", "A resource group needs the property location.")
    if not _NAME.fullmatch(name):
        raise Refusal(400, "InvalidResourceGroup", f"'{name}' cannot be the name of a resource group.")
    present = _named(call, subscription)
    if present is None:
        made = ResourceGroup(name, location, _tags(body), str(body.get("managedBy") or ""))
        subscription.resource_groups.append(made)
        return Reply(group_view(subscription, made), 201)
    check_stays(present)
    if location != present.location:
        message = f"The resource group '{present.name}' is in '{present.location}' and cannot be in '{location}' too."
        raise Refusal(409, "InvalidResourceGroupLocation", message)
    present.tags, present.managed_by = _tags(body), str(body.get("managedBy") or "")
    return Reply(group_view(subscription, present))


def _patch(call: Call) -> Reply:
    subscription = opened(call, f"{_ACTION}/write")
    present, body = found_group(call, subscription), body_of(call)
    check_stays(present)
    if "tags" in body:
        present.tags = _tags(body)
    if "managedBy" in body:
        present.managed_by = str(body["managedBy"] or "")
    return Reply(group_view(subscription, present))


def _delete(call: Call) -> Reply:
    """Begin to delete the group; Location is the URL of the operation's status."""
    subscription = opened(call, f"{_ACTION}/delete")
    group = found_group(call, subscription)
    if group.deleted_on is None:
        group.deleted_on = call.world.clock.now() + DELETION_IN
    return _under_way(call, subscription, group.name)


def _progress(call: Call) -> Reply:
    """Answer 202 during a deletion, 200 after it."""
    subscription, operation = opened(call, f"{_ACTION}/read"), call.named("operation")
    for group in present_groups(call, subscription):
        if group.deleted_on is not None and _operation(group.name) == operation:
            return _under_way(call, subscription, group.name)
    return Reply(None)


def _under_way(call: Call, subscription: Subscription, name: str) -> Reply:
    version = call.request.query_params["api-version"]
    where = f"{call.request.state.site.base}/subscriptions/{subscription.id}/operationresults/{_operation(name)}"
    return Reply(None, 202, (("Location", f"{where}?api-version={version}"), ("Retry-After", "1")))


def _operation(name: str) -> str:
    """Return Resource Manager's name of a deletion: its job, as JSON in base64url."""
    job = {"jobId": f"RESOURCEGROUPDELETIONJOB-{name.upper()}", "jobLocation": "westeurope"}
    return base64url(json.dumps(job, separators=(",", ":")).encode())


def present_groups(call: Call, subscription: Subscription) -> list[ResourceGroup]:
    """Return the existing groups, including those in deletion. Remove those whose deletion is over."""
    now, groups = call.world.clock.now(), subscription.resource_groups
    groups[:] = [group for group in groups if group.deleted_on is None or group.deleted_on > now]
    return groups


def _named(call: Call, subscription: Subscription) -> ResourceGroup | None:
    wanted = call.named("group").lower()
    return next((group for group in present_groups(call, subscription) if group.name.lower() == wanted), None)


def found_group(call: Call, subscription: Subscription) -> ResourceGroup:
    """Return the group in the path.

    :raises Refusal: 404.
    """
    if group := _named(call, subscription):
        return group
    raise Refusal(404, "ResourceGroupNotFound", f"Resource group '{call.named('group')}' could not be found.")


def check_stays(group: ResourceGroup) -> None:
    """Check that the group is not being deleted.

    :raises Refusal: 409.
    """
    if group.deleted_on is not None:
        message = f"The resource group '{group.name}' is being deleted and cannot be changed."
        raise Refusal(409, "ResourceGroupBeingDeleted", message)


def _tags(body: dict[str, Any]) -> dict[str, str]:
    tags = body.get("tags") or {}
    if not isinstance(tags, dict) or not all(isinstance(value, str) for value in tags.values()):
        raise Refusal(400, "InvalidRequestContent", "Tags have to be texts by name.")
    return dict(tags)


def group_view(subscription: Subscription, group: ResourceGroup) -> dict[str, Any]:
    """Return a group in Resource Manager's form."""
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
