"""Azure Container Registry: the tokens of a registry, for an Entra access token.

A client exchanges the access token for a refresh token of the registry, and that for an access token with the rights of
one operation. A registry that trusts the signing certificate takes the latter; the emulator stores no images itself.
The URL of a registry is https://NAME.azurecr.io, on localhost /acr/NAME. Sources: azure.github.io/acr/AAD-OAuth;
distribution.github.io/distribution/spec/auth (token, scope, jwt, oauth).
"""

import base64
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.apis.bearer import BadToken, check_token
from entra_emulator.clouds import public
from entra_emulator.ids import opaque
from entra_emulator.resources import CONTAINER_REGISTRY
from entra_emulator.routing import Handler, Route, route
from entra_emulator.tokens.keys import BadSignature
from entra_emulator.web import json_response, read_body
from entra_emulator.world import World

ISSUER = "Azure Container Registry"
USERNAME = "00000000-0000-0000-0000-000000000000"
"""The user name that says that the password is a refresh token of the registry."""
_REFRESH_IN, _ACCESS_IN = 3 * 3600, 75 * 60
_NAME = re.compile(r"[a-z0-9]{5,50}", re.IGNORECASE)
_SCOPE = re.compile(r"(repository|registry|artifact-repository):([^\s]+):([a-z_/]+(?:,[a-z_/]+)*|\*)")


class Refusal(Exception):
    """An error response in the form of a registry (distribution's spec, section Errors)."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def routes() -> list[Route]:
    """Return the routes."""
    calls: list[tuple[str, str, Handler]] = [
        ("POST", "/oauth2/exchange", _answered(_exchange)),
        ("POST", "/oauth2/token", _answered(_token)),
        ("GET", "/oauth2/token", _answered(_token)),
        ("GET", "/v2/", _answered(_challenge)),
    ]
    return [route(method, base + path, handler) for base in ("", "/{registry}") for method, path, handler in calls]


def _answered(call: Any) -> Handler:
    async def handle(request: Request) -> Response:
        world = request.state.world
        try:
            return json_response(world, await call(request))
        except Refusal as problem:
            error = {"code": problem.code, "message": problem.message}
            headers = [("WWW-Authenticate", _challenge_header(request))] if problem.status == 401 else []
            return json_response(world, {"errors": [error]}, problem.status, headers)

    return handle


def _service(request: Request) -> str:
    """Return the registry's host name, which is also the audience of its tokens.

    :raises Refusal: no registry can have the name (learn.microsoft.com: 5 to 50 letters and digits).
    """
    site = request.state.site
    name = str(request.path_params.get("registry", "")) if site.local_port else site.host.partition(".")[0]
    if not _NAME.fullmatch(name):
        raise Refusal(404, "NAME_INVALID", "No registry can have this name: it has 5 to 50 letters and digits.")
    cloud = public() if site.local_port else site.cloud
    return f"{name.lower()}.{cloud.acr[0]}"


def _challenge_header(request: Request) -> str:
    service, site = _service(request), request.state.site
    base = f"{site.base}/{service.partition('.')[0]}" if site.local_port else f"https://{service}"
    return f'Bearer realm="{base}/oauth2/token",service="{service}"'


async def _challenge(request: Request) -> dict[str, Any]:
    """Answer the version check, by which clients find the realm and the service."""
    _service(request)
    raise _unauthorized()


async def _exchange(request: Request) -> dict[str, Any]:
    """Exchange an Entra access token, whose audience is the registries' service, for a refresh token."""
    service, form = _service(request), await _form(request)
    if form.get("grant_type") != ["access_token"]:
        raise Refusal(400, "UNSUPPORTED", "The grant_type is not access_token, the only one here.")
    _check_service(form, service)
    try:
        caller = check_token(request, "".join(form.get("access_token", ())), CONTAINER_REGISTRY)
    except BadToken:
        raise _unauthorized() from None
    tenant = "".join(form.get("tenant", ())).lower()
    if tenant and tenant not in {caller.tenant.id, *(name.lower() for name in caller.tenant.domains)}:
        raise _unauthorized()
    subject = caller.user_name or caller.app_id
    more = {"tenant": caller.tenant.id, "permissions": {"actions": ["read", "write", "delete"], "notActions": []}}
    claims = _claims(request.state.world, service, subject, "refresh_token", _REFRESH_IN) | more
    return {"refresh_token": request.state.world.keys.sign(claims, with_thumbprint=False)}


async def _token(request: Request) -> dict[str, Any]:
    """Return the registry's access token for a refresh token, which is in the form or is the password of Basic."""
    service, world = _service(request), request.state.world
    form = _multiple(parse_qsl(request.url.query)) if request.method == "GET" else await _form(request)
    _check_service(form, service)
    refreshed = _refresh_claims(world, _refresh_token(request, form), service)
    access = [entry for text in form.get("scope", ()) for scope in text.split() for entry in _access(scope)]
    claims = _claims(world, service, refreshed["sub"], "access_token", _ACCESS_IN) | {"access": access}
    key = world.keys.keys[0]
    chain = base64.b64encode(key.public.certificate).decode()
    token = key.sign({"typ": "JWT", "alg": "RS256", "kid": key.kid, "x5c": [chain]}, claims)
    return {"access_token": token, "expires_in": _ACCESS_IN}


def _refresh_token(request: Request, form: dict[str, list[str]]) -> str:
    if form.get("grant_type") == ["refresh_token"]:
        return "".join(form.get("refresh_token", ()))
    if form.get("grant_type") == ["password"]:
        username, password = "".join(form.get("username", ())), "".join(form.get("password", ()))
    else:
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        try:
            decoded = base64.b64decode(encoded, validate=True).decode() if scheme.lower() == "basic" else ""
        except ValueError:
            decoded = ""
        username, _, password = decoded.partition(":")
    if username != USERNAME:
        raise _unauthorized()
    return password


def _refresh_claims(world: World, token: str, service: str) -> dict[str, Any]:
    try:
        claims = world.keys.verify(token)
    except BadSignature:
        raise _unauthorized() from None
    if (claims.get("iss"), claims.get("grant_type"), claims.get("aud")) != (ISSUER, "refresh_token", service):
        raise _unauthorized()
    if claims["exp"] <= world.clock.now():
        raise _unauthorized()
    return claims


def _claims(world: World, service: str, subject: str, kind: str, lifetime_in: int) -> dict[str, Any]:
    now = int(world.clock.now())
    times = {"nbf": now - 900, "exp": now + lifetime_in, "iat": now - 900}
    return {
        "jti": opaque(16),
        "sub": subject,
        **times,
        "iss": ISSUER,
        "aud": service,
        "version": "1.0",
        "grant_type": kind,
        "roles": [],
    }


def _access(scope: str) -> Iterable[dict[str, Any]]:
    found = _SCOPE.fullmatch(scope)
    if not found:
        raise Refusal(400, "UNSUPPORTED", "A scope is not TYPE:NAME:ACTIONS.")
    return [{"type": found[1], "name": found[2], "actions": found[3].split(",")}]


def _check_service(form: dict[str, list[str]], service: str) -> None:
    if [text.lower() for text in form.get("service", ())] != [service]:
        raise Refusal(400, "UNSUPPORTED", f"The service is not {service}.")


def _multiple(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return values


async def _form(request: Request) -> dict[str, list[str]]:
    return _multiple(parse_qsl((await read_body(request)).decode("utf-8", "replace")))


def _unauthorized() -> Refusal:
    return Refusal(401, "UNAUTHORIZED", "authentication required, visit https://aka.ms/acr/authorization")
