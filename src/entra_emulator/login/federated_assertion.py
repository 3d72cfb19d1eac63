"""What the assertion of a federated domain's identity provider says: checked, and the user it is about."""

from entra_emulator.aadsts import EntraError
from entra_emulator.clock import ticks
from entra_emulator.model import Tenant, User
from entra_emulator.tokens.saml_reading import InvalidAssertion, Received, read
from entra_emulator.world import World

from . import federated_domains

_SKEW_IN = 300.0


def read_assertion(text: bytes, version: str) -> Received:
    """:raises EntraError: 50008 if it is not an assertion of this version."""
    try:
        return read(text, version)
    except InvalidAssertion as problem:
        raise EntraError(50008, reason=str(problem)) from None


def user_of(world: World, received: Received) -> tuple[Tenant, User]:
    """Return the user and the tenant.

    :raises EntraError: 50107 unknown issuer, 50008 an assertion that is not the issuer's for Entra ID, 500133 time,
        51004 unknown user.
    """
    tenant = federated_domains.tenant_of_issuer(world.state, received.issuer)
    if tenant is None:
        raise EntraError(50107, issuer=received.issuer)
    try:
        received.check_signature([federated_domains.signing_key().private.public_key()])
    except InvalidAssertion as problem:
        raise EntraError(50008, reason=str(problem)) from None
    if received.audience != federated_domains.AUDIENCE:
        raise EntraError(50008, reason=f"its audience is '{received.audience}'")
    now = world.clock.now()
    if not received.starts_on <= now + _SKEW_IN or now >= received.expires_on:
        raise EntraError(500133, now=ticks(now), expires=ticks(received.expires_on))
    user = federated_domains.user_of(tenant, received.subject)
    if user is None:
        raise EntraError(51004, tenant=tenant.domain)
    return tenant, user
