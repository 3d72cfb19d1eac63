"""Cloud Shell: tokens of the person in front of it, by POST."""

from starlette.responses import Response

from entra_emulator.aadsts import EntraError

from .asked import Asked, Endpoint
from .issuing import issue_to_person


async def answer(asked: Asked) -> Response:
    """A token of the default user. Other parameters than the resource are not understood here."""
    if asked.header("metadata").lower() != "true":
        return _refuse(asked, 400, "MissingMetadataHeader", "The header Metadata: true is needed")
    if not asked.given.get("resource"):
        return _refuse(asked, 400, "MissingResource", "A resource is needed")
    try:
        issued = issue_to_person(asked.setting.world, asked.given["resource"])
    except EntraError:
        return _refuse(asked, 400, "AudienceNotSupported", f"No tokens for {asked.given['resource']} here")
    body = {
        "access_token": issued.token,
        "refresh_token": "",
        "expires_in": str(issued.expires_in),
        "expires_on": str(issued.expires_on),
        "not_before": str(issued.not_before),
        "resource": issued.resource,
        "token_type": "Bearer",
    }
    return asked.json(body)


def _refuse(asked: Asked, status: int, code: str, message: str) -> Response:
    return asked.json({"error": {"code": code, "message": message}}, status)


def trouble(asked: Asked, status: int) -> Response:
    """An error that passes."""
    return _refuse(asked, status, "Busy", "The token service is busy")


CLOUD_SHELL = Endpoint("POST", "/cloudshell/oauth2/token", answer, trouble)
