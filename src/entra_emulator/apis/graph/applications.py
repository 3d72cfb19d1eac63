"""Graph: applications, their secrets, and service principals.

Source: learn.microsoft.com/graph/api/resources/application and .../serviceprincipal. Which applications an application
owns is not kept: with Application.ReadWrite.OwnedBy it may change itself.
"""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from starlette.requests import Request

from entra_emulator.apis.bearer import Caller
from entra_emulator.clock import timestamp
from entra_emulator.config import new_secret
from entra_emulator.model import App, Secret, ServicePrincipal, new_id
from entra_emulator.routing import Route, route

from .query import collection, count, entity
from .wire import Answer, Refusal, changing, endpoint, not_found, require, version

if TYPE_CHECKING:
    from entra_emulator.state import State

_CHANGE = frozenset({"Application.ReadWrite.All", "Directory.ReadWrite.All"})
_CHANGE_OWN = frozenset({"Application.ReadWrite.OwnedBy"})
_READ = frozenset({"Application.Read.All", "Directory.Read.All"}) | _CHANGE
_AUDIENCES = {
    "single": "AzureADMyOrg",
    "multiple": "AzureADMultipleOrgs",
    "all": "AzureADandPersonalMicrosoftAccount",
    "personal": "PersonalMicrosoftAccount",
}
_SECRET_LIFE_IN = 2 * 365 * 86_400


def routes() -> list[Route]:
    """Its routes. An entry goes by object id, or as applications(appId='…')."""
    changes = [
        ("PATCH", "", _change, 204),
        ("DELETE", "", _remove, 204),
        ("POST", "/addPassword", _add_password, 200),
        ("POST", "/removePassword", _remove_password, 204),
    ]
    made = [
        *_reading("applications", _registered),
        *_reading("servicePrincipals", _installed),
        route("POST", "/{version}/applications", changing(_create, 201)),
        route("POST", "/{version}/servicePrincipals", changing(_install, 201)),
    ]
    for one in ("/{version}/applications(appId='{app}')", "/{version}/applications/{id}"):
        made += [route(method, one + path, changing(act, status)) for method, path, act, status in changes]
    return made


def _reading(path: str, items: Callable[["State", Caller], list[Answer]]) -> list[Route]:
    """The routes that list a collection, count it, and give one of its entries."""

    def read(request: Request, caller: Caller) -> list[Answer]:
        require(caller, _READ)
        return items(request.state.world.state, caller)

    def one(request: Request, caller: Caller) -> Answer:
        app, wanted = (request.path_params.get(name, "").lower() for name in ("app", "id"))
        for item in read(request, caller):
            if app == item["appId"] or wanted == item["id"]:
                return entity(request, path, item)
        raise not_found(app or wanted)

    base = f"/{{version}}/{path}"
    return [
        route("GET", base, endpoint(lambda request, caller: collection(request, path, read(request, caller)))),
        route("GET", f"{base}/$count", endpoint(lambda request, caller: count(request, read(request, caller)))),
        route("GET", f"{base}(appId='{{app}}')", endpoint(one)),
        route("GET", f"{base}/{{id}}", endpoint(one)),
    ]


def _registered(state: "State", caller: Caller) -> list[Answer]:
    return [_app(one, caller) for one in state.apps.values() if one.tenant == caller.tenant.id]


def _installed(state: "State", caller: Caller) -> list[Answer]:
    return [_service_principal(one, state.apps.get(one.app)) for one in caller.tenant.principals]


def _create(request: Request, caller: Caller, body: Answer) -> Answer:
    """A new application. It has no secret and no service principal yet, in its own tenant neither."""
    require(caller, _CHANGE)
    if not body.get("displayName"):
        raise Refusal(400, "Request_BadRequest", "A value is required for property 'displayName' of an application.")
    app = App(id=new_id(), tenant=caller.tenant.id, **_fields(body))
    state: State = request.state.world.state
    state.apps[app.id] = app
    return entity(request, "applications", _app(app, caller))


def _change(request: Request, caller: Caller, body: Answer) -> None:
    app = _own(request, caller)
    for name, value in _fields(body).items():
        setattr(app, name, value)


def _remove(request: Request, caller: Caller, _: Answer) -> None:
    """It goes, and with it its service principal at home; those in other tenants stay."""
    app, state = _own(request, caller), request.state.world.state
    del state.apps[app.id]
    caller.tenant.principals[:] = [one for one in caller.tenant.principals if one.app != app.id]


