"""Call an API with the right token: send a request, and repeat it where that can help and does nothing twice."""

from __future__ import annotations

from mstoken import steps
from mstoken.errors import TransportError
from mstoken.hidden import HiddenText
from mstoken.messages import advice, warn
from mstoken.model import TIMEOUT_IN
from mstoken.protocol.challenge import REFUSED, challenged_tenant, claims_option, refused_for_claims
from mstoken.protocol.jwt import readable
from mstoken.rest.api_request import http_request
from mstoken.rest.paced_calls import LONG_WAIT_IN, note_pace, wait_for_pace
from mstoken.rest.pacing import paced
from mstoken.rest.redirects import Target, redirect_target, redirected
from mstoken.rest.response import ApiResponse, Headers
from mstoken.rest.retry import wait_before_retry
from mstoken.typed import TYPE_CHECKING
from mstoken.values import replace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mstoken.flows.port import Port
    from mstoken.model import TokenRequest
    from mstoken.protocol.http import HttpRequest, HttpResponse
    from mstoken.rest.api_request import ApiRequest

"""Statuses for which the response has the claims of the token that was sent."""


async def call(
    api: ApiRequest,
    token_request: TokenRequest,
    port: Port,
    context: Mapping[str, str] | None = None,
    *,
    with_claims: bool = False,
) -> ApiResponse:
    """Send `api` with the token for `token_request`, and return the response, whatever its status.

    The request is repeated by the rules of `retry.py`, and a redirect is followed by those of `redirects.py`. After a
    401 or 403 whose challenge names claims, it is sent once more with a token that has them
    (learn.microsoft.com/entra/identity-platform/claims-challenge); if the API still wants claims of a user, they are
    `claims` in the response's context. Every attempt gets its token from the cache or, if that one expires, a new one.
    The caller must have checked the origin. `context` completes the commands in the
    response's remedies. `with_claims`: the response has the token's claims whatever its status, for parts of a batch.

    Raises UsageError, before anything is sent, for text that HTTP cannot carry and for headers that the caller may not
    set; otherwise what `port.token` raises, TransportError, UnreadableAnswer, and UntrustedOrigin for an insecure
    redirect.
    """
    http = http_request(api, port.request_id)
    line = api.line or f"{http.method} {http.url.partition('?')[0]}"
    follow_tenant = api.follow_tenant and api.service == "arm" and token_request.authority.knows_services
    tries, visited = _Tries(api, line, follow_tenant=follow_tenant), [Target(api.url, not api.anonymous)]
    while True:
        response, token_request = await _settled(http, token_request, port, tries, with_token=visited[-1].with_token)
        target = redirect_target(http.method, response, visited)
        if target is None:
            break
        visited.append(target)
        http = redirected(http, target)
    known = {**(context or {}), "tenant": token_request.authority.tenant}
    asks = visited[-1].with_token and token_request.credential.acts_for_user
    if asks and (claims := refused_for_claims(response.status, response.headers)):
        known["claims"] = claims_option(claims)
    decoded = readable(tries.token) if with_claims or response.status in REFUSED else None
    return ApiResponse(
        response.status,
        Headers(response.headers),
        response.body,
        line,
        known,
        tries.attempts,
        http.method,
        api.url,
        decoded.claims if decoded else {},
    )


class _Tries:
    """How the requests of one call are repeated; the attempts that its last one took, and the token that it had."""

    def __init__(self, api: ApiRequest, line: str, *, follow_tenant: bool) -> None:
        self.line = line
        self.policy, self.timeout, self.service = api.retry, api.timeout or TIMEOUT_IN, api.service
        self.follow_tenant, self.attempts, self.token = follow_tenant, 1, ""


