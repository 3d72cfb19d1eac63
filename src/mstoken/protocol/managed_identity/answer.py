"""Parse a managed-identity endpoint's response: a token in the token endpoint's own form, or the matching exception."""

from __future__ import annotations

import json

from mstoken import errors
from mstoken.errors import Refusal
from mstoken.protocol.managed_identity.azure_arc import confirm
from mstoken.protocol.managed_identity.identity_endpoint import TITLES
from mstoken.protocol.managed_identity.imds import reason_not_imds
from mstoken.protocol.refusal import parse_refusal, refusal_of
from mstoken.protocol.retry_after import requested_wait
from mstoken.protocol.server_text import one_line
from mstoken.protocol.token_endpoint import json_object, parse_token_response
from mstoken.typed import TYPE_CHECKING
from mstoken.values import replace

if TYPE_CHECKING:
    from mstoken.errors import MstokenError
    from mstoken.model import TokenRequest
    from mstoken.protocol.http import HttpResponse
    from mstoken.protocol.managed_identity.dialect import Dialect, IdentityRequest
    from mstoken.protocol.token_endpoint import TokenResponse

HALF_LIFE_FROM_IN = 7200
"""Minimum lifetime in seconds of a token that is renewed at half of its lifetime, as in MSAL and azure-identity."""
NO_IDENTITY = "identity_not_found"
"""The suberror of a refusal that means that the identity does not exist here."""


def parse_identity_response(
    response: HttpResponse, identity_request: IdentityRequest, dialect: Dialect, request: TokenRequest, now: float
) -> TokenResponse:
    """Return the contents of a response at `now` (epoch seconds, UTC).

    Raises Misconfigured, CredentialRejected, AccessBlocked, Throttled or ServiceUnavailable by the endpoint's error,
    TransportError if an intermediary reports that the endpoint is unreachable, UnreadableAnswer for a redirect and for
    an invalid response.
    """
    if response.status != 200:
        raise failure(response, identity_request, dialect, request, now)
    body = json_object(response)
    if identity_request.endpoint.source == "azure_arc":
        confirm(body, identity_request)
    answer = parse_token_response(response, request, now, 0.0)
    token = answer.token
    if not body.get("refresh_in") and token.expires_on - int(now) >= HALF_LIFE_FROM_IN:
        token = replace(token, refresh_on=int(now) + (token.expires_on - int(now)) // 2)
    return replace(answer, token=token)


def failure(
    response: HttpResponse, identity_request: IdentityRequest, dialect: Dialect, request: TokenRequest, now: float
) -> MstokenError:
    """Return the exception for a response without a token, without the secret that the endpoint may quote in it."""
    if identity_request.endpoint.secret:
        response = replace(
            response,
            body=response.body.replace(identity_request.endpoint.secret.encode(errors="surrogatepass"), "…".encode()),
        )
    entra = parse_refusal(response)
    if entra.codes:
        return refusal_of(response, now, request)
    if identity_request.endpoint.source == "imds" and (reason := reason_not_imds(response)):
        return errors.TransportError(
            f"There is no managed identity at {identity_request.endpoint.url}: {reason}.",
            "Containers on your own machine and other clouds have none. Use another credential.",
        )
    if 300 <= response.status < 400:
        return errors.UnreadableAnswer(
            f"{identity_request.endpoint.url} answered with a redirect (HTTP {response.status}), which does not show "
            "whether there is a managed identity. The redirect was not followed.",
            "A proxy, a firewall or a network's sign-in page is in between. In Azure, make the address reachable "
            "directly; elsewhere, use another credential (AZURE_TOKEN_CREDENTIALS=dev).",
        )
    return _own(response, identity_request, dialect, entra, requested_wait(response.headers, now))


def _own(
    response: HttpResponse, identity_request: IdentityRequest, dialect: Dialect, entra: Refusal, wait: float | None
) -> MstokenError:
    """Return the exception for the endpoint's own error; it also forwards Entra's errors."""
    code, text = _error_of(response, entra)
    refusal = Refusal(error=entra.error or code, description=text, status=response.status)
    where = TITLES[identity_request.endpoint.source]
    message = (
        f"{where} issued no token (HTTP {response.status}{', ' + code if code else ''}): {text or 'no reason given'}"
    )
    if cause := dialect.known.get(code):
        return errors.Misconfigured(f"{message} In other words: {cause[0]}.", cause[1], refusal)
    if response.status == 429:
        return errors.Throttled(
            message,
            "Request tokens less often: one client for all requests caches them.",
            wait,
            refusal,
        )
    if response.status >= 500 or response.status in (404, 408, 410):
        return errors.ServiceUnavailable(
            message, _WHEN_BROKEN.format(resource=identity_request.resource), wait, refusal
        )
    if response.status in (401, 403):
        remedy = _WHEN_DENIED if identity_request.endpoint.secret else _WHEN_IN_BETWEEN
        return errors.CredentialRejected(message, remedy.format(endpoint=identity_request.endpoint.url), refusal)
    if response.status != 400:  # only 400 means a missing identity (docs: how-to-use-vm-token, error handling)
        return errors.UnreadableAnswer(message, _WHEN_IN_BETWEEN.format(endpoint=identity_request.endpoint.url))
    return _no_identity(message, identity_request, replace(refusal, suberror=NO_IDENTITY))


_WHEN_BROKEN = (
    "Try again in a minute. If the error remains, check the resource (some endpoints answer a wrong one this way): "
    "{resource}"
)
_WHEN_DENIED = (
    "The platform renews its secret at a restart: restart the program, so that it reads its environment again."
)
_WHEN_IN_BETWEEN = (
    "The endpoint requires no secret, so something else may have answered at {endpoint}: a proxy, a firewall, the host "
    "of this container. Outside Azure there is no managed identity; list the other identities: mstoken doctor"
)


def _no_identity(message: str, identity_request: IdentityRequest, refusal: Refusal) -> MstokenError:
    kind, value = identity_request.identity.named_by
    if kind:
        remedy = f"Check whether the identity with the {kind} {value} is assigned to this resource; if not, assign it."
    else:
        remedy = (
            "Assign one to the resource, for example: az vm identity assign --name NAME --resource-group GROUP\n"
            "If it has user-assigned identities only, name one: ManagedIdentity(client_id=…), or AZURE_CLIENT_ID."
        )
    return errors.Misconfigured(message, remedy, refusal)


def _error_of(response: HttpResponse, entra: Refusal) -> tuple[str, str]:
    """Return (code, text) of an error in any form: Entra's, {error: {code, message}}, or {statusCode, message}."""
    if entra.error:
        return entra.error, entra.description
    try:
        body = json.loads(response.body)
    except (ValueError, RecursionError):
        return "", ""
    if not isinstance(body, dict):
        return "", ""
    inner = body.get("error")
    found = inner if isinstance(inner, dict) else body
    code, text = found.get("code"), found.get("message") or found.get("Message") or inner
    return one_line(code), one_line(text)
