"""Service Fabric: the node's token service, verified by the thumbprint of its certificate.

Source: learn.microsoft.com/azure/service-fabric/how-to-managed-identity-service-fabric-app-code
"""

from __future__ import annotations

import hashlib

from mstoken.protocol.http import ConnectionPolicy, HttpRequest
from mstoken.protocol.managed_identity.dialect import Dialect, IdentityRequest, get, three_times
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_REDEPLOY = (
    "Look at the application's managed identity in the cluster's ARM template, and deploy the application again."
)


def _build(identity_request: IdentityRequest, parameters: Mapping[str, str]) -> HttpRequest:
    """Add CP1 for clients that handle claims challenges, and the digest of a challenged token, as MSAL does."""
    more = {"xms_cc": "CP1"} if identity_request.enable_cae else {}
    if identity_request.revoked:
        more["token_sha256_to_refresh"] = hashlib.sha256(identity_request.revoked.encode()).hexdigest()
    http = get(
        identity_request, "2019-07-01-preview", {**parameters, **more}, {"Secret": identity_request.endpoint.secret}
    )
    policy = ConnectionPolicy(direct=True, thumbprint=identity_request.endpoint.thumbprint)
    return HttpRequest(http.method, http.url, http.headers, policy=policy)


SERVICE_FABRIC = Dialect(
    ids={},
    build=_build,
    pauses=three_times,
    known={
        "SecretHeaderNotFound": ("the secret of IDENTITY_HEADER did not arrive", _REDEPLOY),
        "ManagedIdentityNotFound": ("the application has no managed identity, or another secret", _REDEPLOY),
        "ArgumentNullOrEmpty": ("the request lacked a parameter, such as the resource", "Name a service, such as arm."),
    },
    no_ids="In Service Fabric the cluster's configuration says which identity an application has; leave it out.",
)
