"""Assertions that another party signs: each is fetched from the source that the credential names.

Source: learn.microsoft.com/entra/workload-id/workload-identity-federation
"""

from __future__ import annotations

from functools import partial

from mstoken import clouds
from mstoken.credentials import (
    AzurePipelines,
    CallbackAssertion,
    FileAssertion,
    GitHubActions,
    TokenAssertion,
)
from mstoken.errors import UsageError
from mstoken.fingerprints import fingerprint_of_parts
from mstoken.flows.retry import send_with_retry, time_left_in
from mstoken.flows.single_flight import get_or_fetch
from mstoken.foreign import ForeignCode
from mstoken.hidden import HiddenText
from mstoken.model import Token
from mstoken.protocol.cache_key import client_parts
from mstoken.protocol.job_token import azure_pipelines_request, github_request, parse_job_token
from mstoken.protocol.jwt import expires_on, looks_like_jwt
from mstoken.typed import TYPE_CHECKING, assert_never
from mstoken.values import replace

if TYPE_CHECKING:
    from mstoken.credentials import AssertionSource
    from mstoken.flows.port import Port
    from mstoken.model import TokenRequest
    from mstoken.protocol.http import HttpRequest

_CALLBACK = ForeignCode(
    "The function for the assertion", "Correct the function given to CallbackAssertion; the cause is its own error."
)


async def federated_assertion(
    source: AssertionSource, request: TokenRequest, port: Port, *, fresh: bool = False
) -> str:
    """Return the assertion for `request`. Files are read and functions called each time; responses are cached.

    `fresh` excludes an assertion that was used before. Raises UsageError if the source has no assertion; otherwise what
    the service that issues it raises.
    """
    match source:
        case FileAssertion():
            return _checked(await port.call(source.read), f"The file {source.path}")
        case CallbackAssertion():
            return _checked(await port.call(_CALLBACK.calling(source.call)), "The function for the assertion")
        case GitHubActions():
            url, bearer = await port.call(source.endpoint)
            http = github_request(url, bearer, source.audience or token_exchange(request))
            return await _job_token(http, "value", "GitHub Actions", request, port, fresh=fresh)
        case AzurePipelines():
            url, bearer, connection = await port.call(source.endpoint)
            http = azure_pipelines_request(url, bearer, connection)
            return await _job_token(http, "oidcToken", "Azure Pipelines", request, port, fresh=fresh)
        case TokenAssertion():
            return await _token_of(source, request, port, fresh=fresh)
        case _:
            assert_never(source)


def token_exchange(request: TokenRequest) -> str:
    """Return the audience of assertions in the cloud of the request."""
    cloud = clouds.cloud_of_authority(request.authority.origin) or clouds.PUBLIC
    return cloud.token_exchange


async def _job_token(
    http: HttpRequest, member: str, issuer: str, request: TokenRequest, port: Port, *, fresh: bool
) -> str:
    async def fetch(timed: TokenRequest) -> Token:
        parse = partial(parse_job_token, member=member, issuer=issuer, now=port.now())
        assertion = _checked(await send_with_retry(http, parse, time_left_in(timed, port), port), issuer)
        return Token(str(assertion), _expiry(assertion))

    # Each job has its own URL, so another job does not find this one's token.
    key = fingerprint_of_parts("job token", http.url)
    return HiddenText((await get_or_fetch(key, fetch, replace(request, min_ttl=0, fresh=fresh), port)).token)


async def _token_of(source: TokenAssertion, request: TokenRequest, port: Port, *, fresh: bool) -> str:
    authority = request.authority.for_tenant(source.tenant) if source.tenant else request.authority
    token_request = replace(
        request,
        authority=authority,
        client_id=source.client_id or request.client_id,
        credential=source.credential,
        scopes=(f"{source.audience or token_exchange(request)}/.default",),
        claims="",
        enable_cae=False,
        key_id="",
        min_ttl=0,
        fresh=fresh,
    )
    if source.credential.needs_client_id and _client_identity(token_request) == _client_identity(request):
        # The request would wait for its own lock, and a client that can get this token needs no assertion.
        raise UsageError(
            f"The application {request.client_id} cannot authenticate with a token of its own.",
            "Name the client of the token: TokenAssertion(credential, client_id=...).",
        )
    return HiddenText((await port.token(token_request)).token)


def _client_identity(request: TokenRequest) -> tuple[str, ...]:
    return *client_parts(request), request.credential.cache_partition(request.authority)


def _checked(assertion: object, where: str) -> str:
    assertion = text = HiddenText(assertion.strip() if isinstance(assertion, str) else "")
    if not looks_like_jwt(text):
        raise UsageError(
            f"{where} did not provide a JWT for the client assertion.",
            "Provide the token itself, in one line, and nothing else.",
        )
    return text


def _expiry(assertion: str) -> int:
    """Return the token's own `exp`; 0, which prevents reuse, if it has none."""
    return int(expires_on(assertion) or 0)
