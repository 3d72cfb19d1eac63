"""The endpoints that clients read before they request a token: discovery, keys and user realms."""

import asyncio
import json
from collections.abc import Callable, Iterable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.aadsts import EntraError
from entra_emulator.routing import NoRoute, Route, route
from entra_emulator.web import dated, read_body

from . import discovery, federation_metadata, user_realm
from .exchange import Exchange

_JSON, _XML = "application/json; charset=utf-8", "text/xml; charset=utf-8"
_CACHED = [
    ("Cache-Control", "max-age=86400, private"),
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Methods", "GET, OPTIONS"),
]
_UNCACHED = [("Cache-Control", "no-store, no-cache"), ("Pragma", "no-cache"), ("Expires", "-1")]
_REALM = [*_UNCACHED, ("Content-Disposition", "inline; filename=userrealm.json")]


async def instance(request: Request) -> Response:
    """GET /common/discovery/instance

    The host of one tenant has none: AzureAD/microsoft-authentication-library-for-dotnet#4054.
    """
    if request.state.site.of_tenant:
        raise NoRoute(404)

    def find(exchange: Exchange) -> dict[str, Any]:
        endpoint = exchange.form.required("authorization_endpoint")
        return discovery.instance(exchange, endpoint, exchange.form.get("api-version"))

    return _answer(request, "instance", find)


async def openid_configuration(request: Request) -> Response:
    """GET /{tenant}/v2.0/.well-known/openid-configuration"""
    return _answer(request, "metadata", discovery.openid_configuration)


async def openid_configuration_version_one(request: Request) -> Response:
    """GET /{tenant}/.well-known/openid-configuration"""
    return _answer(request, "metadata", discovery.openid_configuration_version_one)


async def keys(request: Request) -> Response:
    """GET /{tenant}/discovery/v2.0/keys"""
    await _complete(request)
    return _answer(request, "metadata", discovery.keys)


async def keys_version_one(request: Request) -> Response:
    """GET /{tenant}/discovery/keys"""
    await _complete(request)
    return _answer(request, "metadata", discovery.keys_version_one)


async def _complete(request: Request) -> None:
    """Other requests go on while RSA keys are generated, once in a process."""
    ring = request.state.world.keys
    if len(ring.made) < 2:
        await asyncio.to_thread(ring.complete)


async def realm_of_path(request: Request) -> Response:
    """GET /{tenant}/userrealm/{username}"""
    return _answer(request, "userrealm", lambda exchange: _realm(exchange, request.path_params["username"]), _REALM)


async def realm_of_query(request: Request) -> Response:
    """GET /{tenant}/userrealm?user={username}"""
    return _answer(request, "userrealm", lambda exchange: _realm(exchange, exchange.form.required("user")), _REALM)


def _realm(exchange: Exchange, username: str) -> dict[str, Any]:
    realm = user_realm.find(exchange, username)
    if exchange.form.get("api-version").startswith("2"):
        return user_realm.version_two(exchange, realm)
    return user_realm.version_one(exchange, realm)


async def realm_srf(request: Request) -> Response:
    """GET or POST /GetUserRealm.srf?login={username}, as JSON, or as XML with `xml=1`"""
    exchange = Exchange.of(request)
    try:
        await exchange.read_form_or_query(request, "getuserrealm")
    except EntraError as problem:
        return _error(exchange, request, problem, _UNCACHED)
    realm = user_realm.find(exchange, exchange.form.get("login"))
    if exchange.form.get("xml") == "1":
        return _sent(exchange, user_realm.srf_xml(exchange, realm), 200, [*_UNCACHED, ("Content-Type", _XML)])
    return _sent(exchange, json.dumps(user_realm.srf(exchange, realm)), 200, [*_UNCACHED, ("Content-Type", _JSON)])


async def credential_type(request: Request) -> Response:
    """POST /{tenant}/GetCredentialType with `{"username": "…"}`, by which sign-in pages choose what to ask for"""
    exchange = Exchange.of(request)
    try:
        body = json.loads(await read_body(request) or b"{}")
    except ValueError:
        body = None
    names = {name.lower(): value for name, value in body.items()} if isinstance(body, dict) else {}
    username = names.get("username")
    if not isinstance(username, str) or not username.strip():
        return _error(exchange, request, EntraError(900144, parameter="username"), _UNCACHED)
    found = user_realm.credential_type(exchange, username.strip())
    return _sent(exchange, json.dumps(found), 200, [*_UNCACHED, ("Content-Type", _JSON)])


async def federation_document(request: Request) -> Response:
    """GET /{tenant}/FederationMetadata/2007-06/FederationMetadata.xml"""
    await _complete(request)
    exchange = Exchange.of(request)
    try:
        exchange.read_query(request, "metadata")
        text = federation_metadata.document(exchange)
    except EntraError as problem:
        return _error(exchange, request, problem, _CACHED)
    return _sent(exchange, text, 200, [*_CACHED, ("Content-Type", "application/samlmetadata+xml; charset=utf-8")])


def _answer(
    request: Request,
    endpoint: str,
    find: Callable[[Exchange], dict[str, Any]],
    headers: list[tuple[str, str]] = _CACHED,
) -> Response:
    exchange = Exchange.of(request)
    try:
        exchange.read_query(request, endpoint)
        body = find(exchange)
    except EntraError as problem:
        return _error(exchange, request, problem, headers)
    return _sent(exchange, json.dumps(body), 200, [*headers, ("Content-Type", _JSON)])


def _error(exchange: Exchange, request: Request, problem: EntraError, headers: list[tuple[str, str]]) -> Response:
    request.state.notes["aadsts"] = problem.code
    # Discovery has its own name for an unknown tenant; the token endpoint says invalid_request.
    body = exchange.error_body(problem, error="invalid_tenant" if problem.code == 90002 else None)
    return _sent(exchange, json.dumps(body), problem.definition.status, [*headers, ("Content-Type", _JSON)])


def _sent(exchange: Exchange, text: str, status: int, headers: Iterable[tuple[str, str]]) -> Response:
    return dated(exchange.world, text.encode(), status, [*headers, *exchange.common_headers()])


def routes() -> list[Route]:
    """Return the routes of these endpoints."""
    return [
        route("GET", "/{tenant}/userrealm", realm_of_query),
        route("GET", "/{tenant}/userrealm/{username}", realm_of_path),
        *(route(method, "/getuserrealm.srf", realm_srf) for method in ("GET", "POST")),
        route("POST", "/{tenant}/getcredentialtype", credential_type),
        route("GET", "/common/discovery/instance", instance),
        route("GET", "/{tenant}/v2.0/.well-known/openid-configuration", openid_configuration),
        route("GET", "/{tenant}/.well-known/openid-configuration", openid_configuration_version_one),
        route("GET", "/{tenant}/discovery/v2.0/keys", keys),
        route("GET", "/{tenant}/discovery/keys", keys_version_one),
        route("GET", "/{tenant}/federationmetadata/2007-06/federationmetadata.xml", federation_document),
    ]
