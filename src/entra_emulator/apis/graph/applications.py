"""Graph: applications and their secrets.

Source: learn.microsoft.com/graph/api/resources/application. The emulator does not store which applications an
application owns: with Application.ReadWrite.OwnedBy, it may change itself.
"""

from datetime import datetime
from typing import TYPE_CHECKING

from starlette.requests import Request

from entra_emulator.apis.bearer import Caller
from entra_emulator.config import new_secret
from entra_emulator.model import App, FederatedCredential, Secret, new_id
from entra_emulator.routing import Route, route

from .application_fields import application_view, password_view, read_fields
from .objects import app_object_id
from .query import collection, entity, entity_type
from .resources import Readable, named
from .wire import JsonObject, Refusal, changing, endpoint, not_found, require, version

if TYPE_CHECKING:
    from entra_emulator.state import State

CHANGE = frozenset({"Application.ReadWrite.All", "Directory.ReadWrite.All"})
READ = frozenset({"Application.Read.All", "Directory.Read.All"}) | CHANGE
_CHANGE_OWN = frozenset({"Application.ReadWrite.OwnedBy"})
_SECRET_LIFE_IN = 2 * 365 * 86_400


def routes() -> list[Route]:
    """Return the routes. The path names an entry by object id, or as applications(appId='…')."""
    changes = [
        ("PATCH", "", _change, 204),
        ("DELETE", "", _remove, 204),
        ("POST", "/addPassword", _add_password, 200),
        ("POST", "/removePassword", _remove_password, 204),
        ("POST", "/federatedIdentityCredentials", _add_federated, 201),
        ("DELETE", "/federatedIdentityCredentials/{credential}", _remove_federated, 204),
    ]
    made = [route("POST", "/{version}/applications", changing(_create, 201))]
    for base in ("/{version}/applications(appId='{app}')", "/{version}/applications/{id}"):
        made += [route(method, base + path, changing(act, status)) for method, path, act, status in changes]
        made += [
            route("GET", f"{base}/federatedIdentityCredentials", endpoint(_list_federated)),
            route("GET", f"{base}/federatedIdentityCredentials/{{credential}}", endpoint(_one_federated)),
            route("GET", f"{base}/owners", endpoint(_no_owners)),
        ]
    made.append(route("GET", "/{version}/applications(appId='{app}')", endpoint(_one_by_app_id)))
    return [*made, *Readable("applications", "application", _registered, READ).routes()]


def _registered(request: Request, caller: Caller) -> list[JsonObject]:
    state: State = request.state.world.state
    return [application_view(state, app) for app in state.apps.values() if app.tenant == caller.tenant.id]


def _one_by_app_id(request: Request, caller: Caller) -> JsonObject:
    require(caller, READ)
    found = named(_registered(request, caller), request.path_params["app"], ("appId",))
    return entity(request, "applications", entity_type("application"), found)


def _create(request: Request, caller: Caller, body: JsonObject) -> JsonObject:
    """Create an application, without a secret and without a service principal, even in its own tenant."""
    require(caller, CHANGE)
    if not body.get("displayName"):
        raise Refusal(
            400, "Request_BadRequest", "A value is required for property 'displayName' of resource 'Application'."
        )
    state: State = request.state.world.state
    app = App(id=new_id(), name="", tenant=caller.tenant.id)
    read_fields(app, body)
    state.apps[app.id] = app
    return entity(request, "applications", entity_type("application"), application_view(state, app))


def _change(request: Request, caller: Caller, body: JsonObject) -> None:
    read_fields(_own(request, caller), body)


def _remove(request: Request, caller: Caller, _: JsonObject) -> None:
    """Delete the application and its service principal in the home tenant; those in other tenants stay."""
    app, state = _own(request, caller), request.state.world.state
    del state.apps[app.id]
    caller.tenant.principals[:] = [principal for principal in caller.tenant.principals if principal.app != app.id]


def _add_password(request: Request, caller: Caller, body: JsonObject) -> JsonObject:
    """Create a secret and return its value, this time only. By default it is valid for two years."""
    app, now = _own(request, caller), request.state.world.clock.now()
    properties = body.get("passwordCredential")
    properties = {} if properties is None else properties
    try:
        ends = properties.get("endDateTime")
        expires_on = datetime.fromisoformat(ends).timestamp() if ends else now + _SECRET_LIFE_IN
        secret = Secret(new_secret(), expires_on, str(properties.get("displayName") or ""), starts_on=now)
    except (ValueError, TypeError, AttributeError):
        raise Refusal(400, "Request_BadRequest", "The passwordCredential cannot be read.") from None
    app.secrets.append(secret)
    context = {"@odata.context": f"{version(request)}/$metadata#microsoft.graph.passwordCredential"}
    return {**context, **password_view(secret), "secretText": secret.value}


