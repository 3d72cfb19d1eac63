"""Credentials are values: what a client proves itself with. Constructing one touches nothing."""

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
from mstoken.credentials.certificate import ClientCertificate, ClientKey
from mstoken.credentials.chain import Chain, ChainLink
from mstoken.credentials.managed_identity import ManagedIdentity
from mstoken.credentials.on_behalf_of import OnBehalfOf
from mstoken.credentials.refresh_token import RefreshToken
from mstoken.credentials.secret import ClientSecret
from mstoken.credentials.sign_ins import AuthorizationCode, Browser, DeviceCode, DevicePrompt, Password, SignIn
from mstoken.credentials.workload_identity import WorkloadIdentity

__all__ = [
    "AgentIdentity",
    "AgentUser",
    "AssertionSource",
    "AuthorizationCode",
    "AzurePipelines",
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
    "is_user",
    "names_itself",
]

ClientCredential = ClientSecret | ClientCertificate | ClientKey | ClientAssertion
"""How an application proves itself to the token endpoint; a public client has none."""

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
    | Chain
)


_OF_PEOPLE = RefreshToken | SignIn | OnBehalfOf | AgentUser


def is_user(credential: Credential) -> bool:
    """Whether tokens got with it stand for a person (delegated), not for the application alone."""
    return isinstance(credential, _OF_PEOPLE)


def names_itself(credential: Credential) -> bool:
    """Whether it says by itself who asks and in which tenant: the client needs neither a client id nor a tenant."""
    return isinstance(credential, ManagedIdentity | Chain)
