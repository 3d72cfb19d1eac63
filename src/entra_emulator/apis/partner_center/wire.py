"""The functions that all of Partner Center's calls share: check the caller and its sign-in, and format refusals.

Source: learn.microsoft.com/partner-center/developer/headers, and "Mandating multi-factor authentication": tokens
without `mfa` in `amr` get 401 with code 900421. With the request header ValidateMfa: true, the header isMfaCompliant of
the response says whether the token is accepted. The page of each call says whether it accepts an application's token.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.apis.bearer import BadToken, Caller, check
from entra_emulator.model import Tenant, new_id
from entra_emulator.resources import PARTNER_CENTER
from entra_emulator.routing import Handler
from entra_emulator.state import as_guid
from entra_emulator.web import json_response, read_body

_MFA_REQUIRED = 900421
StatusAndBody = tuple[int, dict[str, Any] | None]
Call = Callable[[Request, Caller, bytes], StatusAndBody]
_WORDS: Mapping[str, str] = {
    "missing": "missing",
    "malformed": "not one of this authority",
    "issuer": "from an unknown issuer",
    "audience": "for another audience",
    "expired": "expired",
    "early": "not valid yet",
    "revoked": "revoked",
}


class Refusal(Exception):
    """An error response of Partner Center; `code` is one of Partner Center's numbers."""

    def __init__(self, status: int, code: int, description: str) -> None:
        super().__init__(description)
        self.status, self.code, self.description = status, code, description


def endpoint(answer: Call, *, app_only: bool = False) -> Handler:
    """Return a handler that checks the token and responds, or refuses, in Partner Center's form.

    :param app_only: an application's own token suffices.
    """

    async def handle(request: Request) -> Response:
        world = request.state.world
        request_id = as_guid(request.headers.get("ms-requestid", "").lower()) or new_id()
        headers = [
            ("MS-RequestId", request_id),
            ("MS-CorrelationId", as_guid(request.headers.get("ms-correlationid", "").lower()) or new_id()),
        ]
        try:
            caller = _caller(request, app_only=app_only)
            headers += _check_mfa(request, caller)
            status, body = answer(request, caller, await read_body(request))
            return json_response(world, body, status, headers)
        except Refusal as problem:
            error = {"code": problem.code, "description": problem.description, "data": [], "source": "Emulator"}
            if problem.status == 401:
                challenge = f'Bearer authorization_uri="{request.state.site.authority}/common/oauth2/authorize"'
                headers.append(("WWW-Authenticate", challenge))
            return json_response(world, error, problem.status, headers)

    return handle


def _caller(request: Request, *, app_only: bool) -> Caller:
    try:
        caller = check(request, PARTNER_CENTER)
    except BadToken as problem:
        raise Refusal(401, 900401, f"Unauthorized: the token is {_WORDS[problem.fault]}.") from None
    if caller.app_only:
        if not app_only:
            message = "Unauthorized: this call does not take a token of the application alone; it needs a user's."
            raise Refusal(401, 900401, message)
        return caller
    if "user_impersonation" not in caller.permissions:
        raise Refusal(403, 900403, "Forbidden: the token lacks the permission user_impersonation.")
    return caller


def _check_mfa(request: Request, caller: Caller) -> list[tuple[str, str]]:
    """Refuse a user's token without multi-factor authentication, or only report it if the request says so."""
    if caller.app_only:
        return []
    if request.headers.get("validatemfa", "").lower() == "true":
        return [("isMfaCompliant", str(caller.has_mfa).lower())]
    if not caller.has_mfa:
        raise Refusal(401, _MFA_REQUIRED, "The token lacks multi-factor authentication (amr without mfa).")
    return []


def own_customer(request: Request, caller: Caller) -> Tenant:
    """Return the partner's customer that the path names.

    :raises Refusal: 404.
    """
    wanted = request.path_params["customer"].lower()
    customers: list[Tenant] = request.state.world.state.resold(caller.tenant)
    for tenant in customers:
        if tenant.id == wanted:
            return tenant
    raise Refusal(404, 2000, f"No customer '{wanted}' of this partner.")


def listed(items: Iterable[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Return a collection in Partner Center's form."""
    shown = list(items)
    return {"totalCount": len(shown), "items": shown, **more, "attributes": {"objectType": "Collection"}}


def json_object(raw: bytes) -> dict[str, Any]:
    """Return the JSON object of a body.

    :raises Refusal: 400.
    """
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise Refusal(400, 2002, "The request body is not a JSON object.")
    return body


def link(uri: str, token: str = "") -> dict[str, Any]:
    """Return a link of a collection; `token` is the continuation token."""
    headers = [{"key": "MS-ContinuationToken", "value": token}] if token else []
    return {"uri": uri, "method": "GET", "headers": headers}
