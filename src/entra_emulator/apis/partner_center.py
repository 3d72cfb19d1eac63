"""Partner Center: customers, consent on their behalf, and the check for multi-factor authentication.

Source: learn.microsoft.com/partner-center/developer (customers, control-panel-vendor-apis, and "Mandating multi-factor
authentication": tokens without `mfa` in `amr` get 401 with code 900421; the request header ValidateMfa: true asks
whether a token would pass, and isMfaCompliant in the answer tells).
"""

import json
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.model import App, Grant, ServicePrincipal, Tenant, new_id
from entra_emulator.resources import PARTNER_CENTER, find_first_party
from entra_emulator.routing import Handler, Route, route
from entra_emulator.state import State, as_guid
from entra_emulator.web import json_response, read_body

from .bearer import BadToken, Caller, check

_MFA_REQUIRED = 900421
_PAGE = 500
Answer = tuple[int, dict[str, Any] | None]


class Refusal(Exception):
    """An error answer of Partner Center; `code` is a number of its own."""

    def __init__(self, status: int, code: int, description: str) -> None:
        super().__init__(description)
        self.status, self.code, self.description = status, code, description


def _endpoint(answer: Callable[[Request, Caller, bytes], Answer]) -> Handler:
    async def handle(request: Request) -> Response:
        world = request.state.world
        request_id = as_guid(request.headers.get("ms-requestid", "").lower()) or new_id()
        headers = [
            ("MS-RequestId", request_id),
            ("MS-CorrelationId", as_guid(request.headers.get("ms-correlationid", "").lower()) or new_id()),
        ]
        try:
            caller = _caller(request)
            headers += _check_mfa(request, caller)
            status, body = answer(request, caller, await read_body(request))
            return json_response(world, body, status, headers)
        except Refusal as problem:
            error = {"code": problem.code, "description": problem.description, "data": [], "source": "Emulator"}
            if problem.status == 401:
                challenge = f'Bearer authorization_uri="{request.state.site.authority}/common/oauth2/authorize"'
                headers.append(("WWW-Authenticate", challenge))
            return json_response(world, error, problem.status, headers)

    return handle


def _caller(request: Request) -> Caller:
    """Partner Center knows people only: app+user tokens of a partner's user."""
    try:
        caller = check(request, PARTNER_CENTER)
    except BadToken as problem:
        raise Refusal(401, 900401, f"Unauthorized: the token is {_WORDS[problem.fault]}.") from None
    if caller.app_only:
        raise Refusal(
            401, 900401, "Unauthorized: a token of the application alone is not accepted, a user's is needed."
        )
    if "user_impersonation" not in caller.permissions:
        raise Refusal(403, 900403, "Forbidden: the token lacks the permission user_impersonation.")
    return caller


def _check_mfa(request: Request, caller: Caller) -> list[tuple[str, str]]:
    """Refuse a token without multi-factor authentication, or only say so in a header if the request asks that."""
    if request.headers.get("validatemfa", "").lower() == "true":
        return [("isMfaCompliant", str(caller.has_mfa).lower())]
    if not caller.has_mfa:
        raise Refusal(401, _MFA_REQUIRED, "The token lacks multi-factor authentication (amr without mfa).")
    return []


_WORDS = {
    "missing": "missing",
    "malformed": "no token of this authority",
    "issuer": "from an unknown issuer",
    "audience": "for another audience",
    "expired": "expired",
    "early": "not valid yet",
    "revoked": "revoked",
}


def _customers(request: Request, caller: Caller, _: bytes) -> Answer:
    """A page of them. The next one is asked for with seekOperation=Next and the token in MS-ContinuationToken."""
    query, everyone = request.query_params, request.state.world.state.customers(caller.tenant)
    size = min(_number(query.get("size"), _PAGE), _PAGE)
    seeks = query.get("seekoperation", query.get("seekOperation", "")).lower() == "next"
    start = _number(request.headers.get("ms-continuationtoken"), 0) if seeks else 0
    items = [_customer(one) for one in everyone[start : start + size]]
    links = {"self": _link(f"/customers?size={size}")}
    if start + size < len(everyone):
        links["next"] = _link(f"/customers?size={size}&seekOperation=Next", str(start + size))
    attributes = {"objectType": "Collection"}
    return 200, {"totalCount": len(items), "items": items, "links": links, "attributes": attributes}


