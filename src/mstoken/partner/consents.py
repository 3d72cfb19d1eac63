"""Consent to the partner's application in a customer's tenant, given by the partner.

Delegated permissions are granted by Partner Center (learn.microsoft.com/partner-center/developer/
control-panel-vendor-apis), the application's own by Graph in the customer's tenant
(learn.microsoft.com/graph/api/serviceprincipal-post-approleassignments). Doing it twice changes nothing.
"""

from __future__ import annotations

from mstoken.errors import ApiRefused, ConsentRequired, UsageError
from mstoken.partner.grants import by_resource_id, own_grants, principal_of
from mstoken.protocol.jwt import readable
from mstoken.rest.api_errors import parse_api_error
from mstoken.typed import TYPE_CHECKING
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mstoken.partner.api import PartnerApi

GRANTED, UNCHANGED, REPLACED = "granted", "unchanged", "replaced"
_CONFLICT = 409
_EXISTS = "already exists"
"""Part of the description with which Partner Center, and Graph for a role, refuse what is there already."""


@value
class Consent:
    """The consent in a customer's tenant.

    `state` is `granted`, `unchanged` if it was there already, or `replaced`. `grants` are the delegated permissions by
    the resource's application id, `assigned` the application's own permissions that were assigned now.
    """

    tenant: str
    state: str
    grants: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    assigned: tuple[str, ...] = ()


async def consent(
    api: PartnerApi,
    tenant: str,
    grants: Mapping[str, Sequence[str]] | None = None,
    roles: Mapping[str, Sequence[str]] | None = None,
    *,
    replace: bool = False,
) -> Consent:
    """Consent in the tenant (id or domain) of a customer. `grants` and `roles` are permissions by resource.

    Without `grants`, they are those of the application in the partner's own tenant. If there is a consent that lacks
    some of them, it is an error, unless `replace`: the consent is removed first, and with it what else was in it. The
    application's cached tokens of the tenant, which do not have the new permissions, are deleted.

    Raises ApiRefused and what `Client.request` raises.
    """
    wanted = await own_grants(api) if grants is None else by_resource_id(api, grants)
    own_roles = by_resource_id(api, roles or {})
    customer = await api.tenant_id(tenant)
    state = await _grant(api, customer, wanted, replace=replace)
    await api.forget_tokens(customer)
    await api.forget_tokens(tenant)
    assigned: list[str] = []
    for resource, names in own_roles.items():
        assigned += await _assign(api, customer, resource, names)
    return Consent(customer, state, wanted, tuple(assigned))


async def _grant(api: PartnerApi, customer: str, wanted: Mapping[str, tuple[str, ...]], *, replace: bool) -> str:
    if await _post(api, customer, wanted):
        return GRANTED
    missing = {resource: names for resource in wanted if (names := await _missing(api, customer, resource, wanted))}
    if not missing:
        return UNCHANGED
    if replace:
        url = f"{_url(customer)}/{api.client_id}"
        (await api.request("DELETE", url)).raise_for_status()
        if await _post(api, customer, wanted):
            return REPLACED
    elif all(names == wanted[resource] for resource, names in missing.items()) and await _post(api, customer, missing):
        return GRANTED  # of resources that the consent did not have
    lacking = ", ".join(name for names in missing.values() for name in names)
    again = f"`mstoken partner consent {customer} --replace`"
    raise ApiRefused(
        f"The customer has a consent to the application already, without {lacking}.",
        f"Replace it, which also removes permissions that you do not name: {again}",
        _CONFLICT,
        "consent_differs",
    )


async def _post(api: PartnerApi, customer: str, wanted: Mapping[str, tuple[str, ...]]) -> bool:
    """Consent. Return False if there is a consent already. Raises what another error response means."""
    listed = [{"EnterpriseApplicationId": resource, "Scope": ",".join(names)} for resource, names in wanted.items()]
    body = {"ApplicationId": api.client_id, "ApplicationGrants": listed}
    response = await api.request("POST", _url(customer), json=body)
    if _EXISTS not in parse_api_error(response.body)[1].lower():
        response.raise_for_status()
    return response.ok


def _url(customer: str) -> str:
    return f"partner:/customers/{customer}/applicationconsents"


async def _missing(
    api: PartnerApi, customer: str, resource: str, wanted: Mapping[str, tuple[str, ...]]
) -> tuple[str, ...]:
    """Return the permissions that a new token in the customer's tenant lacks. One that cannot be read says nothing."""
    names = wanted[resource]
    try:
        token = await api.token(f"{resource}/.default", tenant=customer, fresh=True)
    except ConsentRequired:
        return names
    if (decoded := readable(token.token)) is None:
        return ()
    granted = {name.lower() for name in str(decoded.claims.get("scp") or "").split()}
    return tuple(name for name in names if name.lower() not in granted)


async def _assign(api: PartnerApi, customer: str, resource: str, names: Sequence[str]) -> list[str]:
    """Assign the application's own permissions that it does not have. Return their names."""
    found, own = await principal_of(api, resource, customer), await principal_of(api, api.client_id, customer)
    ids = {str(role.get("value")).lower(): str(role["id"]) for role in found.get("appRoles") or ()}
    if unknown := [name for name in names if name.lower() not in ids]:
        raise UsageError(
            f"The resource {resource} has no application permission {', '.join(unknown)}.", "Check the spelling."
        )
    assignments = f"graph:/servicePrincipals/{own['id']}/appRoleAssignments"
    present = {
        str(one.get("appRoleId"))
        async for one in api.items(assignments, tenant=customer)
        if one.get("resourceId") == found["id"]
    }
    assigned: list[str] = []
    for name in names:
        if (role := ids[name.lower()]) in present:
            continue
        body = {"principalId": own["id"], "resourceId": found["id"], "appRoleId": role}
        response = await api.request("POST", assignments, tenant=customer, json=body)
        if response.ok:
            assigned.append(name)
        elif _EXISTS not in parse_api_error(response.body)[1].lower():  # somebody else was faster
            response.raise_for_status()
    return assigned
