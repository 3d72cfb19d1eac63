"""Graph: several requests in one (learn.microsoft.com/graph/json-batching)."""

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from entra_emulator.model import new_id
from entra_emulator.routing import Handler, NoRoute, Route, Router, tidy
from entra_emulator.throttling import Throttled
from entra_emulator.web import json_response, read_body

from .wire import Refusal, caller, check_content_type, refused

_MOST = 20


def handler(single: Sequence[Route]) -> Handler:
    """Return the handler of POST /$batch; `single` are the routes for its requests."""
    router = Router(single)

    async def handle(request: Request) -> Response:
        try:
            caller(request)
            check_content_type(request.headers.get("content-type"))
            steps = _steps(await read_body(request))
        except Refusal as problem:
            request_id = new_id()
            return refused(request, problem, [("request-id", request_id), ("client-request-id", request_id)])
        done: dict[str, int] = {}
        responses = []
        for step in steps:
            answer = await _answer(router, request, step, done)
            done[answer["id"].lower()] = answer["status"]
            responses.append(answer)
        # The service's order is arbitrary too: a client that does not look at the ids must not pass.
        return json_response(request.state.world, {"responses": responses[::-1]}, 200)

    return handle


def _steps(raw: bytes) -> list[dict[str, Any]]:
    try:
        steps = json.loads(raw)["requests"]
        plain = all({"id", "method", "url"} <= set(step) for step in steps)
    except (ValueError, LookupError, TypeError, RecursionError):
        plain = False
    if not plain or not isinstance(steps, list):
        raise Refusal(400, "BadRequest", "Invalid batch payload format.")
    if len(steps) > _MOST:
        raise Refusal(400, "MaximumValueExceeded", f"Number of batch request steps exceeds the maximum of {_MOST}.")
    before: set[str] = set()
    for step in steps:
        name = str(step["id"]).lower()
        if name in before:
            raise Refusal(400, "BadRequest", "Invalid batch payload format: two requests have the same id.")
        if not {str(needed).lower() for needed in step.get("dependsOn") or ()} <= before:
            raise Refusal(400, "BadRequest", "Invalid batch payload format: dependsOn names no request before it.")
        before.add(name)
    for step in steps:  # one invalid request makes the whole batch invalid
        if step.get("body") is not None:
            content_type = dict(_headers(step)).get(b"content-type", b"").decode("latin-1")
            try:
                check_content_type(content_type)
            except Refusal:
                message = f"Write request id : {step['id']} does not contain Content-Type header or body."
                raise Refusal(400, "BadRequest", message) from None
    return steps


async def _answer(router: Router, outer: Request, step: dict[str, Any], done: dict[str, int]) -> dict[str, Any]:
    needed = [str(step_id).lower() for step_id in step.get("dependsOn") or ()]
    if any(done.get(step_id, 424) >= 400 for step_id in needed):
        error = {"code": "FailedDependency", "message": "A request that this one depends on has failed."}
        return {"id": str(step["id"]), "status": 424, "headers": {}, "body": {"error": error}}
    status, headers, body = await _call(router, outer, step)
    return {"id": str(step["id"]), "status": status, "headers": headers, "body": body}


async def _call(router: Router, outer: Request, step: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
    """Run one request of the batch, as the caller of the batch."""
    url = urlsplit(str(step["url"]))
    path = tidy("graph", f"/{outer.path_params['version']}/{unquote(url.path)}")
    scope = {
        **outer.scope,
        "state": {**outer.scope["state"], "headers": []},
        "method": str(step["method"]).upper(),
        "path": path,
        "query_string": url.query.encode(),
        "headers": [*_headers(step), *(header for header in outer.scope["headers"] if header[0] in _OUTER)],
    }

    async def receive() -> Message:
        body = b"" if step.get("body") is None else json.dumps(step["body"]).encode()
        return {"type": "http.request", "body": body, "more_body": False}

    try:
        answer = await router.answer(Request(scope, receive), path)
    except Throttled as problem:
        return 429, dict(problem.headers), problem.body
    except NoRoute as problem:
        error = {"code": "BadRequest", "message": "The emulator's Graph has nothing at this path for this method."}
        return problem.status, {}, {"error": error}
    shown = {name.decode().title(): value.decode() for name, value in answer.raw_headers if name in _SHOWN}
    return answer.status_code, shown, json.loads(bytes(answer.body) or b"null")


def _headers(step: dict[str, Any]) -> list[tuple[bytes, bytes]]:
    """Return the step's own headers, except those that identify the caller or the host."""
    headers = step.get("headers")
    pairs = headers.items() if isinstance(headers, dict) else ()
    encoded = [(str(name).lower().encode(), str(value).encode("latin-1", "replace")) for name, value in pairs]
    return [header for header in encoded if header[0] not in _OUTER]


_OUTER = (b"authorization", b"host")
_SHOWN = (b"content-type", b"odata-version", b"www-authenticate", b"retry-after")
