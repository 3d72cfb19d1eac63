"""Refusals of the request itself, its tenant, application and proof, held against what the real ones answer."""

from urllib.parse import urlencode

import httpx
import pytest
from tests.support.refusals import BASIC, CUSTOMER, GRAPH, NADIA, WITH_URI, Ask, Shape

from entra_emulator import Emulator
from entra_emulator.model import App, Secret

PARTNER = "https://api.partnercenter.microsoft.com/.default"
NOBODY = "11111111-2222-4333-8444-555555555555"
APP = {"grant_type": "client_credentials", "scope": GRAPH}


def default_secret(entra: Emulator) -> Secret:
    return entra.state.default_app.secrets[0]


def without_app(entra: Emulator) -> None:
    entra.state.tenants[CUSTOMER].principals.clear()


def other_app(entra: Emulator) -> None:
    entra.state.apps[NOBODY] = App(NOBODY, "Single", CUSTOMER, secrets=[Secret("s")])


CASES = {
    "no grant_type": Shape(900144, "invalid_request", 400, WITH_URI, {"scope": GRAPH}),
    "no client_id": Shape(900144, "invalid_request", 400, WITH_URI, {**APP, "client_id": None}),
    "no scope": Shape(900144, "invalid_request", 400, WITH_URI, {**APP, "scope": None}),
    "no refresh_token": Shape(900144, "invalid_request", 400, WITH_URI, {"grant_type": "refresh_token"}),
    "grant nobody knows": Shape(70003, "unsupported_grant_type", 400, BASIC, {"grant_type": "no_such_grant"}),
    "tenant is no name": Shape(900023, "invalid_request", 400, WITH_URI, {**APP, "tenant": "undefined"}),
    "tenant not there": Shape(90002, "invalid_request", 400, WITH_URI, {**APP, "tenant": NOBODY}),
    "domain not there": Shape(90002, "invalid_request", 400, WITH_URI, {**APP, "tenant": "nowhere.example"}),
    "no tenant for an app": Shape(50059, "invalid_request", 400, WITH_URI, {**APP, "tenant": "common"}),
    "app id of zeros": Shape(
        700038, "unauthorized_client", 400, BASIC, {**APP, "client_id": "00000000-0000-0000-0000-000000000000"}
    ),
    "app not there": Shape(700016, "unauthorized_client", 400, WITH_URI, {**APP, "client_id": NOBODY}),
    "app id is no GUID": Shape(700016, "unauthorized_client", 400, WITH_URI, {**APP, "client_id": "my-app"}),
    "single-tenant app elsewhere": Shape(
        700016, "unauthorized_client", 400, WITH_URI, {**APP, "client_id": NOBODY}, change=other_app
    ),
    "app missing in the tenant": Shape(
        7000229, "invalid_client", 401, WITH_URI, {**APP, "tenant": CUSTOMER}, change=without_app
    ),
    "app disabled": Shape(
        7000112,
        "unauthorized_client",
        400,
        WITH_URI,
        APP,
        change=lambda entra: setattr(entra.state.default_app, "enabled", False),
    ),
    "service principal disabled": Shape(
        7000112,
        "unauthorized_client",
        400,
        WITH_URI,
        APP,
        change=lambda entra: setattr(entra.state.default_tenant.principals[0], "enabled", False),
    ),
    "wrong secret": Shape(7000215, "invalid_client", 401, WITH_URI, {**APP, "client_secret": "wrong"}),
    "no secret": Shape(7000216, "invalid_client", 401, WITH_URI, {**APP, "client_secret": None}),
    "secret expired": Shape(
        7000222,
        "invalid_client",
        401,
        WITH_URI,
        APP,
        change=lambda entra: setattr(default_secret(entra), "expires_on", entra.clock.now() + 60),
        after=lambda entra: entra.clock.advance(60),
    ),
    "certificate nobody knows": Shape(
        700027,
        "invalid_client",
        401,
        WITH_URI,
        {
            **APP,
            "client_secret": None,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": "eyJhbGciOiJSUzI1NiIsIng1dCI6ImFiYyJ9.e30.c2ln",
        },
    ),
    "assertion is no JWT": Shape(
        50027,
        "invalid_request",
        400,
        WITH_URI,
        {
            **APP,
            "client_secret": None,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": "x",
        },
    ),
    "assertion of no type": Shape(
        900144, "invalid_request", 400, WITH_URI, {**APP, "client_secret": None, "client_assertion": "x"}
    ),
    "secret of a public client": Shape(
        700025,
        "invalid_client",
        401,
        WITH_URI,
        {"grant_type": "refresh_token", "client_id": "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02", "client_secret": "x"},
        user=NADIA,
    ),
    "app-only scope without .default": Shape(
        1002012, "invalid_scope", 400, BASIC, {**APP, "scope": "https://graph.microsoft.com/User.Read"}
    ),
    "app-only scope of openid alone": Shape(1002012, "invalid_scope", 400, BASIC, {**APP, "scope": "openid"}),
    "app-only with two resources": Shape(
        70011, "invalid_scope", 400, WITH_URI, {**APP, "scope": f"{GRAPH} https://management.azure.com/.default"}
    ),
    "resource not there": Shape(
        500011, "invalid_resource", 400, WITH_URI, {**APP, "scope": "https://nowhere.example/.default"}
    ),
    "resource the tenant lacks": Shape(
        500011, "invalid_resource", 400, WITH_URI, {**APP, "scope": PARTNER, "tenant": CUSTOMER}
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_an_error_has_the_form_of_the_real_one(name: str, entra: Emulator, ask: Ask) -> None:
    """Status, keys and their order, OAuth error, suberror and codes are those seen from the real service."""
    CASES[name].check(entra, ask)


def test_doubled_parameter_is_refused(entra: Emulator, http: httpx.Client) -> None:
    """A parameter that is there twice makes the request unreadable (RFC 6749 section 3.2)."""
    answer = http.post(
        f"{entra.authority}/common/oauth2/v2.0/token",
        content="grant_type=a&grant_type=b",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.json()["error_codes"] == [9000411]


def test_json_body_has_no_parameters(entra: Emulator, http: httpx.Client) -> None:
    """A JSON body is answered as one without grant_type, as the real service does."""
    answer = http.post(f"{entra.authority}/common/oauth2/v2.0/token", json={"grant_type": "client_credentials"})
    assert (answer.status_code, answer.json()["error_codes"]) == (400, [900144])


@pytest.mark.parametrize("path", ["oauth2/v2.0/token", "oauth2/v2.0/devicecode", "oauth2/devicecode"])
def test_body_without_a_type_is_a_form(entra: Emulator, http: httpx.Client, path: str) -> None:
    """azure-identity for Java sends no Content-Type when it requests a device code."""
    app = entra.state.default_app
    form = {"client_id": app.id, "scope": "https://graph.microsoft.com/.default", "grant_type": "client_credentials"}
    form |= {"client_secret": app.secrets[0].value, "resource": "https://graph.microsoft.com"}
    request = http.build_request("POST", f"{entra.authority}/{app.tenant}/{path}", content=urlencode(form))
    assert "content-type" not in request.headers
    assert http.send(request).status_code == 200
