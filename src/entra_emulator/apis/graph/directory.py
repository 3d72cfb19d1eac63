"""Graph: me, users, organization."""

from starlette.requests import Request

from entra_emulator.apis.bearer import Caller
from entra_emulator.model import Tenant, User
from entra_emulator.routing import Route, route

from .query import collection, count, entity
from .wire import Answer, Refusal, endpoint, not_found, require, version

_READ_USERS = frozenset({"User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"})
_READ_USERS_AS_USER = _READ_USERS | {"User.ReadBasic.All"}
_READ_ORGANIZATION = frozenset({"Organization.Read.All", "Organization.ReadWrite.All"}) | (
    _READ_USERS & {"Directory.Read.All", "Directory.ReadWrite.All"}
)
_READ_SELF = frozenset({"User.Read", "User.ReadWrite"}) | _READ_USERS


def routes() -> list[Route]:
    """Its routes."""
    return [
        route("GET", "/{version}/me", endpoint(_me)),
        route("GET", "/{version}/users", endpoint(_users)),
        route("GET", "/{version}/users/$count", endpoint(_count_users)),
        route("GET", "/{version}/users/{user}", endpoint(_one_user)),
        route("GET", "/{version}/organization", endpoint(_organization)),
    ]


def _me(request: Request, caller: Caller) -> Answer:
    if caller.app_only:
        raise Refusal(400, "BadRequest", "/me request is only valid with delegated authentication flow.")
    require(caller, _READ_SELF)
    user = caller.tenant.user(str(caller.claims["oid"]))
    if user is None:
        raise not_found(str(caller.claims["oid"]))
    return entity(request, "users", _user(user), shown=_USUAL)


def _users(request: Request, caller: Caller) -> Answer:
    return collection(request, "users", _all_users(caller), shown=_USUAL)


def _count_users(request: Request, caller: Caller) -> int:
    return count(request, _all_users(caller))


def _all_users(caller: Caller) -> list[Answer]:
    require(caller, _READ_USERS if caller.app_only else _READ_USERS_AS_USER)
    return [_user(user) for user in caller.tenant.users]


def _one_user(request: Request, caller: Caller) -> Answer:
    require(caller, _READ_USERS if caller.app_only else _READ_USERS_AS_USER)
    user = caller.tenant.user(request.path_params["user"])
    if user is None:
        raise not_found(request.path_params["user"])
    return entity(request, "users", _user(user), shown=_USUAL)


def _organization(request: Request, caller: Caller) -> Answer:
    require(caller, _READ_ORGANIZATION if caller.app_only else _READ_ORGANIZATION | {"User.Read"})
    return {"@odata.context": f"{version(request)}/$metadata#organization", "value": [_tenant(caller.tenant)]}


def _user(user: User) -> Answer:
    """All there is of a user; what is not among the usual members has to be asked for with $select."""
    return {
        "accountEnabled": user.enabled,
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
        "userType": "Guest" if user.home else "Member",
    }


_USUAL = (
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "id",
)


def _tenant(tenant: Tenant) -> Answer:
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
