"""The Instance Metadata Service of virtual machines, scale sets, AKS nodes, Container Instances and others.

Source: learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
"""

from __future__ import annotations

from mstoken.protocol.http import DIRECT_POLICY, HttpRequest
from mstoken.protocol.managed_identity.dialect import Dialect, IdentityRequest, get
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mstoken.protocol.http import HttpResponse
    from mstoken.protocol.managed_identity.identity_endpoint import IdentityEndpoint

NOT_AZURE = "not running on Azure"
"""The reason why there is no managed identity, as messages give it."""

PROBE_IN = 1.0
"""Timeout of a probe in seconds, from connecting to the end of the response."""

_BUSY = (0.0, 1.6, 3.2, 6.4, 12.8)
_UPDATING = (0.0, 5.0, 10.0, 20.0, 40.0)
"""410 means that IMDS is being updated and returns within 70 seconds."""
_ABSENT = (1.6,)
"""No response usually means no IMDS. One retry helps a machine that has only just started."""


def _build(identity_request: IdentityRequest, parameters: Mapping[str, str]) -> HttpRequest:
    return get(identity_request, "2018-02-01", parameters, {"Metadata": "true"})


def _pauses(status: int) -> tuple[float, ...]:
    """Return the pauses of azure-identity 1.27: about 24 seconds in total for 404, 429 and 5xx, 75 for 410."""
    if status == 410:
        return _UPDATING
    if status in (404, 429) or 500 <= status < 600:
        return _BUSY
    return _ABSENT if not status else ()


IMDS = Dialect(
    ids={"client_id": "client_id", "object_id": "object_id", "resource_id": "msi_res_id"},
    build=_build,
    pauses=_pauses,
)


def probe(endpoint: IdentityEndpoint) -> HttpRequest:
    """Return a GET without the header that IMDS requires. IMDS refuses it at once, which shows that it is available."""
    return HttpRequest("GET", f"{endpoint.url}?api-version=2018-02-01", policy=DIRECT_POLICY, timeout_in=PROBE_IN)


def reason_not_imds(answer: HttpResponse) -> str:
    """Return why the responding server is not IMDS; '' if it may be.

    Docker Desktop responds with 403 and "unreachable"; other clouds have a metadata service at the same address.
    """
    if answer.status == 403 and b"unreachable" in answer.body:
        return NOT_AZURE
    server = answer.headers.get("server", "")
    if answer.status in (401, 403, 404, 405) and not server.startswith("IMDS") and b'"error"' not in answer.body:
        return NOT_AZURE
    return ""