async def _settled(
    http: HttpRequest, token_request: TokenRequest, port: Port, tries: _Tries, *, with_token: bool
) -> tuple[HttpResponse, TokenRequest]:
    """Send the request until its response is final. Returns it, and the token request for further requests.

    Raises the TransportError of the last attempt.
    """
    began, attempt = port.now(), 1
    while True:
        outcome, token_request = await _paced(http, token_request, port, tries, with_token=with_token)
        tries.attempts = attempt
        wait = wait_before_retry(outcome, attempt, repeatable=http.repeatable, now=port.now(), random=port.random())
        if wait is None or attempt > tries.policy.retries:
            break
        if isinstance(outcome, TransportError):
            if http.receiver is not None and http.receiver.started:
                break  # only the rest of the body is requested again, by whoever has the receiver
            if port.now() - began + wait > tries.timeout:
                break  # a server that does not answer must not take several timeouts
        elif wait > tries.policy.max_wait_in:
            _say_too_long(tries, outcome, wait)
            break
        _say_waiting(tries, outcome, wait, attempt)
        await port.sleep(wait)
        attempt += 1
    if isinstance(outcome, TransportError):
        raise outcome
    return outcome, token_request


async def _paced(
    http: HttpRequest, token_request: TokenRequest, port: Port, tries: _Tries, *, with_token: bool
) -> tuple[HttpResponse | TransportError, TokenRequest]:
    """Make one attempt at the pace that the API asks for. Returns the outcome and the token request for others."""
    if not with_token:
        tries.token = ""
        return await _exchange(http, port), token_request
    limits = paced(http.method, http.url, tries.service, token_request)
    if limits:
        await wait_for_pace(limits, tries.line, port, tries.policy.max_wait_in)
    outcome, token_request, tries.token = await _attempt(http, token_request, port, follow_tenant=tries.follow_tenant)
    if limits and not isinstance(outcome, TransportError):
        await note_pace(limits, outcome, port)
    return outcome, token_request


async def _attempt(
    http: HttpRequest, token_request: TokenRequest, port: Port, *, follow_tenant: bool
) -> tuple[HttpResponse | TransportError, TokenRequest, str]:
    """Send the request, once more if its challenge names claims, or another tenant to follow.

    Returns the outcome, the token request for further attempts, and the token that was sent. An error of the token
    service is raised.
    """
    response, token = await _send(http, token_request, port)
    if isinstance(response, TransportError) or response.status not in REFUSED:
        return response, token_request, token
    claims = refused_for_claims(response.status, response.headers)
    if claims and claims != token_request.claims:
        response, token = await _send(http, replace(token_request, claims=claims), port)
        return response, token_request, token
    follows = follow_tenant and response.status == 401
    tenant = challenged_tenant(response.headers.get("www-authenticate", "")) if follows else ""
    if tenant and tenant != token_request.authority.tenant.lower():
        token_request = replace(token_request, authority=token_request.authority.for_tenant(tenant))
        response, token = await _send(http, token_request, port)
    return response, token_request, token


async def _send(
    http: HttpRequest, token_request: TokenRequest, port: Port
) -> tuple[HttpResponse | TransportError, str]:
    token = await port.token(token_request)
    headers = {**http.headers, "Authorization": HiddenText(f"Bearer {token.token}")}
    return await _exchange(replace(http, headers=headers), port), token.token


async def _exchange(http: HttpRequest, port: Port) -> HttpResponse | TransportError:
    try:
        return await port.send(http)
    except TransportError as error:
        return error


def _say_waiting(tries: _Tries, outcome: HttpResponse | TransportError, wait: float, attempt: int) -> None:
    attempts = tries.policy.retries + 1
    steps.waiting(wait, attempt + 1, attempts)
    if wait >= LONG_WAIT_IN:
        said = outcome.message if isinstance(outcome, TransportError) else f"{tries.line} returned {outcome.status}."
        warn(f"{said} Attempt {attempt + 1} of {attempts} follows in {wait:.0f} seconds.")


def _say_too_long(tries: _Tries, response: HttpResponse, wait: float) -> None:
    option = advice(options="--max-wait SECONDS", python="max_wait=…")
    warn(
        f"{tries.line} returned {response.status} and asks to wait {wait:.0f} seconds, longer than the "
        f"{tries.policy.max_wait_in:g} that mstoken waits ({option})."
    )
