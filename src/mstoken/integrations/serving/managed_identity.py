"""Three dialects of managed identity, as a platform serves them: App Service, IMDS and Azure Arc.

App Service proves its callers by a secret header, Azure Arc by a file that they can read, IMDS not at all. Sources:
learn.microsoft.com/azure/app-service/overview-managed-identity, …/entra/identity/managed-identities-azure-resources/
how-to-use-vm-token, …/azure/azure-arc/servers/managed-identity-authentication
"""

from __future__ import annotations

import json
import time
import uuid
from hmac import compare_digest

from mstoken.errors import MstokenError
from mstoken.integrations.serving.http import Request, Response
from mstoken.integrations.serving.identities import client_id_of, retry_after, sentence, status_of, token_for
from mstoken.redaction import shown
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mstoken.client import Client
    from mstoken.integrations.serving.arc_keys import ArcKeys
    from mstoken.integrations.serving.identities import Identities
    from mstoken.model import Token

APP_SERVICE_PATH = "/msi/token"
METADATA_PATH = "/metadata/identity/oauth2/token"
APP_SERVICE_VERSIONS = frozenset({"2019-08-01", "2020-06-01"})
_APP_SERVICE_IDS = ("client_id", "object_id", "principal_id", "mi_res_id")
_METADATA_IDS = ("client_id", "object_id", "msi_res_id", "mi_res_id")
_ECHOED = {"client_id": "client_id", "object_id": "object_id", "msi_res_id": "msi_res_id", "mi_res_id": "msi_res_id"}
_NO_IDENTITY = "This endpoint has no identity of that ID. It is a profile's name, or its application's client ID."
_IMDS_SERVER = ("Server", "IMDS/mstoken")
"""azure-identity and MSAL take a server for IMDS by the beginning of this name."""


def app_service(request: Request, identities: Identities, secret: str) -> Response:
    """Answer as App Service, Functions and Container Apps do."""
    if refusal := _app_service_check(request, secret):
        return refusal
    parameters = request.parameters
    try:
        client = identities.choose(_ids(parameters, _APP_SERVICE_IDS))
        if client is None:
            return _app_service_refusal(400, _NO_IDENTITY)
        token = token_for(client, parameters["resource"])
    except MstokenError as error:
        return _app_service_refusal(status_of(error), sentence(error), retry_after(error), note=_note(error))
    body = _body(token, client, parameters["resource"])
    return _json({name: body[name] for name in ("access_token", "expires_on", "resource", "token_type", "client_id")})


def _app_service_check(request: Request, secret: str) -> Response | None:
    """Return why a request is none to App Service; None if it is one."""
    if request.path.rstrip("/") != APP_SERVICE_PATH:
        return _app_service_refusal(404, "There is nothing at this path.")
    if request.method != "GET":
        return _app_service_refusal(405, "The method is not GET.")
    if not compare_digest(request.header("x-identity-header").encode(), secret.encode()):
        return _app_service_refusal(401, "The header X-IDENTITY-HEADER is missing or wrong.")
    if request.parameters.get("api-version") not in APP_SERVICE_VERSIONS or not request.parameters.get("resource"):
        return _app_service_refusal(400, "api-version=2019-08-01 and a resource are needed.")
    return None


def imds(request: Request, identities: Identities) -> Response:
    """Answer as the Instance Metadata Service does."""
    if refusal := _metadata_refusal(request):
        return refusal
    return _metadata(request, identities, {}, _IMDS_SERVER)


def azure_arc(request: Request, identities: Identities, keys: ArcKeys) -> Response:
    """Answer as Azure Arc's agent does: with a key file's path first, with the token to who sends the file's content.

    The identity that a request names is confirmed in the response.
    """
    if refusal := _metadata_refusal(request):
        return refusal
    scheme, _, key = request.header("authorization").partition(" ")
    if scheme.lower() != "basic" or not keys.take(key):
        try:
            path = keys.create()
        except OSError as error:
            return _oauth_refusal(503, "server_error", f"A key file cannot be written: {error.strerror}.")
        return Response(401, headers=(("WWW-Authenticate", f"Basic realm={path}"),), note="challenge: a key file")
    echo = {_ECHOED[name]: text for name, text in request.parameters.items() if name in _METADATA_IDS}
    return _metadata(request, identities, echo)


