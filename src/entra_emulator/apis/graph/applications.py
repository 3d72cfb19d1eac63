"""Graph: applications and service principals."""

import uuid
from typing import TYPE_CHECKING

from starlette.requests import Request

from entra_emulator.apis.bearer import Caller
from entra_emulator.clock import timestamp
from entra_emulator.model import App, ServicePrincipal
from entra_emulator.routing import Route, route

from .wire import Answer, collection, endpoint, entity, not_found, require

if TYPE_CHECKING:
    from entra_emulator.state import State

_READ = frozenset(
    {"Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}
)
_AUDIENCES = {
    "single": "AzureADMyOrg",
    "multiple": "AzureADMultipleOrgs",
    "all": "AzureADandPersonalMicrosoftAccount",
    "personal": "PersonalMicrosoftAccount",
}


def routes() -> list[Route]:
    """Its routes. An entry goes by object id, or as applications(appId='…')."""
    made: list[Route] = []
    for path, listed, one in (
        ("applications", _applications, _application),
        ("servicePrincipals", _principals, _principal),
    ):
        made += [
            route("GET", f"/{{version}}/{path}", endpoint(listed)),
            route("GET", f"/{{version}}/{path}(appId='{{app}}')", endpoint(one)),
            route("GET", f"/{{version}}/{path}/{{id}}", endpoint(one)),
        ]
    return made


def _applications(request: Request, caller: Caller) -> Answer:
    require(caller, _READ)
    return collection(request, "applications", _registered(request, caller))


def _application(request: Request, caller: Caller) -> Answer:
    require(caller, _READ)
    return entity(request, "applications", _named(request, _registered(request, caller)))


def _principals(request: Request, caller: Caller) -> Answer:
    require(caller, _READ)
    return collection(request, "servicePrincipals", _installed(request, caller))


def _principal(request: Request, caller: Caller) -> Answer:
    require(caller, _READ)
    return entity(request, "servicePrincipals", _named(request, _installed(request, caller)))


def _registered(request: Request, caller: Caller) -> list[Answer]:
    state: State = request.state.world.state
    return [_app(one, caller) for one in state.apps.values() if one.tenant == caller.tenant.id]


def _installed(request: Request, caller: Caller) -> list[Answer]:
    state: State = request.state.world.state
    return [_service_principal(one, state.apps.get(one.app)) for one in caller.tenant.principals]


def _named(request: Request, items: list[Answer]) -> Answer:
    app, wanted = request.path_params.get("app", ""), request.path_params.get("id", "")
    for item in items:
        if app.lower() == item["appId"] or wanted.lower() == item["id"]:
            return item
    raise not_found(app or wanted)


def _app(app: App, caller: Caller) -> Answer:
    """Secrets are listed without their values, which Graph tells only once."""
    return {
        "id": str(uuid.uuid5(uuid.UUID(app.id), "application")),  # the object id, which is not the application id
        "appId": app.id,
        "displayName": app.name,
        "identifierUris": app.identifier_uris,
        "publisherDomain": caller.tenant.domain,
        "signInAudience": _AUDIENCES[app.audience],
        "isFallbackPublicClient": app.public,
        "passwordCredentials": [
            {
                "displayName": secret.name or None,
                "endDateTime": _moment(secret.expires_on),
                "hint": secret.value[:3],
                "keyId": str(uuid.uuid5(uuid.UUID(app.id), f"secret {index}")),
                "secretText": None,
            }
            for index, secret in enumerate(app.secrets)
        ],
        "web": {"redirectUris": app.redirect_uris},
        "spa": {"redirectUris": app.spa_redirect_uris},
    }


def _service_principal(principal: ServicePrincipal, app: App | None) -> Answer:
    return {
        "id": principal.id,
        "accountEnabled": principal.enabled,
        "appDisplayName": app.name if app else principal.app,
        "appId": principal.app,
        "appOwnerOrganizationId": app.tenant if app else None,
        "appRoleAssignmentRequired": principal.assignment_required,
        "displayName": app.name if app else principal.app,
        "servicePrincipalType": "Application",
    }


def _moment(moment: float | None) -> str | None:
    return None if moment is None else timestamp(moment).replace(" ", "T")
