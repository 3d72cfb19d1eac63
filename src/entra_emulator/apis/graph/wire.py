"""The functions that all of Graph's calls share: check callers, and format responses and refusals."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.apis.bearer import BadToken, Caller, check
from entra_emulator.apis.continuous_access import encoded
from entra_emulator.clock import timestamp
from entra_emulator.model import new_id
from entra_emulator.resources import GRAPH
from entra_emulator.routing import Handler
from entra_emulator.state import as_guid
from entra_emulator.web import dated, json_response, read_body

JsonObject = dict[str, Any]
_MESSAGES = {
    "missing": "Access token is empty.",
    "malformed": "IDX14100: The token is not a well formed JWT of this authority.",
    "issuer": "Access token validation failure. Invalid issuer.",
    "audience": "Access token validation failure. Invalid audience.",
    "expired": "Lifetime validation failed, the token is expired.",
    "early": "Lifetime validation failed, the token is not yet valid.",
    "revoked": "Continuous access evaluation resulted in challenge with result: InteractionRequired and code: "
    "TokenIssuedBeforeRevocationTimestamp",
}


class Refusal(Exception):
    """An error response of Graph."""

    def __init__(self, status: int, code: str, message: str, headers: list[tuple[str, str]] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers or []


def endpoint(answer: Callable[[Request, Caller], JsonObject | int]) -> Handler:
    """Return a handler for a call that reads: it checks the token and responds, or refuses, in Graph's form."""
    return _handler(lambda request, caller, _: answer(request, caller), 200)


def changing(answer: Callable[[Request, Caller, JsonObject], JsonObject | None], status: int) -> Handler:
    """Return a handler for a call that changes something. It gets the JSON object; `status` is that of success."""
    return _handler(lambda request, caller, raw: answer(request, caller, _object(request, raw)), status)


def accepting(answer: Callable[[Request, Caller, JsonObject], Response]) -> Handler:
    """Return a handler for a call that begins something: it makes the whole response itself."""
    return _handler(lambda request, caller, raw: answer(request, caller, _object(request, raw)), 202)


def _handler(answer: Callable[[Request, Caller, bytes], JsonObject | Response | int | None], status: int) -> Handler:
    async def handle(request: Request) -> Response:
        request_id = new_id()
        client_id = as_guid(request.headers.get("client-request-id", "")) or request_id
        ids = [("request-id", request_id), ("client-request-id", client_id)]
        world, headers = request.state.world, [("OData-Version", "4.0"), *ids]
        try:
            body = answer(request, caller(request), await read_body(request))
        except Refusal as problem:
            return refused(request, problem, ids)
        if isinstance(body, Response):
            return body
        if isinstance(body, int):
            return dated(world, str(body).encode(), status, [("Content-Type", "text/plain"), *headers])
        return json_response(world, body, status, headers)

    return handle


def _object(request: Request, raw: bytes) -> JsonObject:
    """Return the JSON object in the body of a request.

    :raises Refusal: 400 for another kind of body, and for a Content-Type other than JSON.
    """
    if request.method != "DELETE" and (raw or request.method == "PATCH"):
        check_content_type(request.headers.get("content-type"))
    try:
        body = json.loads(raw or b"{}")
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise Refusal(400, "BadRequest", "Unable to read JSON request payload.")
    return body


def check_content_type(content_type: str | None) -> None:
    """Check that the Content-Type of a body is JSON.

    :raises Refusal: 400.
    """
    kind = (content_type or "").partition(";")[0].strip().lower()
    if not kind:
        message = "Write requests (excluding DELETE) must contain the Content-Type header declaration."
        raise Refusal(400, "BadRequest", message)
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise Refusal(400, "BadRequest", f"Invalid Content-Type header value: '{kind}' is not application/json.")


def refused(request: Request, problem: Refusal, ids: Sequence[tuple[str, str]]) -> Response:
    """Return the response for a refusal; `ids` are the headers that identify the request."""
    world = request.state.world
    inner = {"date": timestamp(world.clock.now()).replace(" ", "T").rstrip("Z"), **dict(ids)}
    error = {"code": problem.code, "message": problem.message, "innerError": inner}
    return json_response(world, {"error": error}, problem.status, [*problem.headers, *ids])


def caller(request: Request) -> Caller:
    """Return the caller.

    :raises Refusal: 401, with a claims challenge if the session was revoked.
    """
    try:
        return check(request, GRAPH)
    except BadToken as problem:
        where = f"{request.state.site.authority}/common/oauth2/authorize"
        message = _MESSAGES[problem.fault]
        challenge = f'Bearer realm="", authorization_uri="{where}", client_id="{GRAPH}"'
        if problem.demand:
            challenge += (
                f', errorDescription="{message}", error="insufficient_claims", claims="{encoded(problem.demand)}"'
            )
        headers = [("WWW-Authenticate", challenge)]
        raise Refusal(401, "InvalidAuthenticationToken", message, headers) from None


def require(caller: Caller, any_of: frozenset[str]) -> None:
    """Check for a permission and, for a user of another tenant, a directory role: GDAP gives no access without roles.

    :raises Refusal: 403.
    """
    if not caller.permissions & any_of:
        raise Refusal(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
    foreign = not caller.app_only and "idp" in caller.claims
    if foreign and len(caller.directory_roles) < 2:
        raise Refusal(403, "Authorization_RequestDenied", "Unable to initialize the authorization context.")


def not_found(name: str) -> Refusal:
    """Return a 404 for an entry."""
    return Refusal(404, "Request_ResourceNotFound", f"Resource '{name}' does not exist in this directory.")


def version(request: Request) -> str:
    """Return the base URL with the requested version."""
    return f"{request.state.site.base}/{request.path_params['version'].lower()}"
