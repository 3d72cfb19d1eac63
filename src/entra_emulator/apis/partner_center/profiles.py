"""Partner Center: the partner's own profile, and the exchange of Entra's token for one of Partner Center's.

Source: learn.microsoft.com/partner-center/developer/get-an-organization-profile; for the exchange,
.../deprecate-azure-active-directory-graph-token: /v3/generatetoken replaces /generatetoken.
"""

from urllib.parse import parse_qsl

from starlette.requests import Request

from entra_emulator.apis.bearer import Caller
from entra_emulator.routing import Route, route

from .wire import StatusAndBody, endpoint


def routes() -> list[Route]:
    """Return the routes."""
    return [
        route("GET", "/v1/profiles/organization", endpoint(_organization, app_only=True)),
        route("GET", "/v1/profiles/mpn", endpoint(_partner_number, app_only=True)),
        *(route("POST", path, endpoint(_generate, app_only=True)) for path in ("/generatetoken", "/v3/generatetoken")),
    ]


def _organization(_: Request, caller: Caller, __: bytes) -> StatusAndBody:
    return 200, {
        "id": caller.tenant.id,
        "companyName": caller.tenant.name,
        "tenantId": caller.tenant.id,
        "domain": caller.tenant.domain,
        "attributes": {"objectType": "PartnerOrganizationProfile"},
    }


def _partner_number(_: Request, caller: Caller, __: bytes) -> StatusAndBody:
    """Return the partner's number in Microsoft's partner network, which the emulator derives from the tenant's id."""
    number = str(int(caller.tenant.id[:7], 16))[:7].zfill(7)
    return 200, {"mpnId": number, "partnerName": caller.tenant.name, "attributes": {"objectType": "PartnerMpnProfile"}}


def _generate(request: Request, caller: Caller, raw: bytes) -> StatusAndBody:
    """Return the caller's token unchanged: Partner Center accepts it until it expires."""
    form = dict(parse_qsl(raw.decode("utf-8", "replace")))
    if form.get("grant_type") != "jwt_token":
        return 400, {"error": "unsupported_grant_type", "error_description": "grant_type has to be jwt_token."}
    token = request.headers["authorization"].partition(" ")[2]
    expires_in = max(0, int(caller.claims["exp"] - request.state.world.clock.now()))
    return 200, {"access_token": token, "token_type": "bearer", "expires_in": expires_in}
