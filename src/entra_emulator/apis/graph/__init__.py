"""Microsoft Graph: the calls that programs use most.

Source: learn.microsoft.com/graph/api (permissions of each call), learn.microsoft.com/graph/errors.
"""

from starlette.requests import Request

from entra_emulator.apis import userinfo
from entra_emulator.apis.bearer import Caller
from entra_emulator.routing import Route, route

from . import (
    app_role_assignments,
    applications,
    batch,
    billing,
    conditional_access,
    delta,
    directory,
    get_by_ids,
    permission_grants,
    relationships,
    role_management,
    service_principals,
    writes,
)
from .wire import JsonObject, Refusal, endpoint


def routes() -> list[Route]:
    """Return Graph's routes under /v1.0 and /beta, and the UserInfo endpoint."""
    single: list[Route] = [
        *userinfo.routes(),
        *delta.routes(),
        *writes.routes(),
        *app_role_assignments.routes(),
        *permission_grants.routes(),
        *directory.routes(),
        *get_by_ids.routes(),
        *applications.routes(),
        *service_principals.routes(),
        *role_management.routes(),
        *relationships.routes(),
        *billing.routes(),
        *conditional_access.routes(),
        route("GET", "/{path:path}", endpoint(_nothing)),
        *(route(method, "/{path:path}", endpoint(_not_allowed)) for method in ("POST", "PATCH", "PUT", "DELETE")),
    ]
    return [route("POST", "/{version}/$batch", batch.handler(single)), *single]


def _nothing(request: Request, _: Caller) -> JsonObject:
    raise Refusal(404, "ResourceNotFound", f"The emulator's Graph has nothing at '{request.path_params['path']}'.")


def _not_allowed(_: Request, __: Caller) -> JsonObject:
    raise Refusal(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
