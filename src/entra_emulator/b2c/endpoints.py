"""The routes of user flows: `/TENANT/POLICY/…`, `/tfp/TENANT/POLICY/…`, and `/TENANT/…?p=POLICY`."""

import json
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.aadsts import EntraError
from entra_emulator.login import cross_origin
from entra_emulator.routing import Handler, Route, route
from entra_emulator.web import dated

from . import authorize, discovery
from .errors import B2CError
from .grants import granted
from .journey import Journey

_CACHED = [("Cache-Control", "public, max-age=86400"), ("Access-Control-Allow-Origin", "*")]


async def token(request: Request) -> Response:
    """POST …/oauth2/v2.0/token"""
    journey = Journey.of(request)
    exchange, notes = journey.exchange, request.state.notes
    try:
        await exchange.read_form(request)
        notes.update(exchange.log_fields())
        return journey.answer(granted(journey))
    except EntraError as problem:  # a parameter that occurs twice
        twice = B2CError(90083, parameter=str(problem).rpartition(":")[2].strip())
        return journey.answer(journey.error_fields(twice), 400)
    except B2CError as problem:
        return journey.answer(journey.error_fields(problem), 400)


def _document(find: Callable[[Journey], dict[str, Any]]) -> Handler:
    async def answer(request: Request) -> Response:
        journey = Journey.of(request)
        journey.exchange.world.keys.complete()
        headers = [*_CACHED, ("Content-Type", "application/json; charset=utf-8"), *journey.common_headers()]
        return dated(journey.exchange.world, json.dumps(find(journey)).encode(), 200, headers)

    return answer


def routes() -> list[Route]:
    """Return the routes of user flows."""
    configuration, keys = _document(discovery.openid_configuration), _document(discovery.keys)
    found: list[Route] = []
    for base in ("/{tenant}/{flow}", "/tfp/{tenant}/{flow}"):
        found += [
            route("POST", f"{base}/oauth2/v2.0/token", token),
            route("OPTIONS", f"{base}/oauth2/v2.0/token", cross_origin.preflight),
            *(route(method, f"{base}/oauth2/v2.0/authorize", authorize.authorize) for method in ("GET", "POST")),
            *(route(method, f"{base}/oauth2/v2.0/logout", authorize.logout) for method in ("GET", "POST")),
            route("POST", f"{base}{authorize.STEP}", authorize.submit),
            route("GET", f"{base}/v2.0/.well-known/openid-configuration", configuration),
            route("GET", f"{base}/discovery/v2.0/keys", keys),
        ]
    return found


def routes_by_query() -> list[Route]:
    """Return the routes that name the flow in the query: those of B2C's own hosts, where Entra's paths are not."""
    base = "/{tenant}"
    return [
        route("POST", f"{base}/oauth2/v2.0/token", token),
        *(route(method, f"{base}/oauth2/v2.0/authorize", authorize.authorize) for method in ("GET", "POST")),
        *(route(method, f"{base}/oauth2/v2.0/logout", authorize.logout) for method in ("GET", "POST")),
        route("GET", f"{base}/v2.0/.well-known/openid-configuration", _document(discovery.openid_configuration)),
        route("GET", f"{base}/discovery/v2.0/keys", _document(discovery.keys)),
    ]
