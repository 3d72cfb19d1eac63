"""Credentials: the values that a client authenticates with. Constructing one does no I/O.

Each class states what is known about it (`mstoken.credentials.base`). It is loaded when it is first named: a program
uses one or two of them, and all together cost as much start-up time as a TLS connection.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
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
    from mstoken.credentials.union import Credential, narrowed
    from mstoken.credentials.workload_identity import WorkloadIdentity

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

_HOMES = {
    "agent": ("AgentIdentity", "AgentUser", "FmiPath"),
    "assertion": (
        "AssertionSource",
        "AzurePipelines",
        "CallbackAssertion",
        "ClientAssertion",
        "FileAssertion",
        "GitHubActions",
        "TokenAssertion",
    ),
    "base": ("BaseCredential",),
    "certificate": ("ClientCertificate", "ClientKey"),
    "chain": ("Chain", "ChainLink"),
    "client": ("ClientCredential",),
    "developer_tools": ("AzureCli", "AzureDeveloperCli", "AzurePowerShell", "DeveloperTool"),
    "managed_identity": ("ManagedIdentity",),
    "on_behalf_of": ("OnBehalfOf",),
    "refresh_token": ("RefreshToken",),
    "secret": ("ClientSecret",),
    "sign_ins": ("AuthorizationCode", "Browser", "DeviceCode", "DevicePrompt", "Password", "SignIn"),
    "union": ("Credential", "narrowed"),
    "workload_identity": ("WorkloadIdentity",),
}
"""Module -> the names that it defines."""


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names:
            from importlib import import_module

            found: object = getattr(import_module(f"mstoken.credentials.{home}"), name)
            globals()[name] = found
            return found
    raise AttributeError(f"module 'mstoken.credentials' has no attribute {name!r}")
