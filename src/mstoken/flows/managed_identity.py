"""Managed identity: request a token from the platform that this program runs on.

Every source takes one request; Azure Arc takes a second one, because it requires proof that a file can be read. After a
transient failure, each source's own schedule decides about retries, whatever the timeout of the request: the platform
documents how long it may be unavailable
(learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token).
"""

from __future__ import annotations

from mstoken import steps
from mstoken.authority import Authority
from mstoken.credentials.managed_identity import read_key
from mstoken.credentials.workload_identity import WorkloadIdentity
from mstoken.errors import Identified, NotConfigured, TransportError, UsageError
from mstoken.flows.retry import warned
from mstoken.flows.workload_identity import workload_identity
from mstoken.protocol.cache_key import cache_key
from mstoken.protocol.managed_identity import azure_arc, imds
from mstoken.protocol.managed_identity.answer import parse_identity_response
from mstoken.protocol.managed_identity.dialect import IdentityRequest, build, resource_of
from mstoken.protocol.managed_identity.dialects import DIALECTS
from mstoken.protocol.managed_identity.identity_endpoint import WORKLOAD_IDENTITY, IdentityEndpoint, detect, selected
from mstoken.protocol.retry_after import requested_wait
from mstoken.typed import TYPE_CHECKING
from mstoken.values import replace

if TYPE_CHECKING:
    from mstoken.credentials.managed_identity import ManagedIdentity
    from mstoken.flows.port import HttpPort, Port
    from mstoken.model import Token, TokenRequest
    from mstoken.protocol.http import HttpRequest, HttpResponse
    from mstoken.protocol.managed_identity.dialect import Dialect

LONGEST_WAIT_IN = 60.0
"""A longer Retry-After, in seconds, is left to the caller."""


async def managed_identity(request: TokenRequest, credential: ManagedIdentity, port: Port) -> Token:
    """Get a token of the managed identity.

    Raises NotConfigured or UsageError, before any request, if the platform has no such source or cannot select the
    identity; TransportError if there is no response; Misconfigured if there is no such identity; what
    `parse_identity_response` raises.
    """
    endpoint = await identity_endpoint(credential, port)
    if endpoint.source == WORKLOAD_IDENTITY:
        return await _federated(request, credential, port)
    dialect = DIALECTS[endpoint.source]
    identity_request = IdentityRequest(
        endpoint=endpoint,
        identity=credential,
        resource=resource_of(request),
        enable_cae=request.enable_cae,
        revoked=await _revoked(request, port),
    )
    http = replace(build(identity_request, dialect), request_id=port.request_id())
    with Identified(http.request_id):
        answer = await _send_with_schedule(http, dialect, port)
        if answer.status == 401 and endpoint.source == "azure_arc":
            name = azure_arc.key_file(answer, endpoint)
            key = await port.call(lambda: read_key(endpoint.keys, name))
            answer = await _send_with_schedule(azure_arc.proved(http, key), dialect, port)
        return warned(parse_identity_response(answer, identity_request, dialect, request, port.now())).token


async def identity_endpoint(credential: ManagedIdentity, port: HttpPort) -> IdentityEndpoint:
    """Return the platform that has the identity. The disk is read only if the environment names no source.

    Raises NotConfigured and UsageError, as `detect` does.
    """
    agent = False
    if credential.source in ("", "azure_arc"):
        agent = not selected(credential.environment) and await port.call(credential.arc_agent)
    return detect(credential.environment, credential.source, arc_agent=agent)


async def reason_absent(credential: ManagedIdentity, port: HttpPort) -> str:
    """Return why no managed identity can exist here; '' if one may. Sends at most one short request, to IMDS.

    Raises UsageError for inconsistent variables.
    """
    try:
        endpoint = await identity_endpoint(credential, port)
    except NotConfigured as error:
        return error.message
    if endpoint.source != "imds":
        return ""
    try:
        answer = await port.send(imds.probe(endpoint))
    except TransportError:
        return f"{imds.NOT_AZURE} (no metadata service at {endpoint.url.partition('/metadata')[0]})"
    return imds.reason_not_imds(answer)


async def _send_with_schedule(http: HttpRequest, dialect: Dialect, port: HttpPort) -> HttpResponse:
    """Send the request, with retries by the source's schedule. Return the last response. Raises TransportError."""
    attempts = 0
    while True:
        failure: TransportError | None = None
        answer: HttpResponse | None = None
        try:
            answer = await port.send(http)
        except TransportError as error:
            failure = error
        pauses = dialect.pauses(answer.status if answer else 0)
        retry_in = requested_wait(answer.headers, port.now()) if answer else None
        if attempts >= len(pauses) or (retry_in or 0) > LONGEST_WAIT_IN:
            break
        wait = max(pauses[attempts], retry_in or 0)
        attempts += 1
        steps.waiting(wait, attempts + 1, len(pauses) + 1)
        await port.sleep(wait)
    if answer is None:
        assert failure is not None  # # noqa: S101 - one of the two exists
        raise failure
    return answer


async def _revoked(request: TokenRequest, port: Port) -> str:
    """Return the cached token that an API has refused, if this request answers its claims challenge; else ''."""
    if not request.claims:
        return ""
    cached = await port.load(cache_key(replace(request, claims="")))
    return cached.token if cached else ""


async def _federated(request: TokenRequest, credential: ManagedIdentity, port: Port) -> Token:
    """Use the federated token in a pod with workload identity, as azure-identity's ManagedIdentityCredential does."""
    variables, (kind, _) = credential.environment, credential.named_by
    if kind not in ("", "client_id"):
        raise UsageError(
            f"A managed identity cannot be selected by its {kind} in a pod with workload identity. No "
            "request was made.",
            "Select it by its client_id, or leave it out to use the service account's own.",
        )
    authority = Authority.of(variables["AZURE_AUTHORITY_HOST"], variables["AZURE_TENANT_ID"])
    client_id = credential.client_id or variables.get("AZURE_CLIENT_ID", "")
    federated = WorkloadIdentity(variables["AZURE_FEDERATED_TOKEN_FILE"])
    return await workload_identity(
        replace(request, authority=authority, client_id=client_id, credential=federated), federated, port
    )
