"""Identities that come from where the program runs, and not from a secret it was given."""

from __future__ import annotations

from mstoken.credentials import Chain, ManagedIdentity, WorkloadIdentity
from mstoken.flows.managed_identity import managed_identity
from mstoken.flows.workload_identity import workload_identity
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.flows.port import Port
    from mstoken.model import Token, TokenRequest


async def platform(request: TokenRequest, credential: ManagedIdentity | WorkloadIdentity | Chain, port: Port) -> Token:
    """Ask as the machine or the workload. Raises what its flow raises."""
    match credential:
        case ManagedIdentity():
            return await managed_identity(request, credential, port)
        case WorkloadIdentity():
            return await workload_identity(request, credential, port)
        case Chain():
            raise AssertionError("`cached` goes along a chain, so that each link's token is kept as its own")
