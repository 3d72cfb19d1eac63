"""The UserInfo endpoint (OpenID Connect Core section 5.3), which Entra serves on Microsoft Graph's host.

Source: learn.microsoft.com/entra/identity-platform/userinfo. Its claims are fixed; an application that needs others
reads them from the ID token.
"""

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.resources import AAD_GRAPH, GRAPH
from entra_emulator.routing import Route, route
from entra_emulator.tokens.claims import pairwise
from entra_emulator.web import json_response

from .bearer import BadToken, check


def routes() -> list[Route]:
    """GET and POST /oidc/userinfo"""
    return [route(method, "/oidc/userinfo", userinfo) for method in ("GET", "POST")]


def login_routes() -> list[Route]:
    """Return the endpoint of v1.0, on the sign-in host: GET and POST /{tenant}/openid/userinfo"""
    return [route(method, "/{tenant}/openid/userinfo", userinfo_version_one) for method in ("GET", "POST")]


async def userinfo(request: Request) -> Response:
    """Return the user of a token for Microsoft Graph; 403 without `openid` in its scopes."""
    return _user_of(request, GRAPH, scope="openid")


async def userinfo_version_one(request: Request) -> Response:
    """Return the user of a token for Azure AD Graph, whose permissions do not include OpenID's."""
    return _user_of(request, AAD_GRAPH)


def _user_of(request: Request, resource: str, scope: str = "") -> Response:
    """Return the user; 401 for a token that is not valid here, 403 for one without the scope or without a user."""
    world = request.state.world
    try:
        caller = check(request, resource)
    except BadToken as problem:
        challenge = f'Bearer error="invalid_token", error_description="The token is not good here: {problem.fault}."'
        return json_response(world, {"error": "invalid_token"}, 401, [("WWW-Authenticate", challenge)])
    found = world.state.user(caller.user_name) if caller.user_name else None
    if found is None or (scope and scope not in caller.permissions):
        return json_response(world, {"error": "insufficient_scope"}, 403)
    user = found[1]
    claims = {
        "sub": pairwise(user, caller.app_id),
        "name": user.name,
        "family_name": user.family_name,
        "given_name": user.given_name,
        "picture": f"https://{request.url.hostname}/v1.0/me/photo/$value",
        "email": user.mail,
    }
    return json_response(world, {name: value for name, value in claims.items() if value})
