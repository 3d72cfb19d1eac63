"""Microsoft Graph, the part most programs try first: me, users, organization.

Source: learn.microsoft.com/graph/api (permissions of each call), learn.microsoft.com/graph/errors.
"""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from entra_emulator.clock import timestamp
from entra_emulator.model import Tenant, User, new_id
from entra_emulator.resources import GRAPH
from entra_emulator.routing import Handler, route
from entra_emulator.state import as_guid
from entra_emulator.web import json_answer

from .bearer import BadToken, Caller, check

_MESSAGES = {
    "missing": "Access token is empty.",
    "malformed": "IDX14100: The token is not a well formed JWT of this authority.",
    "issuer": "Access token validation failure. Invalid issuer.",
    "audience": "Access token validation failure. Invalid audience.",
    "expired": "Lifetime validation failed, the token is expired.",
    "early": "Lifetime validation failed, the token is not yet valid.",
}
_READ_USERS = frozenset({"User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"})
_READ_USERS_AS_USER = _READ_USERS | {"User.ReadBasic.All"}
_READ_ORGANIZATION = frozenset({"Organization.Read.All", "Organization.ReadWrite.All"}) | (
    _READ_USERS & {"Directory.Read.All", "Directory.ReadWrite.All"}
)
_READ_SELF = frozenset({"User.Read", "User.ReadWrite"}) | _READ_USERS
_PAGE = 100  # Graph's default page size for users
_LARGEST_PAGE = 999


class Refusal(Exception):
    """An error answer of Graph."""

    def __init__(self, status: int, code: str, message: str, headers: list[tuple[str, str]] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers or []


def _endpoint(answer: Callable[[Request, Caller], dict[str, Any]]) -> Handler:
    async def handle(request: Request) -> Response:
        world = request.state.world
        request_id = new_id()
        client_id = as_guid(request.headers.get("client-request-id", "")) or request_id
        ids = [("request-id", request_id), ("client-request-id", client_id)]
        try:
            return json_answer(world, answer(request, _caller(request)), 200, [("OData-Version", "4.0"), *ids])
        except Refusal as problem:
            inner = {
                "date": timestamp(world.clock.now()).replace(" ", "T").rstrip("Z"),
                "request-id": request_id,
                "client-request-id": client_id,
            }
            error = {"code": problem.code, "message": problem.message, "innerError": inner}
            return json_answer(world, {"error": error}, problem.status, [*problem.headers, *ids])

    return handle


def _caller(request: Request) -> Caller:
    try:
        return check(request, GRAPH)
    except BadToken as problem:
        where = f"{request.state.site.authority}/common/oauth2/authorize"
        challenge = f'Bearer realm="", authorization_uri="{where}", client_id="{GRAPH}"'
        raise Refusal(
            401, "InvalidAuthenticationToken", _MESSAGES[problem.fault], [("WWW-Authenticate", challenge)]
        ) from None


def _require(caller: Caller, any_of: frozenset[str]) -> None:
    """A permission, and for a user of another tenant a directory role there: GDAP without roles opens no door."""
    if not caller.permissions & any_of:
        raise Refusal(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
    foreign = not caller.app_only and "idp" in caller.claims
    if foreign and len(caller.directory_roles) < 2:
        raise Refusal(403, "Authorization_RequestDenied", "Unable to initialize the authorization context.")


def _me(request: Request, caller: Caller) -> dict[str, Any]:
    if caller.app_only:
        raise Refusal(400, "BadRequest", "/me request is only valid with delegated authentication flow.")
    _require(caller, _READ_SELF)
    user = caller.tenant.user(str(caller.claims["oid"]))
    if user is None:
        raise _not_found(str(caller.claims["oid"]))
    return {"@odata.context": f"{_version(request)}/$metadata#users/$entity", **_user(user)}


def _users(request: Request, caller: Caller) -> dict[str, Any]:
    _require(caller, _READ_USERS if caller.app_only else _READ_USERS_AS_USER)
    size = _whole(request.query_params.get("$top"), _PAGE, _LARGEST_PAGE)
    start = _whole(request.query_params.get("$skiptoken"), 0, len(caller.tenant.users))
    page = caller.tenant.users[start : start + size]
    body: dict[str, Any] = {"@odata.context": f"{_version(request)}/$metadata#users"}
    if start + size < len(caller.tenant.users):
        body["@odata.nextLink"] = f"{_version(request)}/users?$top={size}&$skiptoken={start + size}"
    return {**body, "value": [_user(user) for user in page]}


def _one_user(request: Request, caller: Caller) -> dict[str, Any]:
    _require(caller, _READ_USERS if caller.app_only else _READ_USERS_AS_USER)
    user = caller.tenant.user(request.path_params["user"])
    if user is None:
        raise _not_found(request.path_params["user"])
    return {"@odata.context": f"{_version(request)}/$metadata#users/$entity", **_user(user)}


def _organization(request: Request, caller: Caller) -> dict[str, Any]:
    _require(caller, _READ_ORGANIZATION if caller.app_only else _READ_ORGANIZATION | {"User.Read"})
    context = f"{_version(request)}/$metadata#organization"
    return {"@odata.context": context, "value": [_tenant(caller.tenant)]}


def _whole(text: str | None, default: int, largest: int) -> int:
    if text is None:
        return default
    if not text.isascii() or not text.isdigit():
        raise Refusal(400, "BadRequest", f"Invalid value '{text}' for a number in the query.")
    return min(int(text), largest)


def _not_found(name: str) -> Refusal:
    return Refusal(404, "Request_ResourceNotFound", f"Resource '{name}' does not exist in this directory.")


def _version(request: Request) -> str:
    return f"{request.state.site.base}/{request.path_params['version'].lower()}"


def _user(user: User) -> dict[str, Any]:
    return {
        "businessPhones": [],
        "displayName": user.name,
        "givenName": user.given_name or None,
        "jobTitle": None,
        "mail": user.mail or None,
        "mobilePhone": None,
        "officeLocation": None,
        "preferredLanguage": None,
        "surname": user.family_name or None,
        "userPrincipalName": user.upn,
        "id": user.id,
    }


def _tenant(tenant: Tenant) -> dict[str, Any]:
    return {
        "id": tenant.id,
        "displayName": tenant.name,
        "countryLetterCode": tenant.country,
        "tenantType": "AAD",
        "verifiedDomains": [
            {
                "capabilities": "Email, OfficeCommunicationsOnline",
                "isDefault": index == 0,
                "isInitial": domain.endswith(".onmicrosoft.com"),
                "name": domain,
                "type": "Managed",
            }
            for index, domain in enumerate(tenant.domains)
        ],
    }


async def _nothing(request: Request) -> Response:
    """Graph looks at the token before the path."""

    def refuse(request: Request, _: Caller) -> dict[str, Any]:
        path = request.path_params["path"]
        raise Refusal(404, "ResourceNotFound", f"The emulator's Graph has nothing at '{path}'.")

    return await _endpoint(refuse)(request)


def routes() -> list[BaseRoute]:
    """Graph's routes under /v1.0 and /beta."""
    return [
        route("GET", "/{version}/me", _endpoint(_me)),
        route("GET", "/{version}/users", _endpoint(_users)),
        route("GET", "/{version}/users/{user}", _endpoint(_one_user)),
        route("GET", "/{version}/organization", _endpoint(_organization)),
        route("GET", "/{path:path}", _nothing),
    ]
