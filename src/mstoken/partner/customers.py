"""The partner's customers: tenants with an active relationship (GDAP), and those that Partner Center lists without one.

Sources: learn.microsoft.com/graph/api/tenantrelationship-list-delegatedadminrelationships,
.../partner-center/developer/get-a-list-of-customers.
"""

from __future__ import annotations

from datetime import datetime

from mstoken.typed import TYPE_CHECKING, Any
from mstoken.values import value

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from mstoken.partner.api import PartnerApi

RELATIONSHIPS = "graph:/tenantRelationships/delegatedAdminRelationships"
_SELECT = "displayName,customer,status,endDateTime,autoExtendDuration,accessDetails"
_ACTIVE = {"$filter": "status eq 'active'", "$select": _SELECT}
_OF_MICROSOFT = "MLT_"
"""Names of relationships that Microsoft made for the transition from DAP begin so. They grant a partner nothing that is
of use (learn.microsoft.com/partner-center/gdap-microsoft-led-transition)."""
_NO_EXTENSION = frozenset({"", "PT0S", "P0D"})


@value
class Relationship:
    """A relationship (GDAP) as Graph has it. `ends_on` is epoch seconds, None if unknown; `roles` are template ids."""

    tenant: str
    name: str
    status: str
    ends_on: int | None
    extends: bool
    roles: tuple[str, ...]


@value
class Customer:
    """A customer's tenant.

    `relation` is `gdap`, or `reseller` for one that Partner Center lists and that has no active relationship. `ends_on`
    is when its last active relationship ends, in epoch seconds, None if unknown; `extends` says that one of them
    extends itself then. `roles` are the template ids of the directory roles that the relationships grant.
    """

    tenant: str
    name: str = ""
    domain: str = ""
    relation: str = "gdap"
    ends_on: int | None = None
    extends: bool = False
    roles: tuple[str, ...] = ()


async def customers(api: PartnerApi, *, resellers: bool = False) -> AsyncGenerator[Customer, None]:
    """Yield the customers with an active relationship, each once; with `resellers`, then Partner Center's others.

    A tenant that several relationships name has the roles of all, and the end of the last. Needs
    DelegatedAdminRelationship.Read.All of Graph; for `resellers`, also user_impersonation of Partner Center. Raises
    what `Client.items` raises.
    """
    found: dict[str, Customer] = {}
    async for item in api.items(RELATIONSHIPS, params=_ACTIVE):
        if (one := relationship(item)) is not None:
            name = str((item.get("customer") or {}).get("displayName") or "")
            found[one.tenant] = _joined(found.get(one.tenant) or Customer(one.tenant, name, roles=()), one)
    for customer in found.values():
        yield customer
    if not resellers:
        return
    async for item in api.items("partner:/customers"):
        profile = item.get("companyProfile") or {}
        tenant = str(profile.get("tenantId") or item.get("id") or "").lower()
        if tenant and tenant not in found:
            yield Customer(
                tenant, str(profile.get("companyName") or ""), str(profile.get("domain") or ""), relation="reseller"
            )


def relationship(item: Mapping[str, Any]) -> Relationship | None:
    """Return a relationship of Graph's list; None for one that grants nothing of use."""
    customer = item.get("customer") or {}
    tenant = str(customer.get("tenantId") or "").lower()
    name = str(item.get("displayName") or "")
    if not tenant or name.startswith(_OF_MICROSOFT):
        return None
    details = item.get("accessDetails") or {}
    roles = (str(role.get("roleDefinitionId") or "") for role in details.get("unifiedRoles") or ())
    extends = str(item.get("autoExtendDuration") or "") not in _NO_EXTENSION
    return Relationship(
        tenant,
        name,
        str(item.get("status") or ""),
        epoch_seconds(item.get("endDateTime")),
        extends,
        tuple(filter(None, roles)),
    )


def epoch_seconds(text: Any) -> int | None:
    """Return a time of Graph's (ISO 8601 with Z) in epoch seconds; None for none, or for another form."""
    try:
        return int(datetime.fromisoformat(str(text)).timestamp())
    except (ValueError, OverflowError):
        return None


def _joined(customer: Customer, one: Relationship) -> Customer:
    ends = [end for end in (customer.ends_on, one.ends_on) if end is not None]
    return Customer(
        customer.tenant,
        customer.name,
        customer.domain,
        "gdap",
        max(ends, default=None),
        customer.extends or one.extends,
        tuple(dict.fromkeys((*customer.roles, *one.roles))),
    )
