"""Issue tokens of managed identities, with their own claims."""

from dataclasses import dataclass
from typing import Any

from entra_emulator.aadsts import EntraError
from entra_emulator.clouds import public
from entra_emulator.ids import opaque
from entra_emulator.model import App, Tenant
from entra_emulator.resources import ARM, Resource
from entra_emulator.tokens.claims import BACKDATED_IN, access_claims
from entra_emulator.tokens.principals import Access, Principal, Stamp
from entra_emulator.world import Site, World

from .identities import Identity

LIFE_IN = 86_400
"""A day; with the five minutes that Entra dates tokens back, `exp - iat` is 86,700."""
_PERSON_LIFE_IN = 3599
_BY_CERTIFICATE = "2"
_MACHINE = ("7 4", "3 9")  # xms_idrel and xms_act_fct of a managed identity, as recorded


@dataclass(frozen=True)
class Issued:
    """A token and its times, epoch seconds."""

    token: str
    client_id: str
    resource: str
    not_before: int
    expires_on: int
    now: int

    @property
    def expires_in(self) -> int:
        """Seconds from now until it expires."""
        return self.expires_on - self.now


def issue(world: World, identity: Identity, resource: str) -> Issued:
    """Return an app-only token of the identity in the emulator's default tenant.

    :raises EntraError: 500011 for a resource that the tenant does not have.
    """
    tenant = world.state.default_tenant
    found = world.state.resource(resource, tenant, None)
    if found is None:
        raise EntraError(500011, resource=resource, tenant=tenant.name)
    own_grants = (grant for grant in tenant.grants if grant.app == identity.client_id and not grant.user)
    granted = (grant for grant in own_grants if grant.resource == found.app_id)
    roles = tuple(sorted({role for grant in granted for role in grant.roles}))
    now = int(world.clock.now())
    stamp = _stamp(tenant, found, now, LIFE_IN)
    app = App(identity.client_id, identity.name, tenant.id)
    principal = Principal(tenant, app, _BY_CERTIFICATE, identity.object_id)
    claims = access_claims(principal, Access(found, resource, roles=roles), stamp)
    claims["idtyp"] = "app"
    if found.app_id == ARM:
        claims.pop("wids", None)  # as recorded; an application's own token for the same API has them
    special = {name: claims.pop(name) for name in list(claims) if name.startswith("xms_")}
    special["xms_idrel"], special["xms_act_fct"] = _MACHINE
    special["xms_mirid"] = identity.resource_id
    special["xms_rd"] = opaque(24)
    token = _sign(world, claims | dict(sorted(special.items())), found)
    return Issued(token, identity.client_id, resource, stamp.issued_on, stamp.expires_on, now)


def issue_to_person(world: World, resource: str) -> Issued:
    """Return a token of Cloud Shell's user, which is the emulator's default user.

    :raises EntraError: 500011 for a resource that the tenant does not have.
    """
    tenant, user = world.state.default_tenant, world.state.default_user
    found = world.state.resource(resource, tenant, None)
    if found is None or user is None:
        raise EntraError(500011, resource=resource, tenant=tenant.name)
    now = int(world.clock.now())
    stamp = _stamp(tenant, found, now, _PERSON_LIFE_IN)
    app = App("9f1c5e2a-6b3d-4c8e-a7f0-1d2e3f4a5c21", "Cloud Shell", tenant.id)
    principal = Principal(
        tenant, app, _BY_CERTIFICATE, user.id, user, tenant, user.roles, ("pwd", "mfa"), signed_in_on=now
    )
    claims = access_claims(principal, Access(found, resource, scopes=("user_impersonation",)), stamp)
    token = _sign(world, claims, found)
    return Issued(token, app.id, resource, stamp.issued_on, stamp.expires_on, now)


def _sign(world: World, claims: dict[str, Any], resource: Resource) -> str:
    return world.keys.sign(claims, with_thumbprint=resource.token_version == 1, hashed_nonce=resource.hashed_nonce)


def _stamp(tenant: Tenant, resource: Resource, now: int, life_in: int) -> Stamp:
    """Return issuer and times. Machines belong to the public cloud, whatever address their endpoints have."""
    site = Site(public(), "login")
    issuer = site.issuer(tenant.id, resource.token_version)
    return Stamp(issuer, f"https://{site.cloud.sts}/", now - BACKDATED_IN, now + life_in)
