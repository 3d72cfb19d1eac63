"""Which tenants may be reached, from where and how often.

Source: learn.microsoft.com/entra/external-id/cross-tenant-access-overview and
learn.microsoft.com/entra/identity/enterprise-apps/tenant-restrictions
"""

from collections.abc import Callable

from entra_emulator.aadsts import EntraError
from entra_emulator.model import Tenant
from entra_emulator.world import LoggedRequest, World

MINUTE_IN, LOOP_IN = 60.0, 300.0


def check_restrictions(tenant: Tenant, allowed: str) -> None:
    """Tenant restrictions: a network's proxy names the tenants it lets its people reach.

    :param allowed: the Restrict-Access-To-Tenants header, ids or domains with commas between them; empty for none.
    :raises EntraError: 500021.
    """
    names = {name.strip().lower() for name in allowed.split(",") if name.strip()}
    if names and not names & {tenant.id, *(domain.lower() for domain in tenant.domains)}:
        raise EntraError(500021, tenant=tenant.name)


def check_crossing(home: Tenant, tenant: Tenant) -> None:
    """Cross-tenant access settings of both sides.

    :raises EntraError: 500212 outbound, 500213 inbound.
    """
    if tenant.id in home.outbound_blocked:
        raise EntraError(500212, tenant=tenant.name)
    if home.id in tenant.inbound_blocked:
        raise EntraError(500213, tenant=tenant.name)


def check_rate(world: World, tenant: Tenant | None, asked: Callable[[], LoggedRequest]) -> None:
    """Limits on token requests: a tenant's in a minute, one client's repeating itself within five.

    :param asked: makes the request at hand as the log will have it; the log has those before it.
    :raises EntraError: 90055 the tenant is throttled, 50196 the client goes round in a loop.
    """
    limit, loop = (tenant.request_limit if tenant else 0), world.state.settings.loop_limit
    if not limit and not loop:
        return
    request = asked()
    recent = [one for one in world.requests if one.is_token_request and one.at > request.at - LOOP_IN]
    if limit:
        mine = [one for one in recent if one.at > request.at - MINUTE_IN and one.tenant == request.tenant]
        if len(mine) >= limit:
            raise EntraError(90055)
    same = [one for one in recent if _question(one) == _question(request)]
    if loop and len(same) >= loop:
        raise EntraError(50196)


def _question(request: LoggedRequest) -> tuple[str | None, ...]:
    return request.tenant, request.client_id, request.grant_type, request.scope
