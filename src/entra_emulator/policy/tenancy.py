"""The rules for access to a tenant: tenant restrictions, cross-tenant access and rate limits.

Source: learn.microsoft.com/entra/external-id/cross-tenant-access-overview and
learn.microsoft.com/entra/identity/enterprise-apps/tenant-restrictions
"""

from collections.abc import Callable

from entra_emulator.aadsts import EntraError
from entra_emulator.model import Tenant
from entra_emulator.world import LoggedRequest, World

MINUTE_IN, LOOP_IN = 60.0, 300.0


def check_restrictions(tenant: Tenant, allowed: str) -> None:
    """Check tenant restrictions: a network's proxy names the tenants that its users may access.

    :param allowed: the Restrict-Access-To-Tenants header: ids or domains, separated by commas; empty means no
        restriction.
    :raises EntraError: 500021.
    """
    names = {name.strip().lower() for name in allowed.split(",") if name.strip()}
    if names and not names & {tenant.id, *(domain.lower() for domain in tenant.domains)}:
        raise EntraError(500021, tenant=tenant.name)


def check_crossing(home: Tenant, tenant: Tenant) -> None:
    """Check the cross-tenant access settings of both tenants.

    :raises EntraError: 500212 outbound, 500213 inbound.
    """
    if tenant.id in home.outbound_blocked:
        raise EntraError(500212, tenant=tenant.name)
    if home.id in tenant.inbound_blocked:
        raise EntraError(500213, tenant=tenant.name)


def check_rate(world: World, tenant: Tenant | None, log_entry: Callable[[], LoggedRequest]) -> None:
    """Check the limits on token requests: a tenant's per minute, and a client's repetitions within five minutes.

    :param log_entry: makes the log entry of the current request; the log contains the earlier ones.
    :raises EntraError: 90055 the tenant is throttled, 50196 the client repeats the request in a loop.
    """
    limit, loop = (tenant.request_limit if tenant else 0), world.state.settings.loop_limit
    if not limit and not loop:
        return
    request = log_entry()
    recent = [earlier for earlier in world.requests if earlier.is_token_request and earlier.at > request.at - LOOP_IN]
    if limit:
        own = [
            earlier for earlier in recent if earlier.at > request.at - MINUTE_IN and earlier.tenant == request.tenant
        ]
        if len(own) >= limit:
            raise EntraError(90055)
    same = [earlier for earlier in recent if _question(earlier) == _question(request)]
    if loop and len(same) >= loop:
        raise EntraError(50196)


def _question(request: LoggedRequest) -> tuple[str | None, ...]:
    return request.tenant, request.client_id, request.grant_type, request.scope
