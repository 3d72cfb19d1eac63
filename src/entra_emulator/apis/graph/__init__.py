"""Microsoft Graph, the part most programs try first.

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
    directory,
    permission_grants,
    relationships,
    role_management,
    service_principals,
    writes,
)
from .wire import Answer, Refusal, endpoint


def routes() -> list[Route]:
    """Graph's routes under /v1.0 and /beta, and beside them the UserInfo endpoint."""
    single: list[Route] = [
        *userinfo.routes(),
        *writes.routes(),
        *app_role_assignments.routes(),
        *permission_grants.routes(),
        *directory.routes(),
        *applications.routes(),
        *service_principals.routes(),
        *role_management.routes(),
        *relationships.routes(),
        route("GET", "/{path:path}", endpoint(_nothing)),
    ]
    return [route("POST", "/{version}/$batch", batch.handler(single)), *single]


def _nothing(request: Request, _: Caller) -> Answer:
    raise Refusal(404, "ResourceNotFound", f"The emulator's Graph has nothing at '{request.path_params['path']}'.")
