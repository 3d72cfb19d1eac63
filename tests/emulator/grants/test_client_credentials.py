"""The client credentials grant."""

import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus

import httpx
import pytest

from entra_emulator import Emulator

Get = Callable[..., httpx.Response]


def test_answer_has_the_members_of_the_recorded_one_in_its_order(app_token: Get) -> None:
    """Recorded from login.microsoftonline.com: four members, 3599 seconds, no refresh or ID token."""
    answer = app_token()
    assert answer.status_code == 200
    assert list(answer.json()) == ["token_type", "expires_in", "ext_expires_in", "access_token"]
    assert answer.json()["token_type"] == "Bearer"
    assert answer.json()["expires_in"] == answer.json()["ext_expires_in"] == 3599


def test_client_info_and_openid_scopes_change_nothing(app_token: Get) -> None:
    """MSAL for Go sends openid scopes and client_info with client credentials; the recorded answer ignores both."""
    answer = app_token("https://graph.microsoft.com/.default openid offline_access profile", client_info="1")
    assert list(answer.json()) == ["token_type", "expires_in", "ext_expires_in", "access_token"]


def test_secret_may_come_in_a_basic_header(entra: Emulator, ask: Get) -> None:
    """client_secret_basic works, with id and secret form-encoded before they are joined (RFC 6749 section 2.3.1)."""
    app = entra.state.default_app
    app.secrets[0].value = "sec:ret+with %"
    pair = f"{quote_plus(app.id)}:{quote_plus('sec:ret+with %')}"
    header = {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    answer = ask(
        headers=header,
        grant_type="client_credentials",
        scope="https://graph.microsoft.com/.default",
        client_id=None,
        client_secret=None,
    )
    assert answer.status_code == 200


@pytest.mark.parametrize("tenant", ["northwind-partner.example", "NORTHWINDPARTNER.onmicrosoft.com"])
def test_tenant_may_be_a_verified_domain(entra: Emulator, ask: Get, claims: Any, tenant: str) -> None:
    """A verified domain in any letter case means its tenant; the token names the tenant by id."""
    answer = ask(tenant, grant_type="client_credentials", scope="https://graph.microsoft.com/.default")
    assert claims(answer.json()["access_token"])["tid"] == entra.state.default_tenant.id


def test_the_same_application_has_other_permissions_in_a_customer_tenant(
    entra: Emulator, app_token: Get, claims: Any
) -> None:
    """A multi-tenant application gets in each tenant the roles granted there, as that tenant's service principal."""
    customer = entra.state.default_customer
    assert customer
    here = claims(app_token().json()["access_token"])
    there = claims(app_token(tenant=customer.id).json()["access_token"])
    assert there["tid"] == customer.id
    assert there["oid"] != here["oid"]
    assert "Directory.Read.All" in here["roles"]
    assert "Directory.Read.All" not in there["roles"]


@pytest.mark.parametrize(
    ("scope", "audience"),
    [
        ("https://management.azure.com/.default", "https://management.azure.com"),
        ("https://management.azure.com//.default", "https://management.azure.com/"),
        ("https://management.core.windows.net//.default", "https://management.core.windows.net/"),
        ("797f4846-ba00-4fd7-ba43-dac1f8f63013/.default", "797f4846-ba00-4fd7-ba43-dac1f8f63013"),
        ("https://GRAPH.microsoft.com/.default", "https://GRAPH.microsoft.com"),
        ("https://contoso.vault.azure.net/.default", "https://contoso.vault.azure.net"),
    ],
)
def test_v1_audience_repeats_the_resource_as_requested(app_token: Get, claims: Any, scope: str, audience: str) -> None:
    """The text before the last slash names the resource, and a v1.0 token's aud repeats it."""
    token = claims(app_token(scope).json()["access_token"])
    assert (token["ver"], token["aud"]) == ("1.0", audience)


def test_v2_audience_is_the_application_id(app_token: Get, claims: Any) -> None:
    """An API that asks for v2.0 tokens gets its application id as audience, however it was named."""
    token = claims(app_token("api://northwind-orders/.default").json()["access_token"])
    assert (token["ver"], token["aud"]) == ("2.0", "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b03")
    assert token["roles"] == ["Orders.Read.All"]


def test_roles_are_missing_when_none_are_granted(app_token: Get, claims: Any) -> None:
    """A resource without granted application permissions still gives a token, without the claim."""
    assert "roles" not in claims(app_token("https://storage.azure.com/.default").json()["access_token"])


def test_the_cp1_capability_extends_the_lifetime_to_a_day(app_token: Get, claims: Any) -> None:
    """A client that says it handles claims challenges (cp1) gets a day-long token that says so, from Graph."""
    answer = app_token(claims='{"access_token":{"xms_cc":{"values":["cp1"]}}}').json()
    assert answer["expires_in"] == 86399
    assert claims(answer["access_token"])["xms_cc"] == ["cp1"]


def test_a_day_long_token_says_when_to_renew_it(entra: Emulator, app_token: Get) -> None:
    """Where the application is set so, after half of its life; an hour's token has no refresh_in."""
    capable = '{"access_token":{"xms_cc":{"values":["cp1"]}}}'
    assert "refresh_in" not in app_token(claims=capable).json()
    entra.state.default_app.refresh_in = True
    members = ["token_type", "expires_in", "ext_expires_in", "refresh_in", "access_token"]
    answer = app_token(claims=capable).json()
    assert (list(answer), answer["refresh_in"]) == (members, 43199)
    assert "refresh_in" not in app_token().json()


@pytest.mark.parametrize("text", ["", "{}", '{"access_token":[1]}', '{"access_token":{"xms_cc":7}}', '{"id_token":{}}'])
def test_claims_parameters_without_capabilities(app_token: Get, text: str) -> None:
    """A claims parameter that says nothing about capabilities leaves the usual lifetime."""
    assert app_token(claims=text).json()["expires_in"] == 3599


@pytest.mark.parametrize("text", ["not json", "[]", "null", "7", "{nope", '"text"', '{"a":1}x'])
def test_claims_that_are_no_json_object_are_refused(app_token: Get, text: str) -> None:
    """What is not a JSON object is refused, with the parameter's name."""
    body = app_token(claims=text).json()
    assert body["error_codes"] == [90100]
    assert "claims" in body["error_description"]
