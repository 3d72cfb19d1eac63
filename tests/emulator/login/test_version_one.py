"""The v1.0 endpoints."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from entra_emulator import Emulator

Claims = Callable[[str], dict[str, Any]]
Ask = Callable[..., httpx.Response]
NADIA, OTTO = "nadia@northwind-partner.example", "otto@northwind-partner.example"


@pytest.fixture
def ask_one(entra: Emulator, http: httpx.Client) -> Ask:
    """Ask the v1.0 token endpoint as the default application."""

    def post(tenant: str = "", **form: Any) -> httpx.Response:
        app = entra.state.default_app
        fields = {"client_id": app.id, "client_secret": app.secrets[0].value, **form}
        return http.post(f"{entra.authority}/{tenant or app.tenant}/oauth2/token", data=fields)

    return post


def test_application(ask_one: Ask, claims: Claims) -> None:
    """Client credentials for a resource: numbers are text, times are given, the resource is echoed as written."""
    body = ask_one(grant_type="client_credentials", resource="https://management.azure.com/").json()
    assert list(body) == [
        "token_type",
        "expires_in",
        "ext_expires_in",
        "expires_on",
        "not_before",
        "resource",
        "access_token",
    ]
    token = claims(body["access_token"])
    assert (body["resource"], token["aud"]) == ("https://management.azure.com/",) * 2
    assert (body["expires_on"], body["not_before"]) == (str(token["exp"]), str(token["nbf"]))
    assert body["expires_in"] == "3599"


def test_resource_left_out(ask_one: Ask) -> None:
    """An application that names no resource gets a token for Azure AD Graph, as ever."""
    assert ask_one(grant_type="client_credentials").json()["resource"] == "00000002-0000-0000-c000-000000000000"


def test_user(entra: Emulator, ask_one: Ask, claims: Claims) -> None:
    """A refresh brings bare permissions, a refresh token and a v1.0 ID token."""
    form = {
        "grant_type": "refresh_token",
        "refresh_token": entra.sign_in(NADIA),
        "resource": "https://graph.microsoft.com",
    }
    body = ask_one(**form).json()
    assert body["scope"].split()[-2:] == ["User.Read", "User.Read.All"]
    id_token = claims(body["id_token"])
    assert (id_token["ver"], id_token["upn"]) == ("1.0", NADIA)
    assert id_token["iss"] == claims(body["access_token"])["iss"]
    again = ask_one(grant_type="refresh_token", refresh_token=body["refresh_token"])
    assert again.json()["resource"]


@pytest.mark.parametrize(
    ("require", "code", "suberror"),
    [
        ("mfa", 50076, "basic_action"),
        ("compliant_device", 50097, "additional_action"),
        ("block", 53003, "message_only"),
    ],
)
def test_interaction_required_has_its_own_error(
    entra: Emulator, ask_one: Ask, ask: Ask, require: str, code: int, suberror: str
) -> None:
    """Where v2.0 says invalid_grant with a suberror, v1.0 says interaction_required with the same."""
    entra.add_policy(require, resources=["arm"])
    form = {"grant_type": "refresh_token", "refresh_token": entra.sign_in(OTTO)}
    old = ask_one(**form, resource="https://management.azure.com/").json()
    assert (old["error"], old["error_codes"], old["suberror"]) == ("interaction_required", [code], suberror)
    new = ask(**form, scope="https://management.azure.com//.default").json()
    assert (new["error"], new["error_codes"], new["suberror"]) == ("invalid_grant", [code], suberror)


def test_an_old_sign_in_is_interaction_required(entra: Emulator, ask_one: Ask) -> None:
    """70043 is interaction_required at v1.0, with its suberror, as tools report it."""
    entra.add_policy("sign_in_frequency", resources=["arm"], frequency_in=60)
    form = {"refresh_token": entra.sign_in(OTTO), "resource": "https://management.azure.com/"}
    entra.clock.advance(60)
    body = ask_one(grant_type="refresh_token", **form).json()
    assert (body["error"], body["suberror"]) == ("interaction_required", "token_expired")
    assert body["error_codes"] == [70043]


def test_no_personal_accounts(ask_one: Ask) -> None:
    """The tenant of personal accounts has no v1.0."""
    answer = ask_one("consumers", grant_type="client_credentials")
    assert (answer.status_code, answer.json()["error_codes"]) == (400, [90027])


@pytest.mark.parametrize("path", ["/oauth2/token", "/oauth2/v2.0/token"])
def test_only_post(entra: Emulator, http: httpx.Client, path: str) -> None:
    """GET at a token endpoint has an error of its own."""
    answer = http.get(f"{entra.authority}/common{path}")
    assert answer.json()["error_codes"] == [900561]
    assert "GET" in answer.json()["error_description"]


@pytest.mark.parametrize("tenant", ["northwind-partner.example", "common"])
def test_configuration(entra: Emulator, http: httpx.Client, tenant: str) -> None:
    """The v1.0 OpenID configuration names v1.0 endpoints, and its keys are there."""
    body = http.get(f"{entra.authority}/{tenant}/.well-known/openid-configuration").json()
    segment = entra.state.default_tenant.id if tenant != "common" else "common"
    assert body["token_endpoint"] == f"{entra.authority}/{segment}/oauth2/token"
    assert body["issuer"] == f"https://sts.windows.net/{segment if tenant != 'common' else '{tenantid}'}/"
    assert http.get(body["jwks_uri"]).json()["keys"]


def test_malformed_discovery(entra: Emulator, http: httpx.Client) -> None:
    """Instance discovery for what is no https URL is refused with 50050."""
    for endpoint in ("x", "http://login.microsoftonline.com/", "https://["):
        query = {"api-version": "1.1", "authorization_endpoint": endpoint}
        answer = http.get(f"{entra.authority}/common/discovery/instance", params=query)
        assert answer.json()["error_codes"] == [50050]


PUBLIC = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"


def press(http: httpx.Client, entra: Emulator, page: httpx.Response, **form: str) -> httpx.Response:
    """Send a page's form."""
    token = re.search(r'name="flow" value="([^"]+)', page.text)
    action = re.search(r'method="post" action="([^"]+)', page.text)
    assert token
    assert action
    return http.post(f"{entra.authority}{action[1]}", data={"flow": token[1], **form})


