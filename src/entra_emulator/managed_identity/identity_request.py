"""A request to a machine's endpoint, and the interface of a dialect."""

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
    """The state of the machine, for its endpoints.

    `secret` is the secret in the environment of programs; `keys` the folder of Azure Arc's keys; `old_agent` makes
    Azure Arc ignore the requested identity, like agents without support for user-assigned identities.
    """

    world: World
    identities: Identities
    secret: str
    keys: Path
    old_agent: bool = False


@dataclass(frozen=True)
class IdentityRequest:
    """A request with its parameters, from the query or the form."""

    request: Request
    parameters: Mapping[str, str]
    setting: Setting

    def header(self, name: str) -> str:
        """Return a header's value, '' if it is absent."""
        return self.request.headers.get(name, "")

    def json(self, body: Mapping[str, Any] | None, status: int = 200, *headers: tuple[str, str]) -> Response:
        """Return a response, dated by the emulator's clock."""
        return json_response(self.setting.world, body, status, headers)


@dataclass(frozen=True)
class Endpoint:
    """One dialect: its path, its handler, and the form of its errors."""

    methods: tuple[str, ...]
    path: str
    answer: Callable[[IdentityRequest], Awaitable[Response]]
    trouble: Callable[[IdentityRequest, int], Response]
    tls: bool = False
