"""On-behalf-of: a web API calls another one as the user who called it.

Sources: RFC 7523 section 2.1 with Entra's `requested_token_use`;
learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow, and for sessions that outlive the call
learn.microsoft.com/entra/msal/dotnet/acquiring-tokens/web-apps-apis/on-behalf-of-flow (long-running processes).
A refusal with `claims` is meant for the user: the web API returns it to its caller (`claims_challenge`).
"""

from __future__ import annotations

from mstoken.credentials import AgentIdentity, RefreshToken
from mstoken.errors import UsageError
from mstoken.flows.client_auth import request_token
from mstoken.flows.refresh_token import refresh_token
from mstoken.model import TokenInfo
from mstoken.protocol.authorize_url import OIDC
from mstoken.protocol.cache_key import account_name
from mstoken.typed import TYPE_CHECKING
from mstoken.values import replace

if TYPE_CHECKING:
    from mstoken.credentials import OnBehalfOf
    from mstoken.flows.port import Port
    from mstoken.model import Token, TokenRequest

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"


async def on_behalf_of(request: TokenRequest, credential: OnBehalfOf, port: Port) -> Token:
    """Get a token for the user who called. A session key starts a session; without an assertion, the session continues.

    Raises TokenRefused, including SignInRequired with the `claims` that the user has to meet; UsageError for a session
    that was never started or has ended.
    """
    client = credential.client
    if isinstance(client, AgentIdentity):
        from mstoken.flows.agent_identity import as_agent

        request, client = as_agent(request, client)
    session = RefreshToken(account=account_name(request), client=client) if credential.session_key else None
    if not credential.assertion and session is not None:
        if await port.load_refresh_token(session.store_key) is None:
            raise UsageError(
                "There is no on-behalf-of session under this key.",
                "Start the session with the user's token: OnBehalfOf(assertion, client, session_key).",
            )
        return await refresh_token(request, session, port)
    oidc_request = replace(request, scopes=tuple(dict.fromkeys((*request.scopes, *OIDC)))) if session else request
    form = {"grant_type": GRANT_TYPE, "assertion": credential.assertion, "requested_token_use": "on_behalf_of"}
    answer = await request_token(client, form, oidc_request, port)
    if session is not None and answer.refresh_token:
        info = TokenInfo(request.authority.base_url, request.authority.tenant, request.client_id)
        await port.put_refresh_token(session.store_key, answer.refresh_token, info)
    return answer.token
