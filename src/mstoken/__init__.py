"""Access tokens for Microsoft services, in one line.

    from mstoken import Client, ClientSecret

    client = Client("contoso.onmicrosoft.com", client_id, ClientSecret(secret))
    client.get_token("graph").token

Names are loaded when first used, so importing the package costs next to nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take it for True; typing itself would take longer to import than Python to start
if TYPE_CHECKING:
    from mstoken.authority import Authority
    from mstoken.client import AsyncClient, Client, default
    from mstoken.credentials import (
        AgentIdentity,
        AgentUser,
        AuthorizationCode,
        AzureCli,
        AzureDeveloperCli,
        AzurePipelines,
        AzurePowerShell,
        Browser,
        CallbackAssertion,
        ClientAssertion,
        ClientCertificate,
        ClientKey,
        ClientSecret,
        DeviceCode,
        DevicePrompt,
        FileAssertion,
        FmiPath,
        GitHubActions,
        ManagedIdentity,
        OnBehalfOf,
        Password,
        RefreshToken,
        TokenAssertion,
        WorkloadIdentity,
    )
    from mstoken.errors import (
        AccessBlocked,
        ApiRefused,
        AuthorizationPending,
        ConsentRequired,
        CredentialRejected,
        Misconfigured,
        MstokenError,
        NotConfigured,
        ServiceUnavailable,
        SignInRequired,
        StoreError,
        Throttled,
        TokenRefused,
        TransportError,
        TryLater,
        UnreadableAnswer,
        UntrustedCertificate,
        UntrustedOrigin,
        UsageError,
    )
    from mstoken.fleet.schedule import TenantResult
    from mstoken.flows.store_port import Stores
    from mstoken.model import Token
    from mstoken.protocol.challenge import claims_challenge
    from mstoken.rest.key_vault import key_vault_refresh_tokens, key_vault_secret
    from mstoken.rest.response import ApiResponse
    from mstoken.stores.redis_stores import redis_stores

    __version__: str

__all__ = [
    "AccessBlocked",
    "AgentIdentity",
    "AgentUser",
    "ApiRefused",
    "ApiResponse",
    "AsyncClient",
    "Authority",
    "AuthorizationCode",
    "AuthorizationPending",
    "AzureCli",
    "AzureDeveloperCli",
    "AzurePipelines",
    "AzurePowerShell",
    "Browser",
    "CallbackAssertion",
    "Client",
    "ClientAssertion",
    "ClientCertificate",
    "ClientKey",
    "ClientSecret",
    "ConsentRequired",
    "CredentialRejected",
    "DeviceCode",
    "DevicePrompt",
    "FileAssertion",
    "FmiPath",
    "GitHubActions",
    "ManagedIdentity",
    "Misconfigured",
    "MstokenError",
    "NotConfigured",
    "OnBehalfOf",
    "Password",
    "RefreshToken",
    "ServiceUnavailable",
    "SignInRequired",
    "StoreError",
    "Stores",
    "TenantResult",
    "Throttled",
    "Token",
    "TokenAssertion",
    "TokenRefused",
    "TransportError",
    "TryLater",
    "UnreadableAnswer",
    "UntrustedCertificate",
    "UntrustedOrigin",
    "UsageError",
    "WorkloadIdentity",
    "claims_challenge",
    "default",
    "key_vault_refresh_tokens",
    "key_vault_secret",
    "redis_stores",
]

_HOMES = (
    "errors",
    "credentials",
    "authority",
    "model",
    "client",
    "protocol.challenge",
    "rest.response",
    "rest.key_vault",
    "stores.redis_stores",
    "fleet.schedule",
)  # the light ones first: looking for a name imports them in turn


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("mstoken")
    if name in __all__:
        from importlib import import_module

        for home in _HOMES:
            module = import_module(f"mstoken.{home}")
            if hasattr(module, name):
                return getattr(module, name)
    raise AttributeError(f"module 'mstoken' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
