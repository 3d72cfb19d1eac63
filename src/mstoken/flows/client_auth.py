"""Client authentication at the token endpoint (RFC 6749 section 2.3), and token requests that use it."""

from __future__ import annotations

from mstoken import credentials
from mstoken.errors import CredentialRejected
from mstoken.flows.retry import send_token_request
from mstoken.protocol.token_endpoint import build_token_request
from mstoken.typed import TYPE_CHECKING, assert_never

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mstoken.credentials import ClientCredential
    from mstoken.flows.port import Port
    from mstoken.model import TokenRequest
    from mstoken.protocol.http import HttpRequest
    from mstoken.protocol.token_endpoint import TokenResponse

EXPIRED = 700024
"""AADSTS code: the assertion was not yet, or no longer, valid when it arrived."""
SPREAD_IN = 1.0
"""Seconds that a newly added certificate or federated credential may take to reach the server that is used."""


async def request_token(
    credential: ClientCredential | None,
    grant: Mapping[str, str],
    request: TokenRequest,
    port: Port,
    route: Callable[[HttpRequest], HttpRequest] = lambda http: http,
) -> TokenResponse:
    """Send a token request with the fields of `grant`, authenticated as the client of `credential`.

    `route` sends the request by another route than directly to the authority.

    If an assertion is refused because it has expired, it is fetched or signed again, once. If it is refused because it
    may not have reached every server yet (the codes with `retry` in aadsts.toml), it is sent again, once. Raises what
    `send_token_request` raises, and what fetching or signing an assertion raises.
    """
    authentication = await client_auth(credential, request, port)
    try:
        return await send_token_request(route(build_token_request(request, authentication, grant)), request, port)
    except CredentialRejected as error:
        expired = EXPIRED in error.codes
        if "client_assertion" not in authentication or not (expired or _is_transient(error)):
            raise
        refusal = error
    if not expired:
        await port.sleep(SPREAD_IN)
    new_authentication = await client_auth(credential, request, port, fresh=True)
    if expired and new_authentication == authentication:
        raise refusal
    return await send_token_request(route(build_token_request(request, new_authentication, grant)), request, port)


async def client_auth(
    credential: ClientCredential | None, request: TokenRequest, port: Port, *, fresh: bool = False
) -> dict[str, str]:
    """Return `client_secret` for a secret, `client_assertion` for a key or a federation, nothing for a public client.

    `fresh` excludes an assertion that was used before. Source:
    learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
    """
    match credential:
        case None:
            return {}
        case credentials.ClientSecret(secret):
            return {"client_secret": secret}
        case credentials.ClientCertificate() | credentials.ClientKey():
            from mstoken.flows.signed_assertion import signed_assertion
            from mstoken.protocol.client_assertion import proof

            return proof(await signed_assertion(credential, request, port, fresh=fresh))
        case credentials.ClientAssertion(source):
            from mstoken.flows.federated_assertion import federated_assertion
            from mstoken.protocol.client_assertion import proof

            return proof(await federated_assertion(source, request, port, fresh=fresh))
        case _:
            assert_never(credential)


def _is_transient(refusal: CredentialRejected) -> bool:
    from mstoken import aadsts

    return any(cause.retry for code in refusal.codes[:1] if (cause := aadsts.lookup(code)))