def _number(text: str | None, default: int) -> int:
    """:raises Refusal: 400 for anything else than a number above zero."""
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or not int(text):
        raise Refusal(400, 2002, f"'{text}' is no size of a page, nor the token of one.")
    return int(text)


def _link(uri: str, token: str = "") -> dict[str, Any]:
    headers = [{"key": "MS-ContinuationToken", "value": token}] if token else []
    return {"uri": uri, "method": "GET", "headers": headers}


def _one_customer(request: Request, caller: Caller, _: bytes) -> Answer:
    return 200, _customer(_own_customer(request, caller))


def _own_customer(request: Request, caller: Caller) -> Tenant:
    wanted = request.path_params["customer"].lower()
    customers: list[Tenant] = request.state.world.state.customers(caller.tenant)
    for tenant in customers:
        if tenant.id == wanted:
            return tenant
    raise Refusal(404, 2000, f"No customer '{wanted}' of this partner.")


def _customer(tenant: Tenant) -> dict[str, Any]:
    return {
        "id": tenant.id,
        "companyProfile": {
            "tenantId": tenant.id,
            "domain": tenant.domain,
            "companyName": tenant.name,
            "attributes": {"objectType": "CustomerCompanyProfile"},
        },
        "relationshipToPartner": "reseller",
        "links": {"self": _link(f"/customers/{tenant.id}")},
        "attributes": {"objectType": "Customer"},
    }


def _list_consents(request: Request, caller: Caller, _: bytes) -> Answer:
    tenant = _own_customer(request, caller)
    items = [_consent(tenant, one.app) for one in tenant.principals]
    return 200, {"totalCount": len(items), "items": items, "attributes": {"objectType": "Collection"}}


def _add_consent(request: Request, caller: Caller, raw: bytes) -> Answer:
    """Consent for one application on behalf of a customer, and the application's service principal there."""
    tenant = _own_customer(request, caller)
    app, wanted = _read_consent(request.state.world.state, raw)
    if any(grant.app == app.id and grant.resource in wanted for grant in tenant.grants):
        raise Refusal(409, 1001, "Permission entry already exists.")
    if not tenant.principal(app.id):
        tenant.principals.append(ServicePrincipal(app=app.id))
    tenant.grants.extend(Grant(app=app.id, resource=resource, scopes=scopes) for resource, scopes in wanted.items())
    return 201, _consent(tenant, app.id)


def _read_consent(state: State, raw: bytes) -> tuple[App, dict[str, list[str]]]:
    """The application and, by resource, the scopes that a consent's body names."""
    try:
        body = json.loads(raw)
        named = {key.lower(): value for key, value in body.items()}
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


def _remove_consent(request: Request, caller: Caller, _: bytes) -> Answer:
    tenant = _own_customer(request, caller)
    app_id = request.path_params["app"].lower()
    if not tenant.principal(app_id):
        raise Refusal(404, 2000, f"No consent for application '{app_id}' in this customer.")
    tenant.principals = [one for one in tenant.principals if one.app != app_id]
    tenant.grants = [one for one in tenant.grants if one.app != app_id]
    return 204, None


def _consent(tenant: Tenant, app_id: str) -> dict[str, Any]:
    grants = [
        {"enterpriseApplicationId": one.resource, "scope": ",".join(one.scopes)}
        for one in tenant.grants
        if one.app == app_id and one.scopes
    ]
    return {"applicationId": app_id, "applicationGrants": grants}


def _nothing(request: Request, _: Caller, __: bytes) -> Answer:
    raise Refusal(404, 2000, f"The emulator's Partner Center has nothing at '/{request.path_params['path']}'.")


def routes() -> list[Route]:
    """Partner Center's routes."""
    consents = "/v1/customers/{customer}/applicationconsents"
    return [
        route("GET", "/v1/customers", _endpoint(_customers)),
        route("GET", "/v1/customers/{customer}", _endpoint(_one_customer)),
        route("GET", consents, _endpoint(_list_consents)),
        route("POST", consents, _endpoint(_add_consent)),
        route("DELETE", consents + "/{app}", _endpoint(_remove_consent)),
        route("GET", "/{path:path}", _endpoint(_nothing)),
    ]
