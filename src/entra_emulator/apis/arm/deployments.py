"""Resource Manager: deployments in a resource group, which continue after the response with an operation's status.

A template without resources succeeds; one with resources fails when it runs, because groups here contain none.
Sources: learn.microsoft.com/rest/api/resources/deployments/create-or-update,
learn.microsoft.com/azure/azure-resource-manager/management/async-operations (Azure-AsyncOperation, provisioningState).
"""

import re
from datetime import UTC, datetime
from typing import Any

from entra_emulator.deployments import Deployment
from entra_emulator.model import ResourceGroup, Subscription
from entra_emulator.routing import Route, route

from .groups import check_stays, found_group
from .subscriptions import opened
from .wire import Call, Refusal, Reply, body_of, endpoint

DEPLOYMENT_IN = 1.0  # seconds; the real service needs as long as the resources do
_ONE = "/subscriptions/{subscription}/resourcegroups/{group}/providers/microsoft.resources/deployments/{deployment}"
_ACTION = "Microsoft.Resources/deployments"
_NAME = re.compile(r"[\w\-.()]{1,64}")
_UNKNOWN = ("parameters", "variables", "functions", "outputs")


def routes() -> list[Route]:
    """Return the routes."""
    return [
        route("GET", _ONE, endpoint(_get)),
        route("PUT", _ONE, endpoint(_put)),
        route("GET", f"{_ONE}/operationstatuses/{{operation}}", endpoint(_status)),
    ]


def _put(call: Call) -> Reply:
    """Begin a deployment; Azure-AsyncOperation is the URL of its status."""
    subscription, name = opened(call, f"{_ACTION}/write"), call.named("deployment")
    group = found_group(call, subscription)
    check_stays(group)
    if not _NAME.fullmatch(name):
        raise Refusal(400, "InvalidDeploymentName", f"'{name}' cannot be the name of a deployment.")
    mode, kinds = _wanted(body_of(call))
    now, present = call.world.clock.now(), _present(call, group)
    if present is not None and present.state(now) == "Running":
        message = f"Unable to edit or replace deployment '{present.name}': it is still active."
        raise Refusal(409, "DeploymentActive", message)
    made = Deployment(name, mode, kinds, group, now, now + DEPLOYMENT_IN)
    call.world.deployments[_key(call)] = made
    where = f"{call.request.state.site.base}{_id(subscription, made)}/operationStatuses/{made.operation}"
    version = call.request.query_params["api-version"]
    headers = (("Azure-AsyncOperation", f"{where}?api-version={version}"), ("Retry-After", "1"))
    return Reply(_view(call, subscription, made, "Accepted"), 200 if present else 201, headers)


def _get(call: Call) -> Reply:
    subscription = opened(call, f"{_ACTION}/read")
    found = _found(call, found_group(call, subscription))
    return Reply(_view(call, subscription, found, found.state(call.world.clock.now())))


def _status(call: Call) -> Reply:
    subscription, now = opened(call, f"{_ACTION}/operationStatuses/read"), call.world.clock.now()
    found = _found(call, found_group(call, subscription))
    if found.operation != call.named("operation"):
        raise Refusal(404, "OperationNotFound", f"The operation '{call.named('operation')}' could not be found.")
    headers = (("Retry-After", "1"),) if found.state(now) == "Running" else ()
    return Reply({"status": found.state(now), **found.error(now)}, 200, headers)


def _wanted(body: dict[str, Any]) -> tuple[str, list[str]]:
    """Return the mode, and the types of the template's resources. Nothing of a template is ignored.

    :raises Refusal: 400 for another template than one with resources alone.
    """
    properties = body.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    mode, template = properties.get("mode"), properties.get("template")
    if mode not in ("Incremental", "Complete") or not isinstance(template, dict):
        message = "The request content needs properties.mode (Incremental or Complete) and properties.template."
        raise Refusal(400, "InvalidRequestContent", message)
    resources = template.get("resources")
    if not isinstance(template.get("contentVersion"), str) or not isinstance(resources, list):
        message = "Deployment template validation failed: contentVersion and resources are required."
        raise Refusal(400, "InvalidTemplate", message)
    if used := [name for name in _UNKNOWN if template.get(name) or properties.get(name)]:
        raise Refusal(400, "InvalidTemplate", f"The emulator evaluates no {used[0]}.")
    return mode, [str(one.get("type")) if isinstance(one, dict) else "?" for one in resources]


def _key(call: Call) -> tuple[str, ...]:
    return tuple(call.named(part).lower() for part in ("subscription", "group", "deployment"))


def _present(call: Call, group: ResourceGroup) -> Deployment | None:
    """Return the deployment of this group; one of a deleted group with its name does not count."""
    found = call.world.deployments.get(_key(call))
    return found if found is not None and found.group is group else None


def _found(call: Call, group: ResourceGroup) -> Deployment:
    if found := _present(call, group):
        return found
    message = f"Deployment '{call.named('deployment')}' could not be found."
    raise Refusal(404, "DeploymentNotFound", message)


def _id(subscription: Subscription, deployment: Deployment) -> str:
    group = f"/subscriptions/{subscription.id}/resourceGroups/{deployment.group.name}"
    return f"{group}/providers/Microsoft.Resources/deployments/{deployment.name}"


def _view(call: Call, subscription: Subscription, deployment: Deployment, state: str) -> dict[str, Any]:
    began = datetime.fromtimestamp(deployment.began_on, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    error = deployment.error(call.world.clock.now())
    return {
        "id": _id(subscription, deployment),
        "name": deployment.name,
        "type": "Microsoft.Resources/deployments",
        "properties": {
            "mode": deployment.mode,
            "provisioningState": state,
            "timestamp": began,
            "correlationId": deployment.operation,
            "providers": [],
            "dependencies": [],
            **error,
        },
    }
