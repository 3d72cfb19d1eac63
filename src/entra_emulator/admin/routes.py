"""Everything under /_admin: the API for programs and the dashboard for people."""

from starlette.routing import BaseRoute

from entra_emulator.control import Control

from . import api, dashboard


def routes(control: Control) -> list[BaseRoute]:
    """All routes."""
    return [*api.routes(control), *dashboard.routes(control)]