def _add_password(request: Request, caller: Caller, body: Answer) -> Answer:
    """A new secret, told this once. It lives for two years unless the request says otherwise."""
    app, now = _own(request, caller), request.state.world.clock.now()
    asked = body.get("passwordCredential")
    asked = {} if asked is None else asked
    try:
        ends = asked.get("endDateTime")
        expires_on = datetime.fromisoformat(ends).timestamp() if ends else now + _SECRET_LIFE_IN
        secret = Secret(new_secret(), expires_on, str(asked.get("displayName") or ""), starts_on=now)
    except (ValueError, TypeError, AttributeError):
        raise Refusal(400, "Request_BadRequest", "The passwordCredential cannot be read.") from None
    app.secrets.append(secret)
    context = {"@odata.context": f"{version(request)}/$metadata#microsoft.graph.passwordCredential"}
    return {**context, **_password(secret), "secretText": secret.value}


def _remove_password(request: Request, caller: Caller, body: Answer) -> None:
    app = _own(request, caller)
    kept = [one for one in app.secrets if one.id != str(body.get("keyId")).lower()]
    if len(kept) == len(app.secrets):
        # Clients know by these words that somebody else has removed it.
        raise Refusal(400, "Request_BadRequest", f"No password credential found with keyId {body.get('keyId')}.")
    app.secrets[:] = kept


def _install(request: Request, caller: Caller, body: Answer) -> Answer:
    """The service principal of an application of this tenant, or of one that other tenants may use."""
    require(caller, _CHANGE)
    state: State = request.state.world.state
    app = state.apps.get(str(body.get("appId")).lower())
    if app is None or (app.tenant != caller.tenant.id and app.audience == "single"):
        raise Refusal(400, "Request_BadRequest", f"There is no application '{body.get('appId')}' to stand for.")
    if caller.tenant.principal(app.id):
        message = f"The service principal of '{app.id}' is there already."
        raise Refusal(409, "Request_MultipleObjectsWithSameKeyValue", message)
    made = ServicePrincipal(app=app.id)
    caller.tenant.principals.append(made)
    return entity(request, "servicePrincipals", _service_principal(made, app))


def _own(request: Request, caller: Caller) -> App:
    """The application of this tenant that the path names, for a caller who may change it.

    :raises Refusal: 403, 404.
    """
    app_id, wanted = (request.path_params.get(name, "").lower() for name in ("app", "id"))
    state: State = request.state.world.state
    for app in state.apps.values():
        if app.tenant == caller.tenant.id and (app.id == app_id or _object_id(app) == wanted):
            require(caller, _CHANGE | _CHANGE_OWN if caller.app_only and caller.app_id == app.id else _CHANGE)
            return app
    require(caller, _CHANGE)
    raise not_found(app_id or wanted)


def _fields(body: Answer) -> Answer:
    """The fields of an application that a body sets.

    :raises Refusal: 400 for a value of another kind.
    """
    fields: Answer = {}
    try:
        if "displayName" in body:
            fields["name"] = str(body["displayName"])
        if "signInAudience" in body:
            fields["audience"] = {shown: audience for audience, shown in _AUDIENCES.items()}[body["signInAudience"]]
        if "isFallbackPublicClient" in body:
            fields["public"] = bool(body["isFallbackPublicClient"])
        if "identifierUris" in body:
            fields["identifier_uris"] = [str(uri) for uri in body["identifierUris"]]
        for member, field in (("web", "redirect_uris"), ("spa", "spa_redirect_uris")):
            if member in body:
                fields[field] = [str(uri) for uri in body[member].get("redirectUris", [])]
    except (LookupError, TypeError, AttributeError):
        raise Refusal(400, "Request_BadRequest", "A property has a value that an application cannot have.") from None
    return fields


def _object_id(app: App) -> str:
    """The object id, which is not the application id."""
    return str(uuid.uuid5(uuid.UUID(app.id), "application"))


def _app(app: App, caller: Caller) -> Answer:
    return {
        "id": _object_id(app),
        "appId": app.id,
        "displayName": app.name,
        "identifierUris": app.identifier_uris,
        "publisherDomain": caller.tenant.domain,
        "signInAudience": _AUDIENCES[app.audience],
        "isFallbackPublicClient": app.public,
        "passwordCredentials": [_password(secret) for secret in app.secrets],
        "web": {"redirectUris": app.redirect_uris},
        "spa": {"redirectUris": app.spa_redirect_uris},
    }


def _password(secret: Secret) -> Answer:
    """A secret as Graph lists it: without its value, which it tells only once."""
    return {
        "customKeyIdentifier": None,
        "displayName": secret.name or None,
        "endDateTime": _moment(secret.expires_on),
        "hint": secret.value[:3],
        "keyId": secret.id,
        "secretText": None,
        "startDateTime": _moment(secret.starts_on),
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
