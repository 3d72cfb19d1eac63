"""Azure Resource Manager: tenants, subscriptions, resource groups.

Source: learn.microsoft.com/rest/api/resources. Whatever api-version is asked for, the answer is the same.
"""

from entra_emulator.routing import Route, route

from . import groups, subscriptions
from .wire import Call, Refusal, Reply, endpoint

_METHODS = ("GET", "PUT", "PATCH", "POST", "DELETE")


def routes() -> list[Route]:
    """Resource Manager's routes."""
    nothing = [route(method, "/{path:path}", endpoint(_nothing)) for method in _METHODS]
    return [*subscriptions.routes(), *groups.routes(), *nothing]


def _nothing(call: Call) -> Reply:
    path = call.named("path")
    raise Refusal(404, "InvalidResourceType", f"The emulator's Resource Manager has nothing at '/{path}'.")
