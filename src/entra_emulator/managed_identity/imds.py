"""The Instance Metadata Service, version 2018-02-01. Its answers are recorded; every value is a string."""

from starlette.responses import Response

from entra_emulator.aadsts import EntraError
from entra_emulator.clock import timestamp
from entra_emulator.model import new_id

from .asked import Asked, Endpoint
from .identities import Identity
from .issuing import Issued, issue

SERVER = ("Server", "IMDS/150.870.65.528")
IDS = {"client_id": "client_id", "object_id": "object_id", "msi_res_id": "resource_id", "mi_res_id": "resource_id"}


async def answer(asked: Asked) -> Response:
    """A token, or IMDS's refusals."""
    if asked.header("metadata").lower() != "true":
        return _refuse(asked, "invalid_request", "Required metadata header not specified")
    if asked.header("x-forwarded-for"):
        return _refuse(asked, "invalid_request", "Forwarded requests are not answered")
    if "api-version" not in asked.given or not asked.given.get("resource"):
        return _refuse(asked, "invalid_request", "Required query variables 'api-version' and 'resource'")
    identity, why = asked.setting.identities.choose(asked.given, IDS)
    if identity is None:
        return _refuse(asked, "invalid_request", why)
    return by_entra(asked, identity)


def by_entra(asked: Asked, identity: Identity, **more: str) -> Response:
    """Entra's token, or its refusal as it is passed on."""
    try:
        issued = issue(asked.setting.world, identity, asked.given["resource"])
    except EntraError as refusal:
        body = {
            "error": "invalid_resource",
            "error_description": refusal.message,
            "error_codes": [refusal.code],
            "timestamp": timestamp(asked.setting.world.clock.now()),
            "trace_id": new_id(),
            "correlation_id": new_id(),
            "error_uri": f"https://westeurope.login.microsoft.com/error?code={refusal.code}",  # it asks where it stands
        }
        return asked.json(body, 400, SERVER)
    return asked.json({**success(issued), **more}, 200, SERVER)


def success(issued: Issued) -> dict[str, str]:
    """The recorded form."""
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


def _refuse(asked: Asked, error: str, description: str, status: int = 400) -> Response:
    return asked.json({"error": error, "error_description": description}, status, SERVER)


def trouble(asked: Asked, status: int) -> Response:
    """410 while it is updated, 429 when asked too often, 5xx when broken."""
    words = {404: "not_found", 410: "gone", 429: "too_many_requests"}
    return _refuse(asked, words.get(status, "internal_server_error"), "Try again later", status)


IMDS = Endpoint("GET", "/metadata/identity/oauth2/token", answer, trouble)
