"""Whether somebody may have a token: membership of the tenant, consent, Conditional Access."""

import json

from entra_emulator.aadsts import EntraError
from entra_emulator.model import App, Grant, Policy, Tenant, User
from entra_emulator.resources import Resource
from entra_emulator.state import State

from .scopes import DEFAULT, AskedScope

GRAPH_OIDC = ("email", "openid", "profile")


def consents(tenant: Tenant, app: App, resource: Resource) -> list[Grant]:
    """What is granted to an application on a resource in a tenant."""
    return [one for one in tenant.grants if one.app == app.id and one.resource == resource.app_id]


def app_roles(tenant: Tenant, app: App, resource: Resource) -> tuple[str, ...]:
    """Application permissions, in alphabetical order, each once."""
    return tuple(sorted({role for grant in consents(tenant, app, resource) for role in grant.roles}))


def delegated_scopes(tenant: Tenant, app: App, resource: Resource, user: User) -> tuple[str, ...]:
    """Delegated permissions that an administrator or this user consented to."""
    mine = ("", user.id, user.upn)
    found = {scope for grant in consents(tenant, app, resource) if grant.user in mine for scope in grant.scopes}
    return tuple(sorted(found, key=str.lower))


def require_consent(app: App, asked: AskedScope, granted: tuple[str, ...]) -> None:
    """Every permission asked for by name has to be granted; `.default` asks for whatever is, but not for nothing.

    :raises EntraError: 65001.
    """
    have = {scope.lower() for scope in granted}
    missing = [name for name in asked.names if name != DEFAULT and name.lower() not in have]
    if missing or not granted:
        raise EntraError(65001, app=app.id, app_name=app.name)


def roles_in(state: State, user: User, home: Tenant, tenant: Tenant, app: App) -> tuple[str, list[str]]:
    """A user's object id and directory roles in a tenant: as a member, as a guest, or by delegated administration.

    :raises EntraError: 50020 for a user who has no business in the tenant.
    """
    if home.id == tenant.id:
        return user.id, user.roles
    for guest in tenant.users:
        if guest.home and guest.upn.lower() == user.upn.lower() and state.tenant(guest.home) is home:
            return guest.id, guest.roles
    for relation in tenant.relationships:
        named = {name.lower() for name in relation.users}
        if relation.partner == home.id and relation.status == "active" and named & {user.id, user.upn.lower()}:
            return user.id, relation.roles
    issuer = f"https://sts.windows.net/{home.id}/"
    raise EntraError(50020, issuer=issuer, tenant=tenant.name, app=app.id, app_name=app.name)


def enforce_policies(tenant: Tenant, app: App, user: User, resource: Resource, amr: tuple[str, ...]) -> None:
    """Conditional Access of the tenant whose data is accessed, and the user's own multi-factor requirement.

    :raises EntraError: 53003 blocked, 50076 multi-factor authentication needed.
    """
    applying = [one for one in tenant.policies if _applies(one, app, user, resource)]
    if any(one.require == "block" for one in applying):
        raise EntraError(53003)
    if "mfa" in amr:
        return
    if unmet := [one.id for one in applying if one.require == "mfa"]:
        claims = {"access_token": {"capolids": {"essential": True, "values": unmet}}}
        raise EntraError(50076, resource=resource.app_id, claims=json.dumps(claims, separators=(",", ":")))
    if user.mfa_required:
        raise EntraError(50076, resource=resource.app_id)


def _applies(policy: Policy, app: App, user: User, resource: Resource) -> bool:
    if not policy.enabled:
        return False
    pairs = (
        (policy.resources, {resource.app_id}),
        (policy.users, {user.id, user.upn.lower()}),
        (policy.apps, {app.id}),
    )
    return all(not listed or {one.lower() for one in listed} & mine for listed, mine in pairs)