def _remove_password(request: Request, caller: Caller, body: JsonObject) -> None:
    app = _own(request, caller)
    remaining = [secret for secret in app.secrets if secret.id != str(body.get("keyId")).lower()]
    if len(remaining) == len(app.secrets):
        # From this text clients recognize that somebody else has removed it.
        raise Refusal(400, "Request_BadRequest", f"No password credential found with keyId {body.get('keyId')}.")
    app.secrets[:] = remaining


def _own(request: Request, caller: Caller, *, reading: bool = False) -> App:
    """Return this tenant's application in the path, if the caller may change it or, with `reading`, read it.

    :raises Refusal: 403, 404.
    """
    needs = READ if reading else CHANGE
    app_id, wanted = (request.path_params.get(name, "").lower() for name in ("app", "id"))
    state: State = request.state.world.state
    for app in state.apps.values():
        if app.tenant == caller.tenant.id and (app.id == app_id or app_object_id(app) == wanted):
            require(caller, needs | _CHANGE_OWN if caller.app_only and caller.app_id == app.id else needs)
            return app
    require(caller, needs)
    raise not_found(app_id or wanted)


def _no_owners(request: Request, caller: Caller) -> JsonObject:
    """Return an empty list: the emulator does not store an application's owners."""
    require(caller, READ)
    return collection(request, "applications/owners", entity_type("directoryObject"), [])


def _list_federated(request: Request, caller: Caller) -> JsonObject:
    app = _own(request, caller, reading=True)
    path = f"applications('{app_object_id(app)}')/federatedIdentityCredentials"
    return collection(request, path, entity_type("federatedIdentityCredential"), _federated(app))


def _one_federated(request: Request, caller: Caller) -> JsonObject:
    app = _own(request, caller, reading=True)
    path = f"applications('{app_object_id(app)}')/federatedIdentityCredentials"
    found = named(_federated(app), request.path_params["credential"], ("id", "name"))
    return entity(request, path, entity_type("federatedIdentityCredential"), found)


def _federated(app: App) -> list[JsonObject]:
    return [
        {
            "id": credential.id,
            "name": credential.name,
            "issuer": credential.issuer,
            "subject": credential.subject,
            "description": credential.description or None,
            "audiences": credential.audiences,
        }
        for credential in app.federated
    ]


def _add_federated(request: Request, caller: Caller, body: JsonObject) -> JsonObject:
    """Create a federated credential. The pair of issuer and subject must be unique.

    Source: learn.microsoft.com/graph/api/application-post-federatedidentitycredentials.
    """
    app = _own(request, caller)
    for name in ("name", "issuer", "subject"):
        if not isinstance(body.get(name), str) or not body[name]:
            raise Refusal(400, "Request_BadRequest", f"A value is required for property '{name}'.")
    audiences = body.get("audiences")
    if not isinstance(audiences, list) or len(audiences) != 1:
        raise Refusal(400, "Request_BadRequest", "A federated credential has exactly one audience.")
    for credential in app.federated:
        if credential.name == body["name"] or (credential.issuer, credential.subject) == (
            body["issuer"],
            body["subject"],
        ):
            message = "A federated credential with this name, or with this issuer and subject, exists already."
            raise Refusal(409, "Request_MultipleObjectsWithSameKeyValue", message)
    made = FederatedCredential(
        body["issuer"],
        body["subject"],
        [str(audiences[0])],
        body["name"],
        description=str(body.get("description") or ""),
    )
    app.federated.append(made)
    path = f"applications('{app_object_id(app)}')/federatedIdentityCredentials"
    return entity(request, path, entity_type("federatedIdentityCredential"), _federated(app)[-1])


def _remove_federated(request: Request, caller: Caller, _: JsonObject) -> None:
    app = _own(request, caller)
    wanted = request.path_params["credential"].lower()
    remaining = [
        credential for credential in app.federated if wanted not in (credential.id.lower(), credential.name.lower())
    ]
    if len(remaining) == len(app.federated):
        raise not_found(wanted)
    app.federated[:] = remaining
