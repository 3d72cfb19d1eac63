"""The table of flows: which flow each credential takes. Only the flow in use is loaded."""

from __future__ import annotations

from importlib import import_module

from mstoken.errors import UsageError
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from mstoken.credentials import BaseCredential
    from mstoken.flows.port import Port
    from mstoken.model import Token, TokenRequest

    Flow = Callable[[TokenRequest, Any, Port], Coroutine[Any, Any, Token]]
    """Requests a token from the service, without reading the cache. The second argument is the request's credential."""

FLOWS: dict[str, str] = {
    "ClientSecret": "client_credentials:client_credentials",
    "ClientCertificate": "client_credentials:client_credentials",
    "ClientKey": "client_credentials:client_credentials",
    "ClientAssertion": "client_credentials:client_credentials",
    "FmiPath": "client_credentials:fmi_path",
    "AgentIdentity": "agent_identity:agent_identity",
    "AgentUser": "agent_identity:agent_user",
    "RefreshToken": "refresh_token:refresh_token",
    "OnBehalfOf": "on_behalf_of:on_behalf_of",
    "Browser": "sign_in:sign_in_token",
    "AuthorizationCode": "sign_in:sign_in_token",
    "DeviceCode": "sign_in:sign_in_token",
    "Password": "sign_in:sign_in_token",
    "ManagedIdentity": "managed_identity:managed_identity",
    "WorkloadIdentity": "workload_identity:workload_identity",
    "AzureCli": "developer_tool:developer_tool",
    "AzurePowerShell": "developer_tool:developer_tool",
    "AzureDeveloperCli": "developer_tool:developer_tool",
    "Chain": "chain:chain",
}
"""Name of the credential's class -> module of this package and function.

Names, because naming the classes would load them all. tools/check_credentials.py finds a class without a row, and a row
whose flow takes another credential.
"""

_loaded: dict[type[BaseCredential], Flow] = {}


def flow_of(credential: BaseCredential) -> Flow:
    """Return the flow of the credential's class. Raises UsageError for a class without one."""
    kind = type(credential)
    flow = _loaded.get(kind)
    if flow is None:
        row = next((FLOWS[base.__name__] for base in kind.__mro__ if base.__name__ in FLOWS), None)
        if row is None:
            raise UsageError(f"mstoken has no flow for {kind.__name__}.", "Use one of the credentials of mstoken.")
        module, _, name = row.partition(":")
        flow = _loaded[kind] = getattr(import_module(f"mstoken.flows.{module}"), name)
    return flow
