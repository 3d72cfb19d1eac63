"""Partner Center: the partner's customers and their data.

Source: learn.microsoft.com/partner-center/developer/get-a-list-of-customers, .../get-a-list-of-customers-filtered-by-a-
search-field, .../get-all-of-a-customer-s-subscriptions, .../get-a-list-of-all-user-accounts-for-a-customer.
"""

import json
from typing import Any

from starlette.requests import Request

from entra_emulator.apis.bearer import Caller
from entra_emulator.model import Tenant, User
from entra_emulator.routing import Route, route

from .wire import Refusal, StatusAndBody, endpoint, link, listed, own_customer

_PAGE = 500
_FIELDS = {"companyname": "name", "domain": "domain"}


def routes() -> list[Route]:
    """Return the routes."""
    path = "/v1/customers/{customer}"
    return [
        route("GET", "/v1/customers", endpoint(_customers, app_only=True)),
        route("GET", "/v1/customers/relationshiprequests", endpoint(_relationship_request, app_only=True)),
        route("GET", path, endpoint(_one_customer, app_only=True)),
        route("GET", f"{path}/subscriptions", endpoint(_no_subscriptions, app_only=True)),
        route("GET", f"{path}/users", endpoint(_users)),
        route("GET", f"{path}/users/{{user}}", endpoint(_one_user)),
    ]


def _customers(request: Request, caller: Caller, _: bytes) -> StatusAndBody:
    """Return a page of customers. The next page needs seekOperation=Next and the token in MS-ContinuationToken."""
    query = {name.lower(): value for name, value in request.query_params.items()}
    everyone: list[Tenant] = request.state.world.state.resold(caller.tenant)
    if text := query.get("filter"):
        everyone = _filtered(everyone, text)
    size = min(_number(query.get("size"), _PAGE), _PAGE)
    seeks = query.get("seekoperation", "").lower() == "next"
    start = _number(request.headers.get("ms-continuationtoken"), 0) if seeks else 0
    links = {"self": link(f"/customers?size={size}")}
    if start + size < len(everyone):
        links["next"] = link(f"/customers?size={size}&seekOperation=Next", str(start + size))
    return 200, listed((_shown(customer) for customer in everyone[start : start + size]), links=links)


def _filtered(customers: list[Tenant], text: str) -> list[Tenant]:
    """`{"Field":"Domain","Value":"tail","Operator":"starts_with"}`.

    :raises Refusal: 400.
    """
    try:
        conditions = {str(name).lower(): str(value) for name, value in json.loads(text).items()}
        field, wanted = _FIELDS[conditions["field"].lower()], conditions["value"].lower()
    except (ValueError, LookupError, AttributeError):
        raise Refusal(400, 2002, "The filter needs Field (CompanyName or Domain), Value and Operator.") from None
    if conditions.get("operator", "").lower() != "starts_with":
        raise Refusal(400, 2002, "The only Operator of this filter is starts_with.")
    return [customer for customer in customers if str(getattr(customer, field)).lower().startswith(wanted)]


def _number(text: str | None, default: int) -> int:
    """:raises Refusal: 400 for anything other than a number above zero."""
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or not int(text):
        raise Refusal(400, 2002, f"'{text}' is neither the size of a page nor a continuation token.")
    return int(text)


def _one_customer(request: Request, caller: Caller, _: bytes) -> StatusAndBody:
    return 200, _shown(own_customer(request, caller))


def _shown(tenant: Tenant) -> dict[str, Any]:
    return {
        "id": tenant.id,
        "companyProfile": {
            "tenantId": tenant.id,
            "domain": tenant.domain,
            "companyName": tenant.name,
            "attributes": {"objectType": "CustomerCompanyProfile"},
        },
        "relationshipToPartner": "reseller",
        "links": {"self": link(f"/customers/{tenant.id}")},
        "attributes": {"objectType": "Customer"},
    }


def _no_subscriptions(request: Request, caller: Caller, _: bytes) -> StatusAndBody:
    """Return an empty list: the emulator's customers have no subscriptions."""
    own_customer(request, caller)
    return 200, listed([])


def _users(request: Request, caller: Caller, _: bytes) -> StatusAndBody:
    return 200, listed(_user(user) for user in own_customer(request, caller).users)


def _one_user(request: Request, caller: Caller, _: bytes) -> StatusAndBody:
    user = own_customer(request, caller).user(request.path_params["user"])
    if user is None:
        raise Refusal(404, 2000, "User was not found.")
    return 200, _user(user)


def _user(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "userPrincipalName": user.upn,
        "firstName": user.given_name,
        "lastName": user.family_name,
        "displayName": user.name,
        "userDomainType": "none",
        "state": "active",
        "attributes": {"objectType": "CustomerUser"},
    }


def _relationship_request(_: Request, caller: Caller, __: bytes) -> StatusAndBody:
    """Return the URL at which a customer accepts an indirect relationship."""
    url = f"https://admin.microsoft.com/Adminportal/Home?invType=Reseller&partnerId={caller.tenant.id}#/partners"
    return 200, {"url": url, "attributes": {"objectType": "CustomerRelationshipRequest"}}
