"""Graph: me, users, groups, organization, domains, directory roles.

Source: learn.microsoft.com/graph/api/resources/user, .../group, .../organization, .../domain, .../directoryrole.
"""

from typing import TYPE_CHECKING

from starlette.requests import Request

from entra_emulator.apis.bearer import Caller
from entra_emulator.model import Group, Tenant, User
from entra_emulator.routing import Route, route
from entra_emulator.tokens.directory_roles import directory_roles, role_ids

from .objects import active_roles, group_view, members, memberships, role_view, user_view
from .query import Expansion, entity, entity_type
from .resources import Readable, objects
from .wire import JsonObject, Refusal, endpoint, not_found, require

if TYPE_CHECKING:
    from entra_emulator.state import State

READ_DIRECTORY = frozenset({"Directory.Read.All", "Directory.ReadWrite.All"})
READ_USERS = frozenset({"User.Read.All", "User.ReadWrite.All"}) | READ_DIRECTORY
READ_GROUPS = frozenset({"Group.Read.All", "Group.ReadWrite.All", "GroupMember.Read.All"}) | READ_DIRECTORY
_READ_BASIC = frozenset({"User.ReadBasic.All"})
_READ_ORGANIZATION = frozenset({"Organization.Read.All", "Organization.ReadWrite.All"}) | READ_DIRECTORY
_READ_DOMAINS = frozenset({"Domain.Read.All", "Domain.ReadWrite.All"}) | READ_DIRECTORY
_READ_ROLES = frozenset({"RoleManagement.Read.Directory", "RoleManagement.ReadWrite.Directory"}) | READ_DIRECTORY
_READ_SELF = frozenset({"User.Read", "User.ReadWrite"}) | READ_USERS


def routes() -> list[Route]:
    """Return the routes."""
    readable = [
        Readable("users", "user", _users, READ_USERS, _READ_BASIC, ("id", "userPrincipalName"), _of_users),
        Readable("groups", "group", _groups, READ_GROUPS, expand=_of_groups),
        Readable("organization", "organization", _organization, _READ_ORGANIZATION, frozenset({"User.Read"})),
        Readable("domains", "domain", _domains, _READ_DOMAINS),
        Readable("directoryRoles", "directoryRole", _roles, _READ_ROLES),
        Readable("directoryRoleTemplates", "directoryRoleTemplate", _role_templates, _READ_ROLES),
        Readable("subscribedSkus", "subscribedSku", _no_licences, _READ_ORGANIZATION),
    ]
    return [
        route("GET", "/{version}/me", endpoint(_me)),
        *objects("me/memberOf", lambda _, caller: _memberships_of_caller(caller, direct=True)),
        *objects("me/transitiveMemberOf", lambda _, caller: _memberships_of_caller(caller, direct=False)),
        *objects("users/{user}/memberOf", lambda request, caller: _memberships_of_user(request, caller, direct=True)),
        *objects(
            "users/{user}/transitiveMemberOf",
            lambda request, caller: _memberships_of_user(request, caller, direct=False),
        ),
        *objects("groups/{group}/members", lambda request, caller: _in_group(request, caller, "members")),
        *objects("groups/{group}/owners", lambda request, caller: _in_group(request, caller, "owners")),
        *objects("directoryRoles/{role}/members", _holders),
        *(item for entry in readable for item in entry.routes()),
    ]


def _me(request: Request, caller: Caller) -> JsonObject:
    user = signed_in(caller, _READ_SELF)
    return entity(request, "users", entity_type("user"), user_view(user), expansions=_of_users(request, caller))


def signed_in(caller: Caller, needs: frozenset[str]) -> User:
    """Return the user of the token.

    :raises Refusal: 400 without a user, 403, 404.
    """
    if caller.app_only:
        raise Refusal(400, "BadRequest", "/me request is only valid with delegated authentication flow.")
    require(caller, needs)
    user = caller.tenant.user(str(caller.claims["oid"]))
    if user is None:
        raise not_found(str(caller.claims["oid"]))
    return user


def find_user(request: Request, caller: Caller) -> User:
    """Return the user that the path names.

    :raises Refusal: 404.
    """
    user = caller.tenant.user(request.path_params["user"])
    if user is None:
        raise not_found(request.path_params["user"])
    return user


def find_group(request: Request, caller: Caller) -> Group:
    """Return the group that the path names by its id.

    :raises Refusal: 404.
    """
    wanted = request.path_params["group"].lower()
    for group in caller.tenant.groups:
        if group.id.lower() == wanted:
            return group
    raise not_found(wanted)


