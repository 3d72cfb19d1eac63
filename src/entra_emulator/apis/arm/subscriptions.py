"""Resource Manager: tenants and subscriptions, and the permissions in a subscription."""

from typing import Any

from entra_emulator.apis.bearer import Caller
from entra_emulator.model import Subscription, Tenant
from entra_emulator.policy.conditional_access import AZURE_MFA, context_claims
from entra_emulator.routing import Route, route
from entra_emulator.world import World

from .facts import facts
from .wire import Call, Refusal, Reply, challenge, endpoint, find


def routes() -> list[Route]:
    """Return the routes."""
    return [
        route("GET", "/tenants", endpoint(_tenants)),
        route("GET", "/subscriptions", endpoint(_subscriptions)),
        route("GET", "/subscriptions/{subscription}", endpoint(_one_subscription)),
    ]


def opened(call: Call, action: str = "Microsoft.Resources/subscriptions/read") -> Subscription:
    """Return the subscription in the path, if the caller may do `action` in it.

    :raises Refusal: 404 unknown, 401 of another tenant or without the required authentication context, 403.
    """
    wanted = call.named("subscription")
    found = find(call.world, wanted)
    if found is None:
        raise Refusal(404, "SubscriptionNotFound", f"The subscription '{wanted}' could not be found.")
    tenant, subscription = found
    caller, authority = call.caller, call.request.state.site.authority
    if tenant.id != caller.tenant.id:
        header = f'Bearer authorization_uri="{authority}/{tenant.id}", error="invalid_token"'
        raise Refusal(
            401,
            "InvalidAuthenticationTokenTenant",
            f"The access token is from the wrong issuer '{caller.claims['iss']}'. It has to come from the tenant "
            f"'{tenant.id}' of this subscription.",
            [("WWW-Authenticate", header)],
        )
    change = not action.endswith("/read")
    if not _may(caller, subscription, change=change):
        name = caller.app_id if caller.app_only else caller.user_name
        raise Refusal(
            403,
            "AuthorizationFailed",
            f"The client '{name}' with object id '{caller.claims['oid']}' does not have authorization to perform "
            f"action '{action}' over scope '/subscriptions/{subscription.id}' or the scope is invalid. If access was "
            "recently granted, please refresh your credentials.",
        )
    _require_context(call, subscription.context)
    if change and tenant.azure_mfa and not caller.has_mfa:
        _require_context(call, AZURE_MFA)
    return subscription


def _require_context(call: Call, context: str) -> None:
    """Check that a user's token has met an authentication context, if one is required.

    :raises Refusal: 401 with a claims challenge.
    """
    caller = call.caller
    if context and not caller.app_only and context not in caller.claims.get("acrs", ()):
        description = "The sign-in lacks an authentication context"
        authority = f"{call.request.state.site.authority}/"
        raise challenge(authority, "insufficient_claims", description, context_claims(context))


def may_read(caller: Caller, subscription: Subscription) -> bool:
    """Return whether the caller may read the subscription."""
    return _may(caller, subscription, change=False)


def _may(caller: Caller, subscription: Subscription, *, change: bool) -> bool:
    """Return whether the caller may read the subscription or, as a contributor, `change` it."""
    allowed = subscription.contributors if change else [*subscription.readers, *subscription.contributors]
    if caller.names & {name.lower() for name in allowed}:
        return True
    enough = {"contributor"} if change else {"contributor", "reader"}
    roles = {role["id"] for role in facts()["roles"] if role["grants"] in enough}
    return any(
        assignment.principal == caller.claims["oid"] and assignment.role in roles
        for assignment in subscription.assignments
    )


def _tenants(call: Call) -> Reply:
    """Return the token's tenant and, for a user, the tenants with access as a guest or delegated administrator."""
    caller, tenants = call.caller, [call.caller.tenant]
    if not caller.app_only:
        others = [tenant for tenant in call.world.state.tenants.values() if tenant is not caller.tenant]
        tenants += [tenant for tenant in others if _may_enter(call.world, caller, tenant)]
    return Reply({"value": [_tenant(tenant, home=tenant is caller.tenant) for tenant in tenants]})


def _may_enter(world: World, caller: Caller, tenant: Tenant) -> bool:
    found = world.state.user(caller.user_name)
    if found is None:
        return False
    home, user = found
    related = any(relationship.admits(home, user) for relationship in tenant.relationships)
    return (
        related
        or home is tenant
        or any(member.upn.lower() == user.upn.lower() and member.home for member in tenant.users)
    )


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


def _subscriptions(call: Call) -> Reply:
    tenant = call.caller.tenant
    values = [
        _subscription(subscription, tenant)
        for subscription in tenant.subscriptions
        if _may(call.caller, subscription, change=False)
    ]
    return Reply({"value": values, "count": {"type": "Total", "value": len(values)}})


def _one_subscription(call: Call) -> Reply:
    return Reply(_subscription(opened(call), call.caller.tenant))


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
