"""Cloud Shell: tokens of its user, by POST or, as msal4j requests them, by GET.

Source: AzureAD/microsoft-authentication-library-for-java#771 and #814; GET worked there too.
"""

from starlette.responses import Response

from entra_emulator.aadsts import EntraError

from .identity_request import Endpoint, IdentityRequest
from .issuing import issue_to_person


async def answer(identity_request: IdentityRequest) -> Response:
    """Return a token of the default user. Parameters other than the resource are ignored."""
    if identity_request.header("metadata").lower() != "true":
        return _refuse(identity_request, 400, "MissingMetadataHeader", "The header Metadata: true is needed")
    if not identity_request.parameters.get("resource"):
        return _refuse(identity_request, 400, "MissingResource", "A resource is needed")
    try:
        issued = issue_to_person(identity_request.setting.world, identity_request.parameters["resource"])
    except EntraError:
        return _refuse(
            identity_request,
            400,
            "AudienceNotSupported",
            f"No tokens for {identity_request.parameters['resource']} here",
        )
    body = {
        "access_token": issued.token,
        "refresh_token": "",
        "expires_in": str(issued.expires_in),
        "expires_on": str(issued.expires_on),
        "not_before": str(issued.not_before),
        "resource": issued.resource,
        "token_type": "Bearer",
    }
    return identity_request.json(body)


def _refuse(identity_request: IdentityRequest, status: int, code: str, message: str) -> Response:
    return identity_request.json({"error": {"code": code, "message": message}}, status)


def trouble(identity_request: IdentityRequest, status: int) -> Response:
    """Return a transient error."""
    return _refuse(identity_request, status, "Busy", "The token service is busy")


CLOUD_SHELL = Endpoint(("GET", "POST"), "/cloudshell/oauth2/token", answer, trouble)
