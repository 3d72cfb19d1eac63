"""The routes of the sign-in service."""

import functools
import json
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.aadsts import EntraError
from entra_emulator.grants import GRANTS
from entra_emulator.model import Tenant
from entra_emulator.policy.tenancy import check_rate
from entra_emulator.routing import Handler, Route, route
from entra_emulator.web import dated
from entra_emulator.world import LoggedRequest

from . import accounts, authorize, cross_origin, device, discovery, federation, pages_flow, sign_out, version_one
from .exchange import Exchange, claims_request
from .scopes import check_resource_parameter


async def token(request: Request) -> Response:
    """POST /{tenant}/oauth2/v2.0/token"""
    exchange = Exchange.of(request)
    notes = request.state.notes
    try:
        await exchange.read_form(request)
        notes.update(exchange.log_fields())
        await federation.fetch_issuer_keys(exchange)
        return exchange.response(_granted(exchange))
    except EntraError as problem:
        notes["aadsts"] = problem.code
        return exchange.response(exchange.error_body(problem), problem.definition.status, problem.code)


async def token_version_one(request: Request) -> Response:
    """POST /{tenant}/oauth2/token"""
    exchange = Exchange.of(request)
    notes = request.state.notes
    try:
        await exchange.read_form(request)
        notes.update(exchange.log_fields(), scope=exchange.form.get("resource") or None)
        version_one.refuse_personal(exchange)
        resource = exchange.form.get("resource")
        exchange.form = version_one.translate(exchange.form)
        await federation.fetch_issuer_keys(exchange)
        return exchange.response(version_one.answer(_granted(exchange), resource))
    except EntraError as problem:
        notes["aadsts"] = problem.code
        body = exchange.error_body(problem, version_one.error_name(problem))
        return exchange.response(body, problem.definition.status, problem.code)


def _version_one(handler: Handler) -> Handler:
    """The same endpoint by its v1.0 name; what it reads and writes differs by `Exchange.version`."""

    async def handle(request: Request) -> Response:
        request.state.version = 1
        return await handler(request)

    return handle


async def only_post(request: Request) -> Response:
    """Any other method at the token endpoint."""
    exchange = Exchange.of(request)
    problem = EntraError(900561, accepted="POST", method=request.method)
    request.state.notes["aadsts"] = problem.code
    return exchange.response(exchange.error_body(problem), problem.definition.status, problem.code)


def _granted(exchange: Exchange) -> dict[str, Any]:
    check_resource_parameter(exchange.form)
    claims_request(exchange.form)
    check_rate(exchange.world, _tenant_or_none(exchange), functools.partial(_as_log_entry, exchange))
    grant_type = exchange.required("grant_type")
    grant = GRANTS.get(grant_type.lower())
    if grant is None:
        raise EntraError(70003, grant_type=grant_type)
    return grant(exchange)


def _tenant_or_none(exchange: Exchange) -> Tenant | None:
    return exchange.world.state.tenant(exchange.tenant_name, exchange.realm)


def _as_log_entry(exchange: Exchange) -> LoggedRequest:
    """The request as the log will have it, but for its answer."""
    now = exchange.world.clock.now()
    return LoggedRequest("POST", "", "/oauth2/v2.0/token", now, 0, **exchange.log_fields())


async def instance(request: Request) -> Response:
    """GET /common/discovery/instance"""

    def find(exchange: Exchange) -> dict[str, Any]:
        exchange.read_query(request, "instance")
        return discovery.instance(
            exchange, exchange.form.required("authorization_endpoint"), exchange.form.get("api-version")
        )

    return _discover(request, find)


async def user_realm(request: Request) -> Response:
    """GET /{tenant}/userrealm/{username}"""
    username = request.path_params["username"]
    return _discover(request, lambda exchange: accounts.realm(exchange, username), discovery.UNCACHED)


async def openid_configuration(request: Request) -> Response:
    """GET /{tenant}/v2.0/.well-known/openid-configuration"""
    return _discover(request, discovery.openid_configuration)


async def openid_configuration_version_one(request: Request) -> Response:
    """GET /{tenant}/.well-known/openid-configuration"""
    return _discover(request, discovery.openid_configuration_version_one)


async def keys(request: Request) -> Response:
    """GET /{tenant}/discovery/v2.0/keys"""
    return _discover(request, discovery.keys)


def _discover(
    request: Request, find: Callable[[Exchange], dict[str, Any]], special: list[tuple[str, str]] = discovery.CACHED
) -> Response:
    exchange = Exchange.of(request)
    headers = [*special, ("Content-Type", "application/json; charset=utf-8")]
    status = 200
    try:
        body = find(exchange)
    except EntraError as problem:
        request.state.notes["aadsts"] = problem.code
        status = problem.definition.status
        # Discovery has its own name for a tenant that is not there; the token endpoint says invalid_request.
        body = exchange.error_body(problem, error="invalid_tenant" if problem.code == 90002 else None)
    return dated(exchange.world, json.dumps(body).encode(), status, [*headers, *exchange.common_headers()])


def routes() -> list[Route]:
    """Every route of the sign-in service. Paths match in any letter case, as Entra's do."""
    return [
        route("POST", "/{tenant}/oauth2/v2.0/token", token),
        route("OPTIONS", "/{tenant}/oauth2/v2.0/token", cross_origin.preflight),
        route("POST", "/{tenant}/oauth2/token", _version_one(token_version_one)),
        route("GET", "/{tenant}/oauth2/v2.0/token", only_post),
        route("GET", "/{tenant}/oauth2/token", only_post),
        route("POST", "/{tenant}/oauth2/v2.0/devicecode", device.devicecode),
        *(route(method, "/{tenant}/oauth2/v2.0/authorize", authorize.authorize) for method in ("GET", "POST")),
        *(route(method, "/{tenant}/oauth2/v2.0/logout", sign_out.logout) for method in ("GET", "POST")),
        route("POST", "/{tenant}/oauth2/devicecode", _version_one(device.devicecode)),
        *(route(method, "/{tenant}/oauth2/authorize", _version_one(authorize.authorize)) for method in ("GET", "POST")),
        *(route(method, "/{tenant}/oauth2/logout", _version_one(sign_out.logout)) for method in ("GET", "POST")),
        route("POST", f"/{{tenant}}{pages_flow.STEP}", authorize.step),
        route("GET", device.PAGE, device.show),
        route("GET", device.SHORT_PAGE, device.show),
        route("POST", device.PAGE, device.enter),
        route("GET", "/{tenant}/userrealm/{username}", user_realm),
        route("GET", "/common/discovery/instance", instance),
        route("GET", "/{tenant}/v2.0/.well-known/openid-configuration", openid_configuration),
        route("GET", "/{tenant}/.well-known/openid-configuration", openid_configuration_version_one),
        route("GET", "/{tenant}/discovery/v2.0/keys", keys),
        route("GET", "/{tenant}/discovery/keys", keys),
    ]
