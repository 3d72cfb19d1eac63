"""One request to a machine's endpoint, and what a dialect makes of it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.web import json_response
from entra_emulator.world import World

from .identities import Identities


@dataclass
class Setting:
    """The machine as its endpoints see it.

    `secret` is what the environment gives to programs; `keys` the folder of Azure Arc's keys; `old_agent` makes Azure
    Arc overlook which identity is asked for, as agents did before they knew user-assigned ones.
    """

    world: World
    identities: Identities
    secret: str
    keys: Path
    old_agent: bool = False


@dataclass(frozen=True)
class Asked:
    """A request with its parameters, of the query or the form."""

    request: Request
    given: Mapping[str, str]
    setting: Setting

    def header(self, name: str) -> str:
        """A header's value, '' if it is not there."""
        return self.request.headers.get(name, "")

    def json(self, body: Mapping[str, Any] | None, status: int = 200, *headers: tuple[str, str]) -> Response:
        """An answer, dated by the emulator's clock."""
        return json_response(self.setting.world, body, status, headers)


@dataclass(frozen=True)
class Endpoint:
    """One dialect: where it listens, what it answers, and how it puts an error."""

    method: str
    path: str
    answer: Callable[[Asked], Awaitable[Response]]
    trouble: Callable[[Asked, int], Response]
    tls: bool = False
