"""Azure Resource Manager: metadata, tenants, subscriptions, resource groups, deployments, providers, roles.

Source: learn.microsoft.com/rest/api/resources. Every api-version that is a date since 2014 gets the same response.
"""

from entra_emulator.routing import Route, route

from . import authorization, deployments, groups, metadata, providers, resource_graph, subscriptions
from .wire import Call, Refusal, Reply, endpoint

_METHODS = ("GET", "PUT", "PATCH", "POST", "DELETE")


def routes() -> list[Route]:
    """Resource Manager's routes."""
    nothing = [route(method, "/{path:path}", endpoint(_nothing)) for method in _METHODS]
    return [
        *metadata.routes(),
        *subscriptions.routes(),
        *groups.routes(),
        *deployments.routes(),
        *providers.routes(),
        *authorization.routes(),
        *resource_graph.routes(),
        *nothing,
    ]


def _nothing(call: Call) -> Reply:
    path = call.named("path")
    raise Refusal(404, "InvalidResourceType", f"The emulator's Resource Manager has nothing at '/{path}'.")
