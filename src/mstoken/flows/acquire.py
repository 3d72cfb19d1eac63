"""Which flow a credential takes: the one place that knows them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mstoken.credentials import (
    AgentIdentity,
    AgentUser,
    ClientAssertion,
    ClientCertificate,
    ClientKey,
    ClientSecret,
    FmiPath,
    RefreshToken,
)
from mstoken.flows.agent_identity import agent_identity, agent_user
from mstoken.flows.client_credentials import client_credentials
from mstoken.flows.refresh_token import refresh_token

if TYPE_CHECKING:
    from mstoken.flows.port import Port
    from mstoken.model import Token, TokenRequest


async def acquire(request: TokenRequest, port: Port) -> Token:
    """Ask the token service, whatever is kept. Raises what the flow raises."""
    match request.credential:
        case ClientSecret() | ClientCertificate() | ClientKey() | ClientAssertion() as credential:
            return await client_credentials(request, credential, port)
        case FmiPath(client, fmi_path):
            return await client_credentials(request, client, port, fmi_path=fmi_path)
        case AgentIdentity() as credential:
            return await agent_identity(request, credential, port)
        case AgentUser() as credential:
            return await agent_user(request, credential, port)
        case RefreshToken() as credential:
            return await refresh_token(request, credential, port)
