"""The OIDC tokens that CI systems issue to their jobs: build the request, parse the response.

Sources: docs.github.com/actions/reference/security/oidc;
learn.microsoft.com/rest/api/azure/devops/distributedtask/oidctoken/create
"""

from __future__ import annotations

from mstoken.errors import CredentialRejected, Refusal, ServiceUnavailable, Throttled, UnreadableAnswer
from mstoken.hidden import HiddenText, hidden
from mstoken.protocol.http import HttpRequest, check_header_text
from mstoken.protocol.retry_after import requested_wait
from mstoken.protocol.server_text import is_visible
from mstoken.protocol.token_endpoint import form_encoded, json_object
from mstoken.typed import TYPE_CHECKING
from mstoken.urls import check_url, origin_of

if TYPE_CHECKING:
    from mstoken.protocol.http import HttpResponse


def github_request(url: str, token: str, audience: str) -> HttpRequest:
    """GET the job's token for `audience`. Raises UsageError if a secret must not be sent to the URL."""
    origin_of(url, "ACTIONS_ID_TOKEN_REQUEST_URL")
    check_header_text(token, "ACTIONS_ID_TOKEN_REQUEST_TOKEN")
    headers = {"Authorization": HiddenText(f"bearer {token}"), "Accept": "application/json; api-version=2.0"}
    return HttpRequest("GET", _with_query(url, audience=audience), headers)


def azure_pipelines_request(url: str, token: str, connection: str) -> HttpRequest:
    """POST for the token of a service connection. Raises UsageError if a secret must not be sent to the URL."""
    origin_of(url, "SYSTEM_OIDCREQUESTURI")
    check_header_text(token, "SYSTEM_ACCESSTOKEN")
    headers = {
        "Authorization": HiddenText(f"Bearer {token}"),
        "Accept": "application/json",
        "Content-Type": "application/json",
        "Content-Length": "0",  # gateways refuse a POST without it (HTTP 411)
        # Without this header, the service redirects to a sign-in page instead of refusing.
        "X-TFS-FedAuthRedirect": "Suppress",
    }
    return HttpRequest("POST", _with_query(url, **{"api-version": "7.1", "serviceConnectionId": connection}), headers)


def parse_job_token(response: HttpResponse, member: str, issuer: str, now: float) -> str:
    """Return the token in `member` of the response from `issuer` (GitHub Actions, Azure Pipelines).

    Raises CredentialRejected, Throttled, ServiceUnavailable or UnreadableAnswer.
    """
    if response.status == 429 or response.status >= 500:
        kind = Throttled if response.status == 429 else ServiceUnavailable
        wait = requested_wait(response.headers, now)
        raise kind(f"{issuer} issued no OIDC token (HTTP {response.status}).", "Try again in a while.", wait)
    if response.status != 200:
        raise CredentialRejected(
            f"{issuer} refused to issue an OIDC token to this job (HTTP {response.status}).",
            "Check the job's permissions (GitHub: id-token: write; Azure Pipelines: SYSTEM_ACCESSTOKEN and the service "
            "connection's id). The permission ends with the job.",
            Refusal(status=response.status),
        )
    value = hidden(json_object(response).get(member))
    if not isinstance(value, str) or not is_visible(value):
        raise UnreadableAnswer(f"{issuer} answered without an OIDC token.", "Check the URL the job was given.")
    return value


def _with_query(url: str, **added: str) -> str:
    """Return the platform's URL unchanged, with more parameters."""
    check_url(url, "The URL of the job's token")
    return f"{url}{'&' if '?' in url else '?'}{form_encoded(added).decode()}"
