"""Service Fabric's token service on a node, versions 2019-07-01-preview and 2020-05-01, by HTTPS.

The error codes are Microsoft's; their status is not documented and is 400 here.
"""

from secrets import compare_digest

from starlette.responses import Response

from entra_emulator.aadsts import EntraError
from entra_emulator.model import new_id

from .identity_request import Endpoint, IdentityRequest
from .issuing import issue

_VERSIONS = ("2019-07-01-preview", "2020-05-01")


async def answer(identity_request: IdentityRequest) -> Response:
    """Return a token of the application's identity, which the secret identifies."""
    secret = identity_request.header("secret")
    if not secret:
        return _refuse(identity_request, 400, "SecretHeaderNotFound", "The header Secret is needed")
    identity = identity_request.setting.identities.system
    if identity is None or not compare_digest(secret.encode(), identity_request.setting.secret.encode()):
        return _refuse(identity_request, 400, "ManagedIdentityNotFound", "No application has this secret")
    if identity_request.parameters.get("api-version") not in _VERSIONS or not identity_request.parameters.get(
        "resource"
    ):
        return _refuse(identity_request, 400, "ArgumentNullOrEmpty", "api-version and resource are needed")
    try:
        issued = issue(identity_request.setting.world, identity, identity_request.parameters["resource"])
    except EntraError:
        return _refuse(
            identity_request, 400, "ResourceNotFound", f"No token for {identity_request.parameters['resource']}"
        )
    return identity_request.json(
        {
            "token_type": "Bearer",
            "access_token": issued.token,
            "expires_on": issued.expires_on,
            "resource": issued.resource,
        }
    )


def _refuse(identity_request: IdentityRequest, status: int, code: str, message: str) -> Response:
    return identity_request.json({"error": {"correlationId": new_id(), "code": code, "message": message}}, status)


def trouble(identity_request: IdentityRequest, status: int) -> Response:
    """Return a transient error."""
    return _refuse(identity_request, status, "ManagedIdentityTokenServiceBusy", "Try again later")


SERVICE_FABRIC = Endpoint(("GET",), "/metadata/identity/oauth2/token", answer, trouble, tls=True)
