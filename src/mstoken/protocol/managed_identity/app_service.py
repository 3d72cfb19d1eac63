"""App Service, Functions, Container Apps and Automation.

Source: learn.microsoft.com/azure/app-service/overview-managed-identity (REST endpoint reference)
"""

from __future__ import annotations

from mstoken.protocol.managed_identity.dialect import Dialect, IdentityRequest, get, three_times
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mstoken.protocol.http import HttpRequest


def _build(identity_request: IdentityRequest, parameters: Mapping[str, str]) -> HttpRequest:
    # Automation requires the Metadata header; App Service ignores it.
    return get(
        identity_request,
        "2019-08-01",
        parameters,
        {"X-IDENTITY-HEADER": identity_request.endpoint.secret, "Metadata": "true"},
    )


APP_SERVICE = Dialect(
    ids={"client_id": "client_id", "object_id": "object_id", "resource_id": "mi_res_id"},
    build=_build,
    pauses=three_times,
)
