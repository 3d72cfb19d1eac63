"""The Instance Metadata Service, version 2018-02-01. Its responses are as recorded; every value is a string."""

from starlette.responses import Response

from entra_emulator.aadsts import EntraError
from entra_emulator.clock import timestamp
from entra_emulator.model import new_id

from .identities import Identity
from .identity_request import Endpoint, IdentityRequest
from .issuing import Issued, issue

SERVER = ("Server", "IMDS/150.870.65.528")
IDS = {"client_id": "client_id", "object_id": "object_id", "msi_res_id": "resource_id", "mi_res_id": "resource_id"}


async def answer(identity_request: IdentityRequest) -> Response:
    """Return a token, or a refusal of IMDS."""
    if identity_request.header("metadata").lower() != "true":
        return _refuse(identity_request, "invalid_request", "Required metadata header not specified")
    if identity_request.header("x-forwarded-for"):
        return _refuse(identity_request, "invalid_request", "Forwarded requests are not answered")
    if "api-version" not in identity_request.parameters or not identity_request.parameters.get("resource"):
        return _refuse(identity_request, "invalid_request", "Required query variables 'api-version' and 'resource'")
    identity, reason = identity_request.setting.identities.choose(identity_request.parameters, IDS)
    if identity is None:
        return _refuse(identity_request, "invalid_request", reason)
    return by_entra(identity_request, identity)


def by_entra(identity_request: IdentityRequest, identity: Identity, **more: str) -> Response:
    """Return Entra's token, or its refusal in the form in which IMDS forwards it."""
    try:
        issued = issue(identity_request.setting.world, identity, identity_request.parameters["resource"])
    except EntraError as refusal:
        body = {
            "error": "invalid_resource",
            "error_description": refusal.message,
            "error_codes": [refusal.code],
            "timestamp": timestamp(identity_request.setting.world.clock.now()),
            "trace_id": new_id(),
            "correlation_id": new_id(),
            "error_uri": f"https://westeurope.login.microsoft.com/error?code={refusal.code}",  # of its own region
        }
        return identity_request.json(body, 400, SERVER)
    return identity_request.json({**success(issued), **more}, 200, SERVER)


def success(issued: Issued) -> dict[str, str]:
    """Return the body of a token response, in the recorded form."""
    return {
        "access_token": issued.token,
        "client_id": issued.client_id,
        "expires_in": str(issued.expires_in),
        "expires_on": str(issued.expires_on),
        "ext_expires_in": str(issued.expires_in),
        "not_before": str(issued.not_before),
        "resource": issued.resource,
        "token_type": "Bearer",
    }


def _refuse(identity_request: IdentityRequest, error: str, description: str, status: int = 400) -> Response:
    return identity_request.json({"error": error, "error_description": description}, status, SERVER)


def trouble(identity_request: IdentityRequest, status: int) -> Response:
    """Return a transient error: 410 during an update, 429 after too many requests, 5xx for a failure."""
    words = {404: "not_found", 410: "gone", 429: "too_many_requests"}
    return _refuse(identity_request, words.get(status, "internal_server_error"), "Try again later", status)


IMDS = Endpoint(("GET",), "/metadata/identity/oauth2/token", answer, trouble)