@pytest.mark.parametrize("where", ["question", "token request"])
def test_code(entra: Emulator, http: httpx.Client, where: str) -> None:
    """A code of the v1.0 authorization endpoint is redeemed at the v1.0 token endpoint; either names the resource."""
    resource = {"resource": "https://management.azure.com/"}
    query = {"client_id": PUBLIC, "response_type": "code", "redirect_uri": "http://localhost", "state": "s"}
    asked = query | (resource if where == "question" else {})
    page = http.get(f"{entra.authority}/common/oauth2/authorize", params=asked)
    landed = press(http, entra, page, choice="sign-in", username=OTTO, password="emulator")
    came = dict(parse_qsl(urlsplit(landed.headers["location"]).query))
    assert came["state"] == "s"
    form = {"client_id": PUBLIC, "grant_type": "authorization_code", "code": came["code"]}
    form |= {"redirect_uri": "http://localhost"} | (resource if where == "token request" else {})
    body = http.post(f"{entra.authority}/common/oauth2/token", data=form).json()
    assert (body["scope"], body["resource"]) == ("user_impersonation", "https://management.azure.com/")


def test_device(entra: Emulator, http: httpx.Client) -> None:
    """The v1.0 device endpoint writes numbers as text and verification_url; its code is redeemed as `code`."""
    form = {"client_id": PUBLIC, "resource": "https://management.azure.com/"}
    body = http.post(f"{entra.authority}/common/oauth2/devicecode", data=form).json()
    assert (body["expires_in"], body["interval"]) == ("900", "5")
    assert body["verification_url"].startswith(entra.authority)
    poll = {"client_id": PUBLIC, "grant_type": "device_code", "code": body["device_code"], **form}
    assert http.post(f"{entra.authority}/common/oauth2/token", data=poll).json()["error_codes"] == [70016]


def test_sign_out(entra: Emulator, http: httpx.Client) -> None:
    """Sign-out has its v1.0 name too."""
    assert http.get(f"{entra.authority}/common/oauth2/logout").status_code == 200


def test_a_password_at_common(ask_one: Ask, ask: Ask, claims: Claims) -> None:
    """v1.0 takes a work account's password at /common, which v2.0 refuses; a personal account does not exist there."""
    form = {"grant_type": "password", "username": NADIA, "password": "emulator"}
    body = ask_one("common", resource="https://graph.microsoft.com", **form).json()
    assert claims(body["access_token"])["upn"] == NADIA
    answer = ask("common", scope="https://graph.microsoft.com/.default", **form)
    assert answer.json()["error_codes"] == [9001023]
    personal = {**form, "username": "robin@outlook.example"}
    answer = ask_one("common", resource="https://graph.microsoft.com", **personal)
    assert answer.json()["error_codes"] == [50034]