def _users(_: Request, caller: Caller) -> list[JsonObject]:
    return [user_view(user) for user in caller.tenant.users]


def _of_users(_: Request, caller: Caller) -> dict[str, Expansion]:
    def list_members(item: JsonObject, *, direct: bool) -> list[JsonObject]:
        user = caller.tenant.user(str(item["id"]))
        return _memberships_of(caller.tenant, user, direct=direct) if user else []

    return {
        "memberOf": Expansion(lambda item: list_members(item, direct=True)),
        "transitiveMemberOf": Expansion(lambda item: list_members(item, direct=False)),
        "manager": Expansion(lambda _: [], single=True),
        "directReports": Expansion(lambda _: []),
    }


def _memberships_of(tenant: Tenant, user: User, *, direct: bool) -> list[JsonObject]:
    return memberships(tenant, of=(user.id, user.upn), roles=user.roles, direct=direct)


def _groups(_: Request, caller: Caller) -> list[JsonObject]:
    return [group_view(group) for group in caller.tenant.groups]


def _of_groups(request: Request, caller: Caller) -> dict[str, Expansion]:
    state: State = request.state.world.state

    def list_members(item: JsonObject, names: str) -> list[JsonObject]:
        group = caller.tenant.group(str(item["id"]))
        return members(state, caller.tenant, getattr(group, names)) if group else []

    return {
        "members": Expansion(lambda item: list_members(item, "members")),
        "owners": Expansion(lambda i: list_members(i, "owners")),
    }


def _organization(_: Request, caller: Caller) -> list[JsonObject]:
    tenant = caller.tenant
    domains = [
        {
            "capabilities": "Email, OfficeCommunicationsOnline",
            "isDefault": index == 0,
            "isInitial": domain.endswith(".onmicrosoft.com"),
            "name": domain,
            "type": _authentication(tenant, domain),
        }
        for index, domain in enumerate(tenant.domains)
    ]
    return [
        {
            "id": tenant.id,
            "countryLetterCode": tenant.country,
            "displayName": tenant.name,
            "tenantType": "AAD",
            "verifiedDomains": domains,
        }
    ]


def _domains(_: Request, caller: Caller) -> list[JsonObject]:
    return [
        {
            "id": domain,
            "authenticationType": _authentication(caller.tenant, domain),
            "isAdminManaged": True,
            "isDefault": index == 0,
            "isInitial": domain.endswith(".onmicrosoft.com"),
            "isRoot": True,
            "isVerified": True,
            "supportedServices": ["Email", "OfficeCommunicationsOnline"],
        }
        for index, domain in enumerate(caller.tenant.domains)
    ]


def _authentication(tenant: Tenant, domain: str) -> str:
    return "Federated" if domain in tenant.federated_domains else "Managed"


def _roles(_: Request, caller: Caller) -> list[JsonObject]:
    return [role_view(caller.tenant, template) for template in active_roles(caller.tenant)]


def _role_templates(_: Request, __: Caller) -> list[JsonObject]:
    return [{"id": template, "displayName": name, "description": name} for name, template in directory_roles().items()]


def _no_licences(_: Request, __: Caller) -> list[JsonObject]:
    """Return an empty list: the emulator's tenants have no licenses."""
    return []


def _memberships_of_caller(caller: Caller, *, direct: bool) -> list[JsonObject]:
    return _memberships_of(caller.tenant, signed_in(caller, _READ_SELF), direct=direct)


def _memberships_of_user(request: Request, caller: Caller, *, direct: bool) -> list[JsonObject]:
    require(caller, READ_USERS & READ_DIRECTORY | READ_GROUPS)
    return _memberships_of(caller.tenant, find_user(request, caller), direct=direct)


def _in_group(request: Request, caller: Caller, names: str) -> list[JsonObject]:
    require(caller, READ_GROUPS)
    return members(request.state.world.state, caller.tenant, getattr(find_group(request, caller), names))


def _holders(request: Request, caller: Caller) -> list[JsonObject]:
    require(caller, _READ_ROLES)
    wanted = request.path_params["role"].lower()
    for template in active_roles(caller.tenant):
        if wanted in (role_view(caller.tenant, template)["id"], template):
            holders: list[User | Group] = [*caller.tenant.users, *caller.tenant.groups]
            names = [principal.id for principal in holders if template in role_ids(principal.roles)]
            return members(request.state.world.state, caller.tenant, names)
    raise not_found(wanted)
