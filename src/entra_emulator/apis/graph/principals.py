"""Graph: service principals, including those of Microsoft's own APIs, which every tenant has.

Source: learn.microsoft.com/graph/api/resources/serviceprincipal, .../approleassignment, .../oauth2permissiongrant.
"""

import uuid

from entra_emulator.model import AppRole, ServicePrincipal, Tenant
from entra_emulator.permissions import permission_id, permissions
from entra_emulator.resources import Resource, find_first_party, first_party
from entra_emulator.state import State

from .wire import JsonObject

MICROSOFT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
"""The tenant that owns Microsoft's own applications (learn.microsoft.com/troubleshoot/entra, "Verify first-party
Microsoft applications in sign-in reports")."""
DEFAULT_ROLE = "00000000-0000-0000-0000-000000000000"


def first_party_principals(tenant: Tenant) -> list[ServicePrincipal]:
    """Return the service principals of Microsoft's APIs in a tenant, except those that it lacks."""
    return [
        ServicePrincipal(app.app_id, str(uuid.uuid5(uuid.UUID(tenant.id), app.app_id)))
        for app in first_party()
        if app.app_id not in tenant.without
    ]


def principal_view(state: State, principal: ServicePrincipal) -> JsonObject:
    """Return all known properties of a service principal."""
    app, api = state.apps.get(principal.app), find_first_party(principal.app, None)
    name = app.name if app else api.name if api else principal.app
    return {
        "id": principal.id,
        "accountEnabled": principal.enabled,
        "appDisplayName": name,
        "appId": principal.app,
        "appOwnerOrganizationId": app.tenant if app else MICROSOFT if api else None,
        "appRoleAssignmentRequired": principal.assignment_required,
        "appRoles": [_role(state, principal.app, name) for name in permissions(state, principal.app, "roles")],
        "displayName": name,
        "oauth2PermissionScopes": [
            scope_view(principal.app, name) for name in permissions(state, principal.app, "scopes")
        ],
        "replyUrls": [*app.redirect_uris, *app.spa_redirect_uris] if app else [],
        "servicePrincipalNames": [principal.app, *(app.identifier_uris if app else _identifiers(api))],
        "servicePrincipalType": "Application",
        "signInAudience": "AzureADMyOrg" if app and app.audience == "single" else "AzureADMultipleOrgs",
    }


def scope_view(resource: str, name: str) -> JsonObject:
    """Return a delegated permission, as an API's application and service principal list it."""
    return {
        "adminConsentDescription": name,
        "adminConsentDisplayName": name,
        "id": permission_id(resource, "scopes", name),
        "isEnabled": True,
        "type": "User",
        "userConsentDescription": name,
        "userConsentDisplayName": name,
        "value": name,
    }


def _role(state: State, resource: str, name: str) -> JsonObject:
    app = state.apps.get(resource)
    declared = next((app_role for app_role in app.app_roles if app_role.value == name), None) if app else None
    role = declared or AppRole(name, name, name, id=permission_id(resource, "roles", name))
    return {**role_fields(role), "origin": "Application"}


def role_fields(role: AppRole) -> JsonObject:
    """Return a role in the form of the application that declares it."""
    return {
        "allowedMemberTypes": role.members,
        "description": role.description,
        "displayName": role.name,
        "id": role.id,
        "isEnabled": role.enabled,
        "value": role.value,
    }


def _identifiers(api: Resource | None) -> list[str]:
    return [uri for uris in api.identifiers.values() for uri in uris if "*" not in uri] if api else []
