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


def groups_of(principal: Principal) -> list[Group]:
    """Return the user's groups in the tenant, nested ones included."""
    return (
        principal.tenant.groups_of(principal.object_id, principal.user.id, principal.user.upn) if principal.user else []
    )


def user_roles(principal: Principal, resource: str) -> tuple[str, ...]:
    """Return the roles of an API or application that are assigned to the user, or to a group of the user."""
    if principal.user is None:
        return ()
    assigned = [grant for grant in principal.tenant.grants if grant.resource == resource and grant.user and grant.roles]
    if not assigned:
        return ()
    names = {principal.object_id.lower(), principal.user.id.lower(), principal.user.upn.lower()}
    if not all(grant.user.lower() in names for grant in assigned):
        names |= {name.lower() for group in groups_of(principal) for name in (group.id, group.name)}
    return tuple(sorted({role for grant in assigned if grant.user.lower() in names for role in grant.roles}))


def membership_claims(principal: Principal, app: str, setting: str, wanted: Wanted, most: int) -> dict[str, Any]:
    """Return `groups`, or its replacement if there are too many; `roles` if groups are emitted as roles.

    :param app: the application that the token is for.
    :param setting: its groupMembershipClaims: SecurityGroup, DirectoryRole, ApplicationGroup, All or empty.
    :param most: how many groups fit.
    """
    if not setting or principal.user is None or setting == "DirectoryRole":
        return {}
    chosen = [group for group in groups_of(principal) if _counts(group, principal, app, setting)]
    if not chosen:
        return {}
    if len(chosen) > most:
        return _overage(principal, most)
    name = "roles" if wanted.has("groups", "emit_as_roles") else "groups"
    return {name: [_written(group, principal, wanted, setting) for group in chosen]}


def with_directory_roles(setting: str) -> bool:
    """Return whether the setting includes the directory roles of the user (`wids`)."""
    return setting in _WITH_DIRECTORY_ROLES


def _counts(group: Group, principal: Principal, app: str, setting: str) -> bool:
    if setting == "All":
        return True
    if setting == "SecurityGroup":
        return group.security
    service_principal = principal.tenant.principal(app)
    assigned = {name.lower() for name in service_principal.assigned} if service_principal else set()
    assigned |= {grant.user.lower() for grant in principal.tenant.grants if grant.resource == app and grant.roles}
    return bool(assigned & {group.id.lower(), group.name.lower()})


def _written(group: Group, principal: Principal, wanted: Wanted, setting: str) -> str:
    if group.on_premises_name and wanted.has("groups", "sam_account_name"):
        return group.on_premises_name
    if group.on_premises_name and wanted.has("groups", "dns_domain_and_sam_account_name"):
        return f"{principal.tenant.domain}\\{group.on_premises_name}"
    if setting == "ApplicationGroup" and not group.on_premises_name and wanted.has("groups", "cloud_displayname"):
        return group.name
    return group.id


def _overage(principal: Principal, most: int) -> dict[str, Any]:
    """Return the claims for too many groups: a flag in the implicit flow, else a URL (OpenID Connect Core 5.6.2).

    The URL is Azure AD Graph's, as in the real tokens.
    """
    if most == IMPLICIT_LIMIT:
        return {"hasgroups": True}
    endpoint = f"https://graph.windows.net/{principal.tenant.id}/users/{principal.object_id}/getMemberObjects"
    return {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": endpoint}}}
