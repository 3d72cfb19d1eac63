"""App Service and Functions, version 2019-08-01, and Azure Machine Learning's older form of it, 2017-09-01."""

from secrets import compare_digest

from starlette.responses import Response

from entra_emulator.aadsts import EntraError
from entra_emulator.model import new_id

from .identity_request import Endpoint, IdentityRequest
from .issuing import Issued, issue

_IDS = {"client_id": "client_id", "object_id": "object_id", "principal_id": "object_id", "mi_res_id": "resource_id"}
_ML_IDS = {"clientid": "client_id"}


async def app_service(identity_request: IdentityRequest) -> Response:
    """Return a token, or a refusal in App Service's form."""
    return _answer(identity_request, "x-identity-header", "2019-08-01", _IDS)


async def azure_ml(identity_request: IdentityRequest) -> Response:
    """Return a token; `expires_on` is a number here."""
    return _answer(identity_request, "secret", "2017-09-01", _ML_IDS)


def _answer(identity_request: IdentityRequest, header: str, version: str, ids: dict[str, str]) -> Response:
    if not compare_digest(identity_request.header(header).encode(), identity_request.setting.secret.encode()):
        return _refuse(identity_request, 401, f"The header {header} is missing or wrong")
    if identity_request.parameters.get("api-version") != version or not identity_request.parameters.get("resource"):
        return _refuse(identity_request, 400, f"api-version={version} and a resource are needed")
    identity, _ = identity_request.setting.identities.choose(identity_request.parameters, ids)
    if identity is None:
        return _refuse(identity_request, 400, "No managed identity was found for the id in the request")
    try:
        issued = issue(identity_request.setting.world, identity, identity_request.parameters["resource"])
    except EntraError:
        return _refuse(identity_request, 500, "An unexpected error happened while the token was fetched")
    return identity_request.json(_success(issued, numbers=version == "2017-09-01"))


def _success(issued: Issued, *, numbers: bool) -> dict[str, str | int]:
    return {
        "access_token": issued.token,
        "expires_on": issued.expires_on if numbers else str(issued.expires_on),
        "resource": issued.resource,
        "token_type": "Bearer",
        "client_id": issued.client_id,
    }


def _refuse(identity_request: IdentityRequest, status: int, message: str) -> Response:
    return identity_request.json({"statusCode": status, "message": message, "correlationId": new_id()}, status)


def trouble(identity_request: IdentityRequest, status: int) -> Response:
    """Return a transient error."""
    return _refuse(identity_request, status, "The token service is busy")


APP_SERVICE = Endpoint(("GET",), "/msi/token", app_service, trouble)
AZURE_ML = Endpoint(("GET",), "/ml/msi/token", azure_ml, trouble)
