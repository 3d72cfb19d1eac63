"""What all sources share: the parameters of a request, the request itself, and the retry schedule."""

from __future__ import annotations

from mstoken.errors import UsageError
from mstoken.protocol.http import DIRECT_POLICY, HttpRequest
from mstoken.protocol.token_endpoint import form_encoded
from mstoken.typed import TYPE_CHECKING
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mstoken.credentials.managed_identity import ManagedIdentity
    from mstoken.model import TokenRequest
    from mstoken.protocol.managed_identity.identity_endpoint import IdentityEndpoint

"""Never through a proxy: the endpoint is on this machine, and anyone who reaches it gets the identity."""

RETRIED_STATUSES = frozenset({404, 408, 429, 500, 502, 503, 504})
"""The statuses that MSAL.NET retries at every source but IMDS; and 502, which is as transient as 503."""


@value
class IdentityRequest:
    """The parameters of one request. `revoked` is a cached token that an API has refused with a claims challenge."""

    endpoint: IdentityEndpoint
    identity: ManagedIdentity
    resource: str
    enable_cae: bool = False
    revoked: str = field(default="", secret=True)


@value
class Dialect:
    """The protocol of one source.

    `ids` maps a kind of identity (a field of ManagedIdentity) to the source's parameter name. It is empty if a
    user-assigned identity cannot be selected; `no_ids` then says why. `build` makes the HTTP request from an
    `IdentityRequest` and its parameters. `pauses` returns for a status (0: no response at all) the seconds to wait
    before each retry. `known` explains the source's own error codes and texts: (cause, remedy).
    """

    ids: Mapping[str, str]
    build: Callable[[IdentityRequest, Mapping[str, str]], HttpRequest]
    pauses: Callable[[int], tuple[float, ...]]
    known: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    no_ids: str = ""


def build(identity_request: IdentityRequest, dialect: Dialect) -> HttpRequest:
    """Return the HTTP request. Raises UsageError for an identity that cannot be selected at this source."""
    kind, value = identity_request.identity.named_by
    parameters = {"resource": identity_request.resource}
    if kind:
        name = dialect.ids.get(kind)
        if name is None:
            remedy = dialect.no_ids or f"It takes {' or '.join(dialect.ids)}."
            raise UsageError(f"A managed identity cannot be selected by its {kind} here. No request was made.", remedy)
        parameters[name] = value
    return dialect.build(identity_request, parameters)


def get(
    identity_request: IdentityRequest, version: str, parameters: Mapping[str, str], headers: Mapping[str, str]
) -> HttpRequest:
    """GET the endpoint with its api-version, as all sources except Cloud Shell require."""
    query = form_encoded({"api-version": version, **parameters}).decode()
    joint = "&" if "?" in identity_request.endpoint.url else "?"
    return HttpRequest("GET", f"{identity_request.endpoint.url}{joint}{query}", headers, policy=DIRECT_POLICY)


def three_times(status: int) -> tuple[float, ...]:
    """Return the pauses for three retries, one second apart, after transient errors."""
    return (1.0, 1.0, 1.0) if status in RETRIED_STATUSES or not status else ()


def resource_of(request: TokenRequest) -> str:
    """Return the resource of the request's scopes. A managed identity's token always has all its permissions.

    Raises UsageError for scopes other than a single `<resource>/.default`.
    """
    resources = {scope.removesuffix("/.default") for scope in request.scopes if scope.endswith("/.default")}
    if len(resources) != 1 or len(request.scopes) != 1:
        raise UsageError(
            f"A managed identity has no token for {' '.join(request.scopes)}: its tokens are for whole resources.",
            "Name one service, such as arm, or a scope that ends in /.default.",
        )
    return resources.pop()
