"""Azure Resource Manager: tenants, subscriptions, resource groups.

Source: learn.microsoft.com/rest/api/resources; error codes as ARM answers them to bad tokens.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.model import ResourceGroup, Subscription, Tenant, new_id
from entra_emulator.resources import ARM
from entra_emulator.routing import Handler, Route, route
from entra_emulator.web import json_answer
from entra_emulator.world import World

from .bearer import BadToken, Caller, check
from .continuous_access import context_demand, encoded

_ALLOWED_AUDIENCES = "https://management.core.windows.net/,https://management.azure.com/"


class Refusal(Exception):
    """An error answer of ARM."""

    def __init__(self, status: int, code: str, message: str, headers: list[tuple[str, str]] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers or []


def _endpoint(answer: Callable[[Request, Caller], dict[str, Any]]) -> Handler:
    async def handle(request: Request) -> Response:
        world = request.state.world
        request_id = new_id()
        ids = [
            ("x-ms-request-id", request_id),
            ("x-ms-correlation-request-id", request.headers.get("x-ms-correlation-request-id", request_id)),
            ("Cache-Control", "no-cache"),
        ]
        try:
            return json_answer(world, answer(request, _caller(request)), 200, ids)
        except Refusal as problem:
            body = {"error": {"code": problem.code, "message": problem.message}}
            return json_answer(world, body, problem.status, [*problem.headers, *ids])

    return handle


def _caller(request: Request) -> Caller:
    try:
        caller = check(request, ARM)
    except BadToken as problem:
        raise _unauthorized(request, problem) from None
    if not caller.app_only and "user_impersonation" not in caller.permissions:
        raise Refusal(403, "AuthorizationFailed", "The token lacks the permission user_impersonation.")
    if not request.query_params.get("api-version"):
        raise Refusal(400, "MissingApiVersionParameter", "The query parameter api-version is required.")
    return caller


def _unauthorized(request: Request, problem: BadToken) -> Refusal:
    """401, with the tenant of the subscription in the path: clients learn from it whom to ask."""
    base = f"{request.state.site.authority}/" if request.state.site.local_port else "https://login.windows.net/"
    if problem.demand:
        return _challenge(base, "invalid_token", "User session has been revoked", problem.demand)
    code, message = _words(request.state.world, problem)
    found = _find(request.state.world, request.path_params.get("subscription", ""))
    challenge = (
        f'Bearer authorization_uri="{base}{found[0].id if found else ""}", error="invalid_token", '
        f'error_description="{message}"'
    )
    return Refusal(401, code, message, [("WWW-Authenticate", challenge)])


def _challenge(base: str, error: str, description: str, demand: str) -> Refusal:
    """401 with a claims challenge, as recorded for a revoked session."""
    header = (
        f'Bearer authorization_uri="{base}", error="{error}", error_description="{description}", '
        f'claims="{encoded(demand)}"'
    )
    headers = [("WWW-Authenticate", header), ("x-ms-failure-cause", "gateway")]
    return Refusal(401, "AuthenticationFailed", "Authentication failed.", headers)


def _words(world: World, problem: BadToken) -> tuple[str, str]:
    claims = problem.claims
    if problem.fault == "missing":
        return "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing."
    if problem.fault == "audience":
        return "InvalidAuthenticationTokenAudience", (
            f"The access token was obtained for the wrong audience or resource '{claims.get('aud')}'. "
            f"It has to match one of the allowed audiences '{_ALLOWED_AUDIENCES}'."
        )
    if problem.fault == "expired":
        expiry, now = (
            datetime.fromtimestamp(moment, UTC).strftime("%m/%d/%Y %I:%M:%S %p")
            for moment in (claims["exp"], world.clock.now())
        )
        return "ExpiredAuthenticationToken", (
            f"The access token expiry UTC time '{expiry}' is earlier than current UTC time '{now}'."
        )
    if problem.fault == "issuer":
        return "InvalidAuthenticationTokenTenant", f"The access token is from the wrong issuer '{claims.get('iss')}'."
    return "InvalidAuthenticationToken", "The access token is invalid."


def _find(world: World, subscription_id: str) -> tuple[Tenant, Subscription] | None:
    for tenant in world.state.tenants.values():
        for subscription in tenant.subscriptions:
            if subscription.id == subscription_id.lower():
                return tenant, subscription
    return None


def _may_read(caller: Caller, subscription: Subscription) -> bool:
    mine = {caller.app_id} if caller.app_only else {str(caller.claims["oid"]), caller.user_name.lower()}
    return bool(mine & {reader.lower() for reader in subscription.readers})


def _readable(request: Request, caller: Caller) -> Subscription:
    wanted = request.path_params["subscription"]
    found = _find(request.state.world, wanted)
    if found is None:
        raise Refusal(404, "SubscriptionNotFound", f"The subscription '{wanted}' could not be found.")
    tenant, subscription = found
    if tenant.id != caller.tenant.id:
        challenge = f'Bearer authorization_uri="{request.state.site.authority}/{tenant.id}", error="invalid_token"'
        raise Refusal(
            401,
            "InvalidAuthenticationTokenTenant",
            f"The access token is from the wrong issuer '{caller.claims['iss']}'. It has to come from the tenant "
            f"'{tenant.id}' of this subscription.",
            [("WWW-Authenticate", challenge)],
        )
    if not _may_read(caller, subscription):
        who = caller.app_id if caller.app_only else caller.user_name
        raise Refusal(
            403,
            "AuthorizationFailed",
            f"The client '{who}' with object id '{caller.claims['oid']}' may not read the scope "
            f"'/subscriptions/{subscription.id}', or the scope is invalid.",
        )
    if subscription.context and not caller.app_only and subscription.context not in caller.claims.get("acrs", ()):
        base = f"{request.state.site.authority}/"
        demand = context_demand(subscription.context)
        raise _challenge(base, "insufficient_claims", "The sign-in lacks an authentication context", demand)
    return subscription


def _tenants(request: Request, caller: Caller) -> dict[str, Any]:
    """The tenant of the token, and for a user every other one they may work in, as guest or delegated administrator."""
    tenants = [caller.tenant]
    if not caller.app_only:
        world = request.state.world
        others = [one for one in world.state.tenants.values() if one is not caller.tenant]
        tenants += [one for one in others if _may_enter(world, caller, one)]
    return {"value": [_tenant(one, home=one is caller.tenant) for one in tenants]}


def _may_enter(world: World, caller: Caller, tenant: Tenant) -> bool:
    found = world.state.user(caller.user_name)
    if found is None:
        return False
    home, user = found
    named = {user.id, user.upn.lower()}
    related = any(
        one.partner == home.id and one.status == "active" and named & {name.lower() for name in one.users}
        for one in tenant.relationships
    )
    return related or home is tenant or any(one.upn.lower() == user.upn.lower() and one.home for one in tenant.users)


def _tenant(tenant: Tenant, *, home: bool) -> dict[str, Any]:
    return {
        "id": f"/tenants/{tenant.id}",
        "tenantId": tenant.id,
        "countryCode": tenant.country,
        "displayName": tenant.name,
        "domains": tenant.domains,
        "tenantCategory": "Home" if home else "ProjectedBy",
        "defaultDomain": tenant.domain,
        "tenantType": "AAD",
    }


def _subscriptions(_: Request, caller: Caller) -> dict[str, Any]:
    mine = [_subscription(one, caller.tenant) for one in caller.tenant.subscriptions if _may_read(caller, one)]
    return {"value": mine, "count": {"type": "Total", "value": len(mine)}}


def _one_subscription(request: Request, caller: Caller) -> dict[str, Any]:
    return _subscription(_readable(request, caller), caller.tenant)


def _groups(request: Request, caller: Caller) -> dict[str, Any]:
    subscription = _readable(request, caller)
    return {"value": [_group(subscription, group) for group in subscription.resource_groups]}


def _one_group(request: Request, caller: Caller) -> dict[str, Any]:
    subscription = _readable(request, caller)
    wanted = request.path_params["group"]
    for group in subscription.resource_groups:
        if group.name.lower() == wanted.lower():
            return _group(subscription, group)
    raise Refusal(404, "ResourceGroupNotFound", f"Resource group '{wanted}' could not be found.")


def _subscription(subscription: Subscription, tenant: Tenant) -> dict[str, Any]:
    return {
        "id": f"/subscriptions/{subscription.id}",
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": subscription.id,
        "tenantId": tenant.id,
        "displayName": subscription.name,
        "state": "Enabled",
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "PayAsYouGo_2014-09-01",
            "spendingLimit": "Off",
        },
    }


def _group(subscription: Subscription, group: ResourceGroup) -> dict[str, Any]:
    return {
        "id": f"/subscriptions/{subscription.id}/resourceGroups/{group.name}",
        "name": group.name,
        "type": "Microsoft.Resources/resourceGroups",
        "location": group.location,
        "properties": {"provisioningState": "Succeeded"},
    }


def _nothing(request: Request, _: Caller) -> dict[str, Any]:
    path = request.path_params["path"]
    raise Refusal(404, "InvalidResourceType", f"The emulator's Resource Manager has nothing at '/{path}'.")


def routes() -> list[Route]:
    """Resource Manager's routes; whatever api-version is asked for, the answer is the same."""
    return [
        route("GET", "/tenants", _endpoint(_tenants)),
        route("GET", "/subscriptions", _endpoint(_subscriptions)),
        route("GET", "/subscriptions/{subscription}", _endpoint(_one_subscription)),
        route("GET", "/subscriptions/{subscription}/resourcegroups", _endpoint(_groups)),
        route("GET", "/subscriptions/{subscription}/resourcegroups/{group}", _endpoint(_one_group)),
        route("GET", "/{path:path}", _endpoint(_nothing)),
    ]