def _metadata(request: Request, identities: Identities, echo: Mapping[str, str], *headers: tuple[str, str]) -> Response:
    parameters = request.parameters
    try:
        client = identities.choose(_ids(parameters, _METADATA_IDS))
        if client is None:
            return _oauth_refusal(400, "invalid_request", _NO_IDENTITY, *headers)
        token = token_for(client, parameters["resource"])
    except MstokenError as error:
        refusal = getattr(error, "refusal", None)
        name = (refusal.error if refusal else "") or "invalid_request"
        return _oauth_refusal(status_of(error), name, sentence(error), *headers, *retry_after(error), note=_note(error))
    return _json({**_body(token, client, parameters["resource"]), **echo}, headers=headers)


def _metadata_refusal(request: Request) -> Response | None:
    """Return why a request is none to a metadata service; None if it is one."""
    if request.path.rstrip("/") != METADATA_PATH:
        return _oauth_refusal(404, "not_found", "There is nothing at this path.", _IMDS_SERVER)
    if request.method != "GET":
        return _oauth_refusal(405, "method_not_allowed", "The method is not GET.", _IMDS_SERVER)
    if request.header("metadata").lower() != "true":
        return _oauth_refusal(400, "invalid_request", "The header Metadata: true is missing.", _IMDS_SERVER)
    if request.header("x-forwarded-for"):
        return _oauth_refusal(400, "invalid_request", "Forwarded requests are not answered.", _IMDS_SERVER)
    if not request.parameters.get("api-version") or not request.parameters.get("resource"):
        return _oauth_refusal(400, "invalid_request", "api-version and a resource are needed.", _IMDS_SERVER)
    return None


def _ids(parameters: Mapping[str, str], names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(parameters[name] for name in names if parameters.get(name))


def _body(token: Token, client: Client, resource: str) -> dict[str, str]:
    expires_in = str(max(0, token.expires_on - int(time.time())))
    return {
        "access_token": token.token,
        "client_id": client_id_of(token, client),
        "expires_in": expires_in,
        "expires_on": str(token.expires_on),
        "ext_expires_in": expires_in,
        "not_before": str(token.got_on or int(time.time())),
        "resource": resource,
        "token_type": "Bearer",
    }


def _json(
    body: Mapping[str, object], status: int = 200, headers: tuple[tuple[str, str], ...] = (), note: str = ""
) -> Response:
    kind = (("Content-Type", "application/json; charset=utf-8"), ("Cache-Control", "no-store"))
    return Response(status, json.dumps(body).encode(), (*kind, *headers), note or ("token" if status == 200 else ""))


def _app_service_refusal(
    status: int, message: str, headers: tuple[tuple[str, str], ...] = (), *, note: str = ""
) -> Response:
    body = {"statusCode": status, "message": message, "correlationId": str(uuid.uuid4())}
    return _json(body, status, headers, note or message)


def _oauth_refusal(status: int, error: str, description: str, *headers: tuple[str, str], note: str = "") -> Response:
    return _json({"error": error, "error_description": description}, status, headers, note or description)


def _note(error: MstokenError) -> str:
    codes = getattr(getattr(error, "refusal", None), "codes", ())
    return " ".join([type(error).__name__, *(f"AADSTS{code}" for code in codes[:1])])


def wanted(request: Request) -> str:
    """Return what a request asks for, for the log: its resource and its IDs."""
    names = ("resource", *dict.fromkeys(_APP_SERVICE_IDS + _METADATA_IDS))
    return " ".join(f"{name}={shown(request.parameters[name])}" for name in names if request.parameters.get(name))
