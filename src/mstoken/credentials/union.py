"""The union of all credentials."""

from __future__ import annotations

from mstoken.credentials.agent import AgentIdentity, AgentUser, FmiPath
from mstoken.credentials.chain import Chain
from mstoken.credentials.client import ClientCredential
from mstoken.credentials.developer_tools import AzureCli, AzureDeveloperCli, AzurePowerShell
from mstoken.credentials.managed_identity import ManagedIdentity
from mstoken.credentials.on_behalf_of import OnBehalfOf
from mstoken.credentials.refresh_token import RefreshToken
from mstoken.credentials.sign_ins import SignIn
from mstoken.credentials.workload_identity import WorkloadIdentity
from mstoken.typed import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from mstoken.credentials.base import BaseCredential

Credential = (
    ClientCredential
    | RefreshToken
    | SignIn
    | OnBehalfOf
    | FmiPath
    | AgentIdentity
    | AgentUser
    | ManagedIdentity
    | WorkloadIdentity
    | AzureCli
    | AzurePowerShell
    | AzureDeveloperCli
    | Chain
)
"""Every credential, so that mypy sees whether a `match` leaves one out."""


def narrowed(credential: BaseCredential) -> Credential:
    """The same value. There is no other `BaseCredential`, which tools/check_credentials.py checks."""
    return cast("Credential", credential)
