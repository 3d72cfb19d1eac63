"""The routes of the sign-in service."""

import functools
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.aadsts import EntraError
from entra_emulator.grants import GRANTS
from entra_emulator.model import Tenant
from entra_emulator.policy.tenancy import check_rate
from entra_emulator.routing import Handler, Route, route
from entra_emulator.world import LoggedRequest

from . import (
    admin_consent,
    application_sign_in,
    authorize,
    cross_origin,
    device,
    federation,
    metadata,
    pages_flow,
    sign_out,
    version_one,
)
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
    """Return the same endpoint by its v1.0 name; what it reads and writes differs by `Exchange.version`."""

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
    if exchange.site.cloud.is_mtls(exchange.site.host):
        raise EntraError(51000, feature="MtlsClientAuth")
    check_resource_parameter(exchange.form)
    claims_request(exchange.form)
    check_rate(exchange.world, _tenant_or_none(exchange), functools.partial(_as_log_entry, exchange))
    grant_type = exchange.required("grant_type")
    grant = GRANTS.get(grant_type.lower())
    if grant is None or (exchange.site.external and grant_type.lower() == "password"):
        raise EntraError(70003, grant_type=grant_type)
    return grant(exchange)


def _tenant_or_none(exchange: Exchange) -> Tenant | None:
    return exchange.world.state.tenant(exchange.tenant_name, exchange.realm)


def _as_log_entry(exchange: Exchange) -> LoggedRequest:
    """Return the log entry of the request, without its response."""
    now = exchange.world.clock.now()
    return LoggedRequest("POST", "", "/oauth2/v2.0/token", now, 0, **exchange.log_fields())


def routes() -> list[Route]:
    """Return every route of the sign-in service. Paths match in any letter case, as Entra's do."""
    return [
        route("POST", "/{tenant}/oauth2/v2.0/token", token),
        route("OPTIONS", "/{tenant}/oauth2/v2.0/token", cross_origin.preflight),
        route("POST", "/{tenant}/oauth2/token", _version_one(token_version_one)),
        route("GET", "/{tenant}/oauth2/v2.0/token", only_post),
        route("GET", "/{tenant}/oauth2/token", only_post),
        *(route(method, "/{tenant}/oauth2/v2.0/devicecode", device.devicecode) for method in ("GET", "POST")),
        *(route(method, "/{tenant}/oauth2/v2.0/authorize", authorize.authorize) for method in ("GET", "POST")),
        *(route(method, "/{tenant}/oauth2/v2.0/logout", sign_out.logout) for method in ("GET", "POST")),
        *(route(method, "/{tenant}/oauth2/devicecode", _version_one(device.devicecode)) for method in ("GET", "POST")),
        *(route(method, "/{tenant}/oauth2/authorize", _version_one(authorize.authorize)) for method in ("GET", "POST")),
        *(route(method, "/{tenant}/oauth2/logout", _version_one(sign_out.logout)) for method in ("GET", "POST")),
        *(route(method, "/{tenant}/saml2", application_sign_in.saml2) for method in ("GET", "POST")),
        *(route(method, "/{tenant}/wsfed", application_sign_in.ws_federation) for method in ("GET", "POST")),
        route("GET", "/{tenant}/adminconsent", _version_one(admin_consent.admin_consent)),
        route("GET", "/{tenant}/v2.0/adminconsent", admin_consent.admin_consent),
        route("POST", f"/{{tenant}}{pages_flow.STEP}", authorize.submit),
        route("POST", pages_flow.RETURN, authorize.from_identity_provider),
        route("GET", device.PAGE, device.show),
        route("GET", device.SHORT_PAGE, device.show),
        route("POST", device.PAGE, device.enter),
        *metadata.routes(),
    ]
