"""Graph: create, change and delete users and groups.

Source: learn.microsoft.com/graph/api/user-post-users, user-update, group-post-groups, group-post-members.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from entra_emulator.apis.bearer import Caller
from entra_emulator.model import Group, User
from entra_emulator.routing import Route, route

from .directory import find_group, find_user
from .objects import find_member, group_view, user_view
from .query import entity, entity_type
from .wire import JsonObject, Refusal, changing, require

if TYPE_CHECKING:
    from entra_emulator.state import State

_CHANGE_USERS = frozenset({"User.ReadWrite.All", "Directory.ReadWrite.All"})
_CHANGE_GROUPS = frozenset({"Group.ReadWrite.All", "Directory.ReadWrite.All"})
_CHANGE_MEMBERS = _CHANGE_GROUPS | {"GroupMember.ReadWrite.All"}
_USER_FIELDS: Mapping[str, tuple[str, type]] = {
    "accountEnabled": ("enabled", bool),
    "displayName": ("name", str),
    "givenName": ("given_name", str),
    "mail": ("mail", str),
    "surname": ("family_name", str),
    "userPrincipalName": ("upn", str),
}
_GROUP_FIELDS: Mapping[str, tuple[str, type]] = {
    "description": ("description", str),
    "displayName": ("name", str),
    "groupTypes": ("types", list),
    "isAssignableToRole": ("role_assignable", bool),
    "securityEnabled": ("security", bool),
}
_READ_ONLY = frozenset({"id", "createdDateTime", "deletedDateTime", "creationType", "userType"})
_REFERENCE = re.compile(r"/(?:directoryObjects|users|groups|servicePrincipals)/([^/]+)/?$", re.IGNORECASE)


def routes() -> list[Route]:
    """Return the routes."""
    made = [
        route("POST", "/{version}/users", changing(_create_user, 201)),
        route("PATCH", "/{version}/users/{user}", changing(_change_user, 204)),
        route("DELETE", "/{version}/users/{user}", changing(_remove_user, 204)),
        route("POST", "/{version}/groups", changing(_create_group, 201)),
        route("PATCH", "/{version}/groups/{group}", changing(_change_group, 204)),
        route("DELETE", "/{version}/groups/{group}", changing(_remove_group, 204)),
    ]
    for names in ("members", "owners"):
        path = f"/{{version}}/groups/{{group}}/{names}"
        made += [
            route("POST", f"{path}/$ref", changing(_adding(names), 204)),
            route("DELETE", f"{path}/{{member}}/$ref", changing(_removing(names), 204)),
        ]
    return made


def _create_user(request: Request, caller: Caller, body: JsonObject) -> JsonObject:
    require(caller, _CHANGE_USERS)
    profile = body.get("passwordProfile")
    needed = ("accountEnabled", "displayName", "mailNickname", "userPrincipalName")
    missing = [name for name in needed if body.get(name) in (None, "")]
    if not isinstance(profile, dict) or not profile.get("password"):
        missing.append("passwordProfile")
    if missing:
        raise _bad(f"A value is required for property '{missing[0]}' of resource 'User'.")
    upn = str(body["userPrincipalName"])
    if upn.partition("@")[2].lower() not in (domain.lower() for domain in caller.tenant.domains):
        raise _bad("The domain portion of the userPrincipalName property is invalid. Use a verified domain.")
    if caller.tenant.user(upn):
        raise _bad("Another object with the same value for property userPrincipalName already exists.")
    user = User(upn, str(body["displayName"]))
    _set(user, body, _USER_FIELDS, "user")
    caller.tenant.users.append(user)
    return entity(request, "users", entity_type("user"), user_view(user))


def _change_user(request: Request, caller: Caller, body: JsonObject) -> None:
    require(caller, _CHANGE_USERS)
    _set(find_user(request, caller), body, _USER_FIELDS, "user")


def _remove_user(request: Request, caller: Caller, _: JsonObject) -> None:
    require(caller, _CHANGE_USERS)
    gone = find_user(request, caller)
    caller.tenant.users[:] = [user for user in caller.tenant.users if user is not gone]


def _create_group(request: Request, caller: Caller, body: JsonObject) -> JsonObject:
    require(caller, _CHANGE_GROUPS)
    for name in ("displayName", "mailEnabled", "mailNickname", "securityEnabled"):
        if body.get(name) in (None, ""):
            raise _bad(f"A value is required for property '{name}' of resource 'Group'.")
    group = Group(str(body["displayName"]), created_on=request.state.world.clock.now())
    values = {name: value for name, value in body.items() if not name.endswith("@odata.bind")}
    _set(group, values, _GROUP_FIELDS, "group")
    if body["mailEnabled"]:
        group.mail = f"{body['mailNickname']}@{caller.tenant.domain}"
    for name, names in (("members@odata.bind", "members"), ("owners@odata.bind", "owners")):
        getattr(group, names).extend(_referred(request, caller, reference) for reference in body.get(name, ()))
    caller.tenant.groups.append(group)
    return entity(request, "groups", entity_type("group"), group_view(group))


def _change_group(request: Request, caller: Caller, body: JsonObject) -> None:
    require(caller, _CHANGE_GROUPS)
    group = find_group(request, caller)
    bound = body.get("members@odata.bind", [])
    _set(group, {name: value for name, value in body.items() if name != "members@odata.bind"}, _GROUP_FIELDS, "group")
    group.members.extend(_referred(request, caller, reference) for reference in bound)


def _remove_group(request: Request, caller: Caller, _: JsonObject) -> None:
    require(caller, _CHANGE_GROUPS)
    gone = find_group(request, caller)
    caller.tenant.groups[:] = [group for group in caller.tenant.groups if group is not gone]


def _adding(names: str):  # type: ignore[no-untyped-def]
    def add(request: Request, caller: Caller, body: JsonObject) -> None:
        require(caller, _CHANGE_MEMBERS)
        present = getattr(find_group(request, caller), names)
        named = _referred(request, caller, body.get("@odata.id"))
        if named in present:
            raise _bad(f"One or more added object references already exist for the property '{names}'.")
        present.append(named)

    return add


def _removing(names: str):  # type: ignore[no-untyped-def]
    def remove(request: Request, caller: Caller, _: JsonObject) -> None:
        require(caller, _CHANGE_MEMBERS)
        present = getattr(find_group(request, caller), names)
        wanted = find_member(request.state.world.state, caller.tenant, request.path_params["member"])
        remaining = [member for member in present if not _same(request, caller, member, wanted)]
        if len(remaining) == len(present):
            raise Refusal(404, "Request_ResourceNotFound", f"The group has no such object among its {names}.")
        present[:] = remaining

    return remove


def _same(request: Request, caller: Caller, name: str, wanted: JsonObject | None) -> bool:
    found = find_member(request.state.world.state, caller.tenant, name)
    return bool(found and wanted and found["id"] == wanted["id"])


def _referred(request: Request, caller: Caller, url: object) -> str:
    """Return the id of the directory object that an `@odata.id` names.

    :raises Refusal: 400, 404.
    """
    match = _REFERENCE.search(str(url))
    state: State = request.state.world.state
    if match is None:
        raise _bad("The @odata.id is not the URL of a directory object.")
    found = find_member(state, caller.tenant, match[1])
    if found is None:
        message = (
            f"Resource '{match[1]}' does not exist or one of its queried reference-property objects are not present."
        )
        raise Refusal(404, "Request_ResourceNotFound", message)
    return str(found["id"])


def _set(item: User | Group, body: JsonObject, fields: Mapping[str, tuple[str, type]], kind: str) -> None:
    """Set the fields, password and other properties that a body contains; none if one of them is invalid.

    :raises Refusal: 400.
    """
    changes: dict[str, Any] = {}
    values: dict[str, Any] = {}
    for name, value in body.items():
        if name.startswith("@odata."):
            continue
        own = entity_type(kind).named(name, "Request_BadRequest")
        if own in _READ_ONLY:
            raise _bad(f"Property '{own}' is read-only and cannot be set.")
        if own == "passwordProfile":
            changes["password"] = _password(value)
        elif own in fields:
            field, wanted = fields[own]
            if not isinstance(value, wanted | type(None)):
                raise _bad(f"Invalid value specified for property '{own}' of resource '{kind.title()}'.")
            changes[field] = wanted() if value is None else value
        else:
            values[own] = value
    for field, value in changes.items():
        setattr(item, field, value)
    item.properties |= values


def _password(value: Any) -> str:
    """Return the new password. The flag to change it at the next sign-in is not stored."""
    if not isinstance(value, dict) or not isinstance(value.get("password"), str):
        raise _bad("Invalid value specified for property 'passwordProfile' of resource 'User'.")
    return str(value["password"])


def _bad(message: str) -> Refusal:
    return Refusal(400, "Request_BadRequest", message)
