"""The functions that all of Resource Manager's calls share: check, refuse and challenge callers.

Source: learn.microsoft.com/azure/azure-resource-manager/management; the error codes are ARM's own for invalid tokens.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.apis.bearer import BadToken, Caller, check
from entra_emulator.apis.continuous_access import encoded
from entra_emulator.model import Subscription, Tenant, new_id
from entra_emulator.resources import ARM
from entra_emulator.routing import Handler
from entra_emulator.web import json_response, read_body
from entra_emulator.world import World

_VERSION = re.compile(
    r"(\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))(?:-(?:private)?preview|-alpha|-beta)?", re.IGNORECASE
)
_ALLOWED_AUDIENCES = "https://management.core.windows.net/,https://management.azure.com/"


class Refusal(Exception):
    """An error response of Resource Manager."""

    def __init__(self, status: int, code: str, message: str, headers: list[tuple[str, str]] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers or []


@dataclass(frozen=True)
class Call:
    """One request with a valid token. `raw` is its body."""

    request: Request
    caller: Caller
    raw: bytes

    @property
    def world(self) -> World:
        """The emulator's state and clock."""
        world: World = self.request.state.world
        return world

    def named(self, parameter: str) -> str:
        """Return the value of a parameter in the path."""
        return str(self.request.path_params[parameter])


@dataclass(frozen=True)
class Reply:
    """The response of a call; without `body`, the body is empty."""

    body: dict[str, Any] | None
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


def endpoint(answer: Callable[[Call], Reply]) -> Handler:
    """Return a handler that checks the token and responds, or refuses, in Resource Manager's form."""

    async def handle(request: Request) -> Response:
        world = request.state.world
        request_id = new_id()
        ids = [
            ("x-ms-request-id", request_id),
            ("x-ms-correlation-request-id", request.headers.get("x-ms-correlation-request-id", request_id)),
            ("Cache-Control", "no-cache"),
        ]
        try:
            reply = answer(Call(request, _caller(request), await read_body(request)))
            return json_response(world, reply.body, reply.status, [*reply.headers, *ids])
        except Refusal as problem:
            body = {"error": {"code": problem.code, "message": problem.message}}
            return json_response(world, body, problem.status, [*problem.headers, *ids])

    return handle


def _caller(request: Request) -> Caller:
    try:
        caller = check(request, ARM)
    except BadToken as problem:
        raise _unauthorized(request, problem) from None
    if not caller.app_only and "user_impersonation" not in caller.permissions:
        raise Refusal(403, "AuthorizationFailed", "The token lacks the permission user_impersonation.")
    _check_version(request)
    return caller


def _check_version(request: Request) -> None:
    """Check that the api-version is a plausible date.

    :raises Refusal: 400.
    """
    version = request.query_params.get("api-version")
    if not version:
        message = "The api-version query parameter (?api-version=) is required for all requests."
        raise Refusal(400, "MissingApiVersionParameter", message)
    match = _VERSION.fullmatch(version)
    today = datetime.fromtimestamp(request.state.world.clock.now(), UTC).date().isoformat()
    if match is None or not "2014-01-01" <= match[1] <= today:
        message = (
            f"The api-version '{version}' is invalid. It is the date of a version, such as '2022-12-01', and for "
            "previews it ends in '-preview'."
        )
        raise Refusal(400, "InvalidApiVersionParameter", message)


def body_of(call: Call) -> dict[str, Any]:
    """Return the JSON object in the body of a request.

    :raises Refusal: 415 for another Content-Type, 400 for another body.
    """
    kind = call.request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("application/json", "text/json"):
        message = f"The content media type '{kind or '<null>'}' is not supported. Only 'application/json' is supported."
        raise Refusal(415, "UnsupportedMediaType", message)
    try:
        body = json.loads(call.raw or b"{}")
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise Refusal(400, "InvalidRequestContent", "The request content is not a JSON object.")
    return body


def _unauthorized(request: Request, problem: BadToken) -> Refusal:
    """Return a 401 that names the tenant of the subscription in the path, from which clients learn the authority."""
    base = f"{request.state.site.authority}/" if request.state.site.local_port else "https://login.windows.net/"
    if problem.demand:
        return challenge(base, "invalid_token", "User session has been revoked", problem.demand)
    code, message = _words(request.state.world, problem)
    found = find(request.state.world, request.path_params.get("subscription", ""))
    header = (
        f'Bearer authorization_uri="{base}{found[0].id if found else ""}", error="invalid_token", '
        f'error_description="{message}"'
    )
    return Refusal(401, code, message, [("WWW-Authenticate", header)])


def challenge(base: str, error: str, description: str, demand: str) -> Refusal:
    """Return a 401 with a claims challenge, as recorded for a revoked session."""
    header = (
        f'Bearer authorization_uri="{base}", error="{error}", error_description="{description}", '
        f'claims="{encoded(demand)}"'
    )
    headers = [("WWW-Authenticate", header), ("x-ms-failure-cause", "gateway")]
    return Refusal(401, "AuthenticationFailed", "Authentication failed.", headers)


def _words(world: World, problem: BadToken) -> tuple[str, str]:
    claims = problem.claims
    if problem.fault == "missing":
        return "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing."
    if problem.fault == "audience":
        return "InvalidAuthenticationTokenAudience", (
            f"The access token was obtained for the wrong audience or resource '{claims.get('aud')}'. "
            f"It has to match one of the allowed audiences '{_ALLOWED_AUDIENCES}'."
        )
    if problem.fault == "expired":
        expiry, now = (
            datetime.fromtimestamp(moment, UTC).strftime("%m/%d/%Y %I:%M:%S %p")
            for moment in (claims["exp"], world.clock.now())
        )
        return "ExpiredAuthenticationToken", (
            f"The access token expiry UTC time '{expiry}' is earlier than current UTC time '{now}'."
        )
    if problem.fault == "issuer":
        return "InvalidAuthenticationTokenTenant", f"The access token is from the wrong issuer '{claims.get('iss')}'."
    return "InvalidAuthenticationToken", "The access token is invalid."


def find(world: World, subscription_id: str) -> tuple[Tenant, Subscription] | None:
    """Return a subscription by id, with its tenant."""
    for tenant in world.state.tenants.values():
        for subscription in tenant.subscriptions:
            if subscription.id == subscription_id.lower():
                return tenant, subscription
    return None
