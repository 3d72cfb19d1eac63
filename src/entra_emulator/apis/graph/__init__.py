"""Microsoft Graph, the part most programs try first.

Source: learn.microsoft.com/graph/api (permissions of each call), learn.microsoft.com/graph/errors.
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from entra_emulator.apis import userinfo
from entra_emulator.apis.bearer import Caller
from entra_emulator.routing import route

from . import applications, batch, directory, relationships
from .wire import Answer, Refusal, endpoint


def routes() -> list[BaseRoute]:
    """Graph's routes under /v1.0 and /beta, and beside them the UserInfo endpoint."""
    single: list[BaseRoute] = [
        *userinfo.routes(),
        *directory.routes(),
        *applications.routes(),
        *relationships.routes(),
        route("GET", "/{path:path}", _nothing),
    ]
    return [route("POST", "/{version}/$batch", batch.handler(single)), *single]


async def _nothing(request: Request) -> Response:
    """Graph looks at the token before the path."""

    def refuse(request: Request, _: Caller) -> Answer:
        raise Refusal(404, "ResourceNotFound", f"The emulator's Graph has nothing at '{request.path_params['path']}'.")

    return await endpoint(refuse)(request)
