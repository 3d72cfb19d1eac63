"""The permissions that an application gets in customers' tenants: `graph:User.Read.All,Directory.Read.All`.

A resource is named as a service of the catalogue, or by its application id.
"""

from __future__ import annotations

from mstoken.errors import UsageError
from mstoken.partner.api import PARTNER_CENTER
from mstoken.redaction import shown
from mstoken.services.target import is_guid
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from mstoken.partner.api import PartnerApi
    from mstoken.services import Target

_FORM = "Write RESOURCE:PERMISSION,PERMISSION, such as graph:User.Read.All,Directory.Read.All."

_SELECT = {"$select": "appId,signInAudience"}
_OF_ONE_TENANT = "AzureADMyOrg"


def parse_grants(texts: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the permissions by resource, each once. Raises UsageError for text of another form."""
    found: dict[str, tuple[str, ...]] = {}
    for text in texts:
        resource, _, listed = text.partition(":")
        names = [name.strip() for name in listed.split(",")]
        if not resource.strip() or not all(name and " " not in name for name in names):
            raise UsageError(f"{shown(text, 100)!r} names no permissions of a resource.", _FORM)
        found[resource.strip()] = tuple(dict.fromkeys((*found.get(resource.strip(), ()), *names)))
    return found


def resource_id(name: str, target: Callable[[str], Target]) -> str:
    """Return the application id of a resource; `target` looks a service up. Raises UsageError for an unknown one."""
    if is_guid(name):
        return name.lower()
    service = target(name).service
    if service is None or not service.app_id:
        raise UsageError(f"The application id of {shown(name)!r} is not known.", "Name the resource by that id.")
    return service.app_id


def by_resource_id(api: PartnerApi, grants: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Return the grants by application id. Raises UsageError for none, and for Partner Center: no customer has it."""
    found: dict[str, tuple[str, ...]] = {}
    for name, permissions in grants.items():
        resource = api.resource(name)
        if resource == PARTNER_CENTER:
            raise UsageError("Customers' tenants have no Partner Center.", "Leave it out.")
        found[resource] = tuple(dict.fromkeys((*found.get(resource, ()), *permissions)))
    return found


async def own_grants(api: PartnerApi) -> dict[str, tuple[str, ...]]:
    """Return the delegated permissions that an administrator of the partner granted to the application, by resource.

    Those of Partner Center and of APIs of the partner's tenant alone are left out. Needs Directory.Read.All of Graph.
    Raises UsageError if there are none.
    """
    found: dict[str, tuple[str, ...]] = {}
    own = await principal_of(api, api.client_id)
    async for grant in api.items(f"graph:/servicePrincipals/{own['id']}/oauth2PermissionGrants"):
        scopes = tuple(str(grant.get("scope") or "").split())
        if grant.get("consentType") != "AllPrincipals" or not scopes:
            continue
        url = f"graph:/servicePrincipals/{grant['resourceId']}"
        resource = (await api.request("GET", url, params=_SELECT)).raise_for_status().json()
        app_id = str(resource.get("appId") or "").lower()
        if app_id and app_id != PARTNER_CENTER and resource.get("signInAudience") != _OF_ONE_TENANT:
            found[app_id] = tuple(dict.fromkeys((*found.get(app_id, ()), *scopes)))
    if not found:
        raise UsageError(
            "No administrator has granted the application delegated permissions in the partner's tenant.",
            "Name those that it gets: --grants graph:User.Read.All,Directory.Read.All",
        )
    return found


async def principal_of(api: PartnerApi, app_id: str, tenant: str = "") -> dict[str, Any]:
    """Return `id` and `appRoles` of an application's service principal in a tenant. Raises what its absence means."""
    url, select = f"graph:/servicePrincipals(appId='{app_id}')", {"$select": "id,appRoles"}
    response = await api.request("GET", url, tenant=tenant, params=select)
    found: dict[str, Any] = response.raise_for_status().json()
    return found
