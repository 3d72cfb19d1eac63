"""Apply faults before a request reaches its service."""

import asyncio
import fnmatch
import http
import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive

from .aadsts import EntraError
from .faults import ConnectionCut, Fault
from .login.exchange import Exchange
from .parameters import Parameters
from .web import dated, read_body
from .world import Site, World

_TOKEN_PATHS = ("/oauth2/v2.0/token", "/oauth2/token")


async def inject(request: Request) -> tuple[Response | None, Receive]:
    """Return the response of a fault that replaces the service's, or None; and a function that reads the body again.

    :raises ConnectionCut: the connection must be cut.
    """
    world: World = request.state.world
    site: Site = request.state.site
    candidates = [fault for fault in world.state.faults if _of_service(fault, site.service, request.scope["path"])]
    if not candidates:
        return None, request.receive
    receive = _replaying(await read_body(request))
    exchange = await _exchange(request, receive)
    hit = _first_decisive([fault for fault in candidates if _fits(fault, exchange)])
    for fault in hit:
        _use(world, fault)
    if hit:
        request.state.notes["faults"] = tuple(fault.outcome for fault in hit)
    return await _happen(request, exchange, hit), receive


def _first_decisive(fitting: list[Fault]) -> list[Fault]:
    """Return the first fault that has a response, and all others that have none, such as delays.

    The other faults with a response wait for the next request.
    """
    decisive = next((fault for fault in fitting if fault.decisive), None)
    return [fault for fault in fitting if fault is decisive or not fault.decisive]


def _of_service(fault: Fault, service: str, path: str) -> bool:
    if service == "admin" or fault.service not in ("*", service):
        return False
    if fault.path:
        return fnmatch.fnmatch(path.lower(), fault.path.lower())
    return service != "login" or path.lower().endswith(_TOKEN_PATHS)


async def _exchange(request: Request, receive: Receive) -> Exchange:
    """Return the request as the sign-in service reads it; a request to an API has no form."""
    exchange = Exchange.of(request)
    exchange.tenant_name = request.scope["path"].strip("/").partition("/")[0]
    try:
        await exchange.read_form(Request(request.scope, receive))
    except EntraError:
        exchange.form = Parameters("token")
    return exchange


def _fits(fault: Fault, exchange: Exchange) -> bool:
    state, form = exchange.world.state, exchange.form
    if fault.tenant:
        wanted, requested = state.tenant(fault.tenant), state.tenant(exchange.tenant_name)
        if fault.tenant.lower() != exchange.tenant_name.lower() and (wanted is None or wanted is not requested):
            return False
    target = f"{form.get('scope', '')} {form.get('resource', '')}".lower()
    return (
        fault.client.lower() in ("", form.get("client_id", "").lower())
        and fault.grant in ("", form.get("grant_type", ""))
        and fault.resource.lower() in target
    )


def _use(world: World, fault: Fault) -> None:
    if fault.times is None:
        return
    fault.times -= 1
    if fault.times <= 0 and fault in world.state.faults:
        world.state.faults.remove(fault)


async def _happen(request: Request, exchange: Exchange, hit: list[Fault]) -> Response | None:
    for fault in hit:
        if fault.next_link:
            request.state.next_link = str(request.url) if fault.next_link == "loop" else fault.next_link
    if skew_in := sum(fault.skew_in for fault in hit):
        exchange.world.clock.skew(skew_in)
    if delay_in := sum(fault.delay_in for fault in hit):
        await asyncio.sleep(delay_in)
    decisive = next((fault for fault in hit if fault.decisive), None)
    if decisive is None:
        return None
    if request.state.site.service == "login":
        request.state.notes.update(exchange.log_fields())
    if decisive.cut:
        raise ConnectionCut(decisive.cut)
    if decisive.code:
        return _refusal(request, exchange, decisive)
    return _plain(exchange.world, request.state.site.service, decisive)


def _refusal(request: Request, exchange: Exchange, fault: Fault) -> Response:
    names = {"app": exchange.form.get("client_id", ""), "tenant": exchange.tenant_name}
    problem = EntraError.ordered(fault.code, claims=fault.claims or None, as_error=fault.error or None, names=names)
    body = exchange.error_body(problem)
    if fault.suberror:
        body["suberror"] = fault.suberror
    request.state.notes["aadsts"] = fault.code
    answer = exchange.response(body, fault.status or problem.definition.status, fault.code)
    return _hurried(answer, fault)


def _plain(world: World, service: str, fault: Fault) -> Response:
    """Return the response of a gateway in front of the service: plain text at the sign-in service, JSON at an API."""
    phrase = http.HTTPStatus(fault.status).phrase if fault.status in list(http.HTTPStatus) else "Error"
    if service == "login":
        headers, raw = [("Content-Type", "text/plain")], phrase.encode()
    else:
        error: dict[str, Any] = {"code": phrase.replace(" ", ""), "message": phrase}
        headers, raw = [("Content-Type", "application/json; charset=utf-8")], json.dumps({"error": error}).encode()
    return _hurried(dated(world, raw, fault.status, headers), fault)


def _hurried(answer: Response, fault: Fault) -> Response:
    """Return the response with the fault's Retry-After instead of any other."""
    if fault.retry_after_in is not None:
        headers = [header for header in answer.raw_headers if header[0] != b"retry-after"]
        answer.raw_headers = [*headers, (b"retry-after", str(fault.retry_after_in).encode())]
    return answer


def _replaying(body: bytes) -> Receive:
    """Return a function that provides the body again each time it is read."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
