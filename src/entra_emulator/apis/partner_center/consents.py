"""Partner Center: consent for an application on behalf of a customer.

Source: learn.microsoft.com/partner-center/developer/control-panel-vendor-apis.
"""

from typing import Any

from starlette.requests import Request

from entra_emulator.apis.bearer import Caller
from entra_emulator.model import App, Grant, ServicePrincipal, Tenant
from entra_emulator.resources import find_first_party
from entra_emulator.routing import Route, route
from entra_emulator.state import State

from .wire import Refusal, StatusAndBody, endpoint, json_object, listed, own_customer

_PATH = "/v1/customers/{customer}/applicationconsents"


def routes() -> list[Route]:
    """Return the routes."""
    return [
        route("GET", _PATH, endpoint(_list_consents)),
        route("POST", _PATH, endpoint(_add_consent)),
        route("DELETE", _PATH + "/{app}", endpoint(_remove_consent)),
    ]


def _list_consents(request: Request, caller: Caller, _: bytes) -> StatusAndBody:
    tenant = own_customer(request, caller)
    return 200, listed(_consent(tenant, principal.app) for principal in tenant.principals)


def _add_consent(request: Request, caller: Caller, raw: bytes) -> StatusAndBody:
    """Add consent for an application on behalf of a customer, and the application's service principal there."""
    tenant = own_customer(request, caller)
    app, wanted = _read_consent(request.state.world.state, raw)
    if any(grant.app == app.id and grant.resource in wanted for grant in tenant.grants):
        raise Refusal(409, 1001, "Permission entry already exists.")
    if not tenant.principal(app.id):
        tenant.principals.append(ServicePrincipal(app=app.id))
    tenant.grants.extend(Grant(app=app.id, resource=resource, scopes=scopes) for resource, scopes in wanted.items())
    return 201, _consent(tenant, app.id)


def _read_consent(state: State, raw: bytes) -> tuple[App, dict[str, list[str]]]:
    """Return the application in a consent's body and the scopes by resource."""
    try:
        named = {key.lower(): value for key, value in json_object(raw).items()}
        app = state.apps.get(str(named["applicationid"]).lower())
        grants = [{key.lower(): value for key, value in grant.items()} for grant in named["applicationgrants"]]
        wanted = {
            str(grant["enterpriseapplicationid"]).lower(): [part.strip() for part in str(grant["scope"]).split(",")]
            for grant in grants
        }
    except (ValueError, KeyError, AttributeError, TypeError):
        raise Refusal(
            400,
            2002,
            "The body must be JSON with ApplicationId and ApplicationGrants (EnterpriseApplicationId, Scope).",
        ) from None
    if app is None or app.audience != "multiple":
        raise Refusal(400, 2002, f"'{named['applicationid']}' is no application that other tenants may use.")
    for resource in wanted:
        if not find_first_party(resource, None) and resource not in state.apps:
            raise Refusal(400, 2002, f"'{resource}' is no enterprise application.")
    return app, wanted


def _remove_consent(request: Request, caller: Caller, _: bytes) -> StatusAndBody:
    tenant = own_customer(request, caller)
    app_id = request.path_params["app"].lower()
    if not tenant.principal(app_id):
        raise Refusal(404, 2000, f"No consent for application '{app_id}' in this customer.")
    tenant.principals = [principal for principal in tenant.principals if principal.app != app_id]
    tenant.grants = [grant for grant in tenant.grants if grant.app != app_id]
    return 204, None


def _consent(tenant: Tenant, app_id: str) -> dict[str, Any]:
    grants = [
        {"enterpriseApplicationId": grant.resource, "scope": ",".join(grant.scopes)}
        for grant in tenant.grants
        if grant.app == app_id and grant.scopes
    ]
    return {"applicationId": app_id, "applicationGrants": grants}
