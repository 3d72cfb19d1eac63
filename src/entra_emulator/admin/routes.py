"""The routes under /_admin: the API for programs and the dashboard for people."""

from entra_emulator.control import Control
from entra_emulator.routing import Route

from . import api, dashboard


def routes(control: Control) -> list[Route]:
    """Return all routes."""
    return [*api.routes(control), *dashboard.routes(control)]
