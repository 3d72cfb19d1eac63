"""Credentials: the values that a client authenticates with. Constructing one does no I/O.

Each class states what is known about it (`mstoken.credentials.base`).
"""

from __future__ import annotations

from mstoken.credentials.agent import AgentIdentity, AgentUser, FmiPath
from mstoken.credentials.assertion import (
    AssertionSource,
    AzurePipelines,
    CallbackAssertion,
    ClientAssertion,
    FileAssertion,
    GitHubActions,
    TokenAssertion,
)
from mstoken.credentials.base import BaseCredential
from mstoken.credentials.certificate import ClientCertificate, ClientKey
from mstoken.credentials.chain import Chain, ChainLink
from mstoken.credentials.client import ClientCredential
from mstoken.credentials.developer_tools import AzureCli, AzureDeveloperCli, AzurePowerShell, DeveloperTool
from mstoken.credentials.managed_identity import ManagedIdentity
from mstoken.credentials.on_behalf_of import OnBehalfOf
from mstoken.credentials.refresh_token import RefreshToken
from mstoken.credentials.secret import ClientSecret
from mstoken.credentials.sign_ins import AuthorizationCode, Browser, DeviceCode, DevicePrompt, Password, SignIn
from mstoken.credentials.workload_identity import WorkloadIdentity
from mstoken.typed import cast

__all__ = [
    "AgentIdentity",
    "AgentUser",
    "AssertionSource",
    "AuthorizationCode",
    "AzureCli",
    "AzureDeveloperCli",
    "AzurePipelines",
    "AzurePowerShell",
    "BaseCredential",
    "Browser",
    "CallbackAssertion",
    "Chain",
    "ChainLink",
    "ClientAssertion",
    "ClientCertificate",
    "ClientCredential",
    "ClientKey",
    "ClientSecret",
    "Credential",
    "DeveloperTool",
    "DeviceCode",
    "DevicePrompt",
    "FileAssertion",
    "FmiPath",
    "GitHubActions",
    "ManagedIdentity",
    "OnBehalfOf",
    "Password",
    "RefreshToken",
    "SignIn",
    "TokenAssertion",
    "WorkloadIdentity",
    "narrowed",
]

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
