"""Roles and groups of a user in a token.

Sources: learn.microsoft.com/entra/identity-platform/access-token-claims-reference (`roles`, `groups`, `hasgroups`,
"Groups overage claim") and .../optional-claims, "Configure groups optional claims".
"""

from typing import Any

from entra_emulator.groups import Group

from .optional_claims import Wanted
from .principals import Principal

JWT_LIMIT, IMPLICIT_LIMIT = 200, 5
_WITH_DIRECTORY_ROLES = ("All", "DirectoryRole")


def groups_of(who: Principal) -> list[Group]:
    """The user's groups in the tenant, nested ones included."""
    return who.tenant.groups_of(who.object_id, who.user.id, who.user.upn) if who.user else []


def user_roles(who: Principal, resource: str) -> tuple[str, ...]:
    """The roles of an API or application that are assigned to the user, or to a group of the user."""
    if who.user is None:
        return ()
    assigned = [one for one in who.tenant.grants if one.resource == resource and one.user and one.roles]
    if not assigned:
        return ()
    names = {who.object_id.lower(), who.user.id.lower(), who.user.upn.lower()}
    if not all(one.user.lower() in names for one in assigned):
        names |= {name.lower() for group in groups_of(who) for name in (group.id, group.name)}
    return tuple(sorted({role for one in assigned if one.user.lower() in names for role in one.roles}))


def membership_claims(who: Principal, app: str, setting: str, wanted: Wanted, most: int) -> dict[str, Any]:
    """`groups`, or what stands for too many of them; `roles` where groups are emitted as roles.

    :param app: the application that the token is for.
    :param setting: its groupMembershipClaims: SecurityGroup, DirectoryRole, ApplicationGroup, All or empty.
    :param most: how many groups fit.
    """
    if not setting or who.user is None or setting == "DirectoryRole":
        return {}
    chosen = [one for one in groups_of(who) if _counts(one, who, app, setting)]
    if not chosen:
        return {}
    if len(chosen) > most:
        return _overage(who, most)
    name = "roles" if wanted.has("groups", "emit_as_roles") else "groups"
    return {name: [_written(one, who, wanted, setting) for one in chosen]}


def with_directory_roles(setting: str) -> bool:
    """Whether the setting includes the directory roles of the user (`wids`)."""
    return setting in _WITH_DIRECTORY_ROLES


def _counts(group: Group, who: Principal, app: str, setting: str) -> bool:
    if setting == "All":
        return True
    if setting == "SecurityGroup":
        return group.security
    principal = who.tenant.principal(app)
    assigned = {name.lower() for name in principal.assigned} if principal else set()
    assigned |= {one.user.lower() for one in who.tenant.grants if one.resource == app and one.roles}
    return bool(assigned & {group.id.lower(), group.name.lower()})


def _written(group: Group, who: Principal, wanted: Wanted, setting: str) -> str:
    if group.on_premises_name and wanted.has("groups", "sam_account_name"):
        return group.on_premises_name
    if group.on_premises_name and wanted.has("groups", "dns_domain_and_sam_account_name"):
        return f"{who.tenant.domain}\\{group.on_premises_name}"
    if setting == "ApplicationGroup" and not group.on_premises_name and wanted.has("groups", "cloud_displayname"):
        return group.name
    return group.id


def _overage(who: Principal, most: int) -> dict[str, Any]:
    """More groups than fit: a flag in the implicit flow, elsewhere where to look them up (OpenID Connect Core 5.6.2).

    The address is Azure AD Graph's, as in the real tokens.
    """
    if most == IMPLICIT_LIMIT:
        return {"hasgroups": True}
    endpoint = f"https://graph.windows.net/{who.tenant.id}/users/{who.object_id}/getMemberObjects"
    return {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": endpoint}}}
