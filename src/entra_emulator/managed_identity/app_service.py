"""App Service and Functions, version 2019-08-01, and Azure Machine Learning's older form of it, 2017-09-01."""

from secrets import compare_digest

from starlette.responses import Response

from entra_emulator.aadsts import EntraError
from entra_emulator.model import new_id

from .asked import Asked, Endpoint
from .issuing import Issued, issue

_IDS = {"client_id": "client_id", "object_id": "object_id", "principal_id": "object_id", "mi_res_id": "resource_id"}
_ML_IDS = {"clientid": "client_id"}


async def app_service(asked: Asked) -> Response:
    """A token, or a refusal in App Service's form."""
    return _answer(asked, "x-identity-header", "2019-08-01", _IDS)


async def azure_ml(asked: Asked) -> Response:
    """A token; `expires_on` is a number here."""
    return _answer(asked, "secret", "2017-09-01", _ML_IDS)


def _answer(asked: Asked, header: str, version: str, ids: dict[str, str]) -> Response:
    if not compare_digest(asked.header(header).encode(), asked.setting.secret.encode()):
        return _refuse(asked, 401, f"The header {header} is missing or wrong")
    if asked.given.get("api-version") != version or not asked.given.get("resource"):
        return _refuse(asked, 400, f"api-version={version} and a resource are needed")
    identity, _ = asked.setting.identities.choose(asked.given, ids)
    if identity is None:
        return _refuse(asked, 400, "No managed identity was found for the id in the request")
    try:
        issued = issue(asked.setting.world, identity, asked.given["resource"])
    except EntraError:
        return _refuse(asked, 500, "An unexpected error happened while the token was fetched")
    return asked.json(_success(issued, numbers=version == "2017-09-01"))


def _success(issued: Issued, *, numbers: bool) -> dict[str, str | int]:
    return {
        "access_token": issued.token,
        "expires_on": issued.expires_on if numbers else str(issued.expires_on),
        "resource": issued.resource,
        "token_type": "Bearer",
        "client_id": issued.client_id,
    }


def _refuse(asked: Asked, status: int, message: str) -> Response:
    return asked.json({"statusCode": status, "message": message, "correlationId": new_id()}, status)


def trouble(asked: Asked, status: int) -> Response:
    """An error that passes."""
    return _refuse(asked, status, "The token service is busy")


APP_SERVICE = Endpoint("GET", "/msi/token", app_service, trouble)
AZURE_ML = Endpoint("GET", "/ml/msi/token", azure_ml, trouble)
