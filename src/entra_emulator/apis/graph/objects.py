"""Directory objects in Graph's form: users, groups, service principals, applications, directory roles.

A value that the emulator's model does not have is in `properties` of the user, group or application: Graph stores and
returns it, and it has no effect.
"""

import uuid
from datetime import UTC, datetime

from entra_emulator.applications import App
from entra_emulator.model import Group, ServicePrincipal, Tenant, User
from entra_emulator.state import State
from entra_emulator.tokens.directory_roles import role_ids, role_name

from .principals import first_party_principals, principal_view
from .wire import JsonObject

_TYPES = "#microsoft.graph."


def moment(seconds: float | None) -> str | None:
    """Return a time in Graph's form, `2026-01-31T12:00:00Z`, from epoch seconds."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def user_view(user: User) -> JsonObject:
    """Return all known properties of a user."""
    known: JsonObject = {
        "id": user.id,
        "accountEnabled": user.enabled,
        "creationType": "Invitation" if user.home else None,
        "displayName": user.name,
        "externalUserState": ("PendingAcceptance" if user.pending else "Accepted") if user.home else None,
        "givenName": user.given_name or None,
        "mail": user.mail or None,
        "mailNickname": user.upn.partition("@")[0],
        "signInSessionsValidFromDateTime": moment(user.tokens_valid_from or None),
        "surname": user.family_name or None,
        "userPrincipalName": user.upn,
        "userType": "Guest" if user.home else "Member",
    }
    return {**user.properties, **known}


def group_view(group: Group) -> JsonObject:
    """Return all known properties of a group."""
    known: JsonObject = {
        "id": group.id,
        "createdDateTime": moment(group.created_on or None),
        "description": group.description or None,
        "displayName": group.name,
        "groupTypes": group.types,
        "isAssignableToRole": group.role_assignable or None,
        "mail": group.mail or None,
        "mailEnabled": bool(group.mail),
        "mailNickname": group.mail.partition("@")[0] or group.id[:8],
        "onPremisesSamAccountName": group.on_premises_name or None,
        "onPremisesSyncEnabled": bool(group.on_premises_name) or None,
        "proxyAddresses": [f"SMTP:{group.mail}"] if group.mail else [],
        "securityEnabled": group.security,
    }
    return {**group.properties, **known}


def role_view(tenant: Tenant, template: str) -> JsonObject:
    """Return a directory role that somebody in the tenant has."""
    name = role_name(template) or template
    return {
        "id": str(uuid.uuid5(uuid.UUID(tenant.id), template)),
        "displayName": name,
        "description": name,
        "roleTemplateId": template,
    }


def typed(kind: str, item: JsonObject) -> JsonObject:
    """Return the item with its type, for a list of directory objects of several types."""
    return {"@odata.type": f"{_TYPES}{kind}", **item}


def active_roles(tenant: Tenant) -> list[str]:
    """Return the template ids of the directory roles that somebody in the tenant has, each once."""
    holders = [*(member.roles for member in tenant.users), *(member.roles for member in tenant.groups)]
    return sorted({role for roles in holders for role in role_ids(roles)})


def find_member(state: State, tenant: Tenant, name: str) -> JsonObject | None:
    """Return the directory object with this id (or UPN, name, application id), with its type."""
    if user := tenant.user(name):
        return typed("user", user_view(user))
    if group := tenant.group(name):
        return typed("group", group_view(group))
    principal = find_principal(tenant, name)
    return typed("servicePrincipal", principal_view(state, principal)) if principal else None


def find_principal(tenant: Tenant, name: str) -> ServicePrincipal | None:
    """Return a service principal by object id or application id."""
    wanted = name.lower()
    principals = [*tenant.principals, *first_party_principals(tenant)]
    return next(
        (principal for principal in principals if wanted in (principal.id.lower(), principal.app.lower())), None
    )


def members(state: State, tenant: Tenant, names: list[str]) -> list[JsonObject]:
    """Return the directory objects with these names; unknown names are left out."""
    return [found for name in names if (found := find_member(state, tenant, name))]


def memberships(tenant: Tenant, *, of: tuple[str, ...], roles: list[str], direct: bool) -> list[JsonObject]:
    """Return the groups and directory roles of a member, with their types."""
    groups = tenant.groups_of(*of)
    if direct:
        wanted = {name.lower() for name in of}
        groups = [group for group in groups if wanted & {name.lower() for name in group.members}]
    assigned = {*role_ids(roles), *(role for group in groups for role in role_ids(group.roles))}
    found = [typed("group", group_view(group)) for group in groups]
    return found + [typed("directoryRole", role_view(tenant, role)) for role in sorted(assigned)]


def app_object_id(app: App) -> str:
    """Return the object id of an application, which is not its application id."""
    return str(uuid.uuid5(uuid.UUID(app.id), "application"))
