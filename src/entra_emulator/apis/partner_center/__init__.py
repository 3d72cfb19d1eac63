"""Partner Center: customers, consent on their behalf, profiles, and the check for multi-factor authentication.

Source: learn.microsoft.com/partner-center/developer.
"""

from starlette.requests import Request

from entra_emulator.apis.bearer import Caller
from entra_emulator.routing import Route, route

from . import consents, customers, profiles
from .wire import Refusal, StatusAndBody, endpoint


def routes() -> list[Route]:
    """Partner Center's routes."""
    return [
        *consents.routes(),
        *customers.routes(),
        *profiles.routes(),
        route("GET", "/{path:path}", endpoint(_nothing)),
    ]


def _nothing(request: Request, _: Caller, __: bytes) -> StatusAndBody:
    raise Refusal(404, 2000, f"The emulator's Partner Center has nothing at '/{request.path_params['path']}'.")
