"""Which flow a credential takes: the one place that knows them all. Only the flow that is taken is loaded."""

from __future__ import annotations

from mstoken.credentials import (
    AgentIdentity,
    AgentUser,
    AuthorizationCode,
    Browser,
    Chain,
    ClientAssertion,
    ClientCertificate,
    ClientKey,
    ClientSecret,
    DeviceCode,
    FmiPath,
    ManagedIdentity,
    OnBehalfOf,
    Password,
    RefreshToken,
    WorkloadIdentity,
)
from mstoken.flows.client_credentials import client_credentials
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from mstoken.credentials import SignIn
    from mstoken.flows.port import Port
    from mstoken.model import Token, TokenRequest


def acquire(request: TokenRequest, port: Port) -> Coroutine[Any, Any, Token]:
    """Ask the token service, whatever is kept. Raises what the flow raises."""
    match request.credential:
        case ClientSecret() | ClientCertificate() | ClientKey() | ClientAssertion() as credential:
            return client_credentials(request, credential, port)
        case FmiPath(client, fmi_path):
            return client_credentials(request, client, port, fmi_path=fmi_path)
        case AgentIdentity() as credential:
            from mstoken.flows.agent_identity import agent_identity

            return agent_identity(request, credential, port)
        case AgentUser() as credential:
            from mstoken.flows.agent_identity import agent_user

            return agent_user(request, credential, port)
        case RefreshToken() | OnBehalfOf() | Browser() | AuthorizationCode() | DeviceCode() | Password() as credential:
            return _for_a_person(request, credential, port)
        case ManagedIdentity() | WorkloadIdentity() | Chain() as credential:
            from mstoken.flows.platform import platform

            return platform(request, credential, port)


def _for_a_person(
    request: TokenRequest, credential: RefreshToken | OnBehalfOf | SignIn, port: Port
) -> Coroutine[Any, Any, Token]:
    match credential:
        case RefreshToken():
            from mstoken.flows.refresh_token import refresh_token

            return refresh_token(request, credential, port)
        case OnBehalfOf():
            from mstoken.flows.on_behalf_of import on_behalf_of

            return on_behalf_of(request, credential, port)
        case _:
            from mstoken.flows.sign_in import signed_in

            return signed_in(request, credential, port)
