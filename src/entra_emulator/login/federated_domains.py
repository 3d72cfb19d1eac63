"""Domains whose users an identity provider of the customer signs in: here an AD FS that the emulator serves itself.

Source: learn.microsoft.com/entra/identity/hybrid/connect/how-to-connect-install-multiple-domains (a domain's issuer),
learn.microsoft.com/entra/identity/hybrid/connect/plan-connect-design-concepts (the immutable id).
"""

import base64
import uuid

from entra_emulator.ids import new_id
from entra_emulator.model import Tenant, User
from entra_emulator.state import State
from entra_emulator.tokens import saml
from entra_emulator.tokens.signing_keys import SigningKey, shared_key
from entra_emulator.world import World

AUDIENCE = "urn:federation:MicrosoftOnline"
"""Entra ID's name as a relying party of AD FS."""

UPN = "http://schemas.xmlsoap.org/claims/UPN"
IMMUTABLE_ID = "http://schemas.microsoft.com/LiveID/Federation/2008/05/ImmutableID"
_VALID_IN = 3600.0  # the AD FS default


def service(world: World) -> str:
    """Return the base URL of the AD FS: on localhost in every cloud, because it is no host of Microsoft's."""
    return f"https://localhost:{world.port}/adfs"


def issuer(domain: str) -> str:
    """Return the issuer of a domain's assertions, as Microsoft Entra Connect configures it for several domains."""
    return f"http://{domain.lower()}/adfs/services/trust/"


def tenant_of_issuer(state: State, uri: str) -> Tenant | None:
    """Return the tenant with the federated domain that an issuer speaks for."""
    return next(
        (
            tenant
            for tenant in state.tenants.values()
            if any(issuer(domain) == uri for domain in tenant.federated_domains)
        ),
        None,
    )


def immutable_id(user: User) -> str:
    """Return the user's immutable id: Graph's onPremisesImmutableId, else the id's bytes in AD's order."""
    given = user.properties.get("onPremisesImmutableId")
    return str(given) if given else base64.b64encode(uuid.UUID(user.id).bytes_le).decode()


def user_of(tenant: Tenant, identifier: str) -> User | None:
    """Return the user with an immutable id."""
    return next((user for user in tenant.users if immutable_id(user) == identifier), None)


def signing_key() -> SigningKey:
    """Return the token-signing key of the AD FS."""
    return shared_key("federation")


def assertion(world: World, user: User) -> saml.Assertion:
    """Return what the AD FS tells Entra ID about a user who has signed in there just now."""
    now = world.clock.now()
    return saml.Assertion(
        issuer=issuer(user.upn.rpartition("@")[2]),
        audience=AUDIENCE,
        subject=immutable_id(user),
        attributes={UPN: [user.upn], IMMUTABLE_ID: [immutable_id(user)]},
        issued_on=now,
        starts_on=now,
        expires_on=now + _VALID_IN,
        authenticated_on=now,
        session=f"_{new_id()}",
    )
