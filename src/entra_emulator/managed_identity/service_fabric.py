"""Service Fabric's token service on a node, versions 2019-07-01-preview and 2020-05-01, by HTTPS.

The codes of errors are Microsoft's; the status beside them is not documented, and is 400 here.
"""

from secrets import compare_digest

from starlette.responses import Response

from entra_emulator.aadsts import EntraError
from entra_emulator.model import new_id

from .asked import Asked, Endpoint
from .issuing import issue

_VERSIONS = ("2019-07-01-preview", "2020-05-01")


async def answer(asked: Asked) -> Response:
    """A token of the application's identity, which the cluster knows by the secret."""
    secret = asked.header("secret")
    if not secret:
        return _refuse(asked, 400, "SecretHeaderNotFound", "The header Secret is needed")
    identity = asked.setting.identities.system
    if identity is None or not compare_digest(secret.encode(), asked.setting.secret.encode()):
        return _refuse(asked, 400, "ManagedIdentityNotFound", "No application has this secret")
    if asked.given.get("api-version") not in _VERSIONS or not asked.given.get("resource"):
        return _refuse(asked, 400, "ArgumentNullOrEmpty", "api-version and resource are needed")
    try:
        issued = issue(asked.setting.world, identity, asked.given["resource"])
    except EntraError:
        return _refuse(asked, 400, "ResourceNotFound", f"No token for {asked.given['resource']}")
    return asked.json(
        {
            "token_type": "Bearer",
            "access_token": issued.token,
            "expires_on": issued.expires_on,
            "resource": issued.resource,
        }
    )


def _refuse(asked: Asked, status: int, code: str, message: str) -> Response:
    return asked.json({"error": {"correlationId": new_id(), "code": code, "message": message}}, status)


def trouble(asked: Asked, status: int) -> Response:
    """An error that passes."""
    return _refuse(asked, status, "ManagedIdentityTokenServiceBusy", "Try again later")


SERVICE_FABRIC = Endpoint("GET", "/metadata/identity/oauth2/token", answer, trouble, tls=True)
