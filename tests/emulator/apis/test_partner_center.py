"""The small Partner Center: customers, consent, and the check for multi-factor authentication."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from entra_emulator import Emulator
from entra_emulator.model import Relationship

Get = Callable[..., httpx.Response]
SCOPE = "https://api.partnercenter.microsoft.com/user_impersonation"
OTTO = "otto@northwind-partner.example"
PARTNER_CENTER = "fa3d9a0c-3fb0-42cc-9193-47c7ecd2edbd"
GRAPH = "00000003-0000-0000-c000-000000000000"


@pytest.fixture
def partner(entra: Emulator, http: httpx.Client, user_token: Get) -> Callable[..., httpx.Response]:
    """Call Partner Center as the default user, or with another token."""

    def call(
        method: str, path: str, token: str | None = None, headers: dict[str, str] | None = None, **rest: Any
    ) -> httpx.Response:
        bearer = token or user_token(SCOPE).json()["access_token"]
        sent = {"Authorization": f"Bearer {bearer}", **(headers or {})}
        return http.request(method, f"{entra.api('partner')}{path}", headers=sent, **rest)

    return call


@pytest.fixture
def weak(entra: Emulator, user_token: Get) -> str:
    """A token for Partner Center of a sign-in without multi-factor authentication, as before it was enforced."""
    entra.state.default_tenant.policies.clear()
    token: str = user_token(SCOPE, OTTO).json()["access_token"]
    return token


def test_customers_are_those_with_a_relationship(entra: Emulator, partner: Get) -> None:
    """The partner's customers are listed and found by id; others do not exist."""
    customer = entra.state.default_customer
    assert customer
    body = partner("GET", "/customers").json()
    assert body["totalCount"] == 1
    assert body["items"][0]["companyProfile"]["tenantId"] == customer.id
    assert partner("GET", f"/customers/{customer.id}").json() == body["items"][0]
    assert partner("GET", f"/customers/{entra.state.default_tenant.id}").status_code == 404


def test_customers_come_in_pages(entra: Emulator, partner: Get) -> None:
    """`size` limits a page; its next link, with the token it gives, leads on until all have been seen once."""
    partner_tenant = entra.state.default_tenant
    customers = {one.id for one in entra.state.customers(partner_tenant)}
    for number in range(4):
        relationship = Relationship(partner_tenant.id, users=["nadia@northwind-partner.example"])
        customers.add(entra.add_tenant(f"Customer {number}", relationships=[relationship]).id)
    link: Any = {"uri": "/customers?size=2", "headers": []}
    pages = []
    while link:
        headers = {one["key"]: one["value"] for one in link["headers"]}
        body = partner("GET", link["uri"], headers=headers).json()
        pages.append([one["id"] for one in body["items"]])
        link = body["links"].get("next")
    assert [len(page) for page in pages] == [2, 2, 1]
    assert {one for page in pages for one in page} == customers


@pytest.mark.parametrize(("query", "token"), [("size=0", "1"), ("size=x", "1"), ("seekOperation=Next", "x")])
def test_an_invalid_page_is_400(partner: Get, query: str, token: str) -> None:
    """A size that is none, or somebody else's continuation token, is refused in Partner Center's form."""
    answer = partner("GET", f"/customers?{query}", headers={"MS-ContinuationToken": token})
    assert (answer.status_code, answer.json()["code"]) == (400, 2002)


def test_token_without_multi_factor_is_401(partner: Get, weak: str) -> None:
    """Without mfa in amr: 401 with Partner Center's own code 900421."""
    answer = partner("GET", "/customers", weak)
    assert (answer.status_code, answer.json()["code"]) == (401, 900421)
    assert answer.headers["www-authenticate"].startswith("Bearer ")


@pytest.mark.parametrize("strong", [True, False])
def test_validate_mfa_reports_whether_a_token_has_multi_factor(partner: Get, weak: str, *, strong: bool) -> None:
    """With ValidateMfa: true the answer comes, and its header isMfaCompliant tells about the token."""
    answer = partner("GET", "/customers", None if strong else weak, {"ValidateMfa": "true"})
    assert answer.status_code == 200
    assert answer.headers["isMfaCompliant"] == str(strong).lower()


def test_an_application_reads_customers_but_consents_to_nothing(entra: Emulator, partner: Get, app_token: Get) -> None:
    """A token of the application alone suffices for customers, and is 401 for consents and users."""
    token = app_token("https://api.partnercenter.microsoft.com/.default").json()["access_token"]
    assert partner("GET", "/customers", token).status_code == 200
    customer = entra.state.default_customer
    assert customer
    for path in ("applicationconsents", "users"):
        answer = partner("GET", f"/customers/{customer.id}/{path}", token)
        assert (answer.status_code, answer.json()["code"]) == (401, 900401)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"Field":"Domain","Value":"tail","Operator":"starts_with"}', 1),
        ('{"Field":"CompanyName","Value":"TAIL","Operator":"starts_with"}', 1),
        ('{"Field":"Domain","Value":"wind","Operator":"starts_with"}', 0),
    ],
)
def test_customers_are_filtered(partner: Get, text: str, found: int) -> None:
    """The filter looks at the beginning of the domain or the name."""
    assert partner("GET", "/customers", params={"filter": text}).json()["totalCount"] == found


@pytest.mark.parametrize(
    "text", ["x", "[]", '{"Field":"Size","Value":"1"}', '{"Field":"Domain","Value":"t","Operator":"contains"}']
)
def test_an_unsupported_filter_is_refused(partner: Get, text: str) -> None:
    """Any other filter is 400."""
    assert partner("GET", "/customers", params={"filter": text}).status_code == 400


def test_a_partner_reads_its_own_profiles(entra: Emulator, partner: Get) -> None:
    """The partner's profile, a customer's users and subscriptions, and the relationship request."""
    customer = entra.state.default_customer
    assert customer
    assert partner("GET", "/profiles/organization").json()["companyName"] == "Northwind Partner"
    assert len(partner("GET", "/profiles/mpn").json()["mpnId"]) == 7
    base = f"/customers/{customer.id}"
    (user,) = partner("GET", f"{base}/users").json()["items"]
    assert partner("GET", f"{base}/users/{user['id']}").json() == user
    assert partner("GET", f"{base}/users/nobody").json()["description"] == "User was not found."
    assert partner("GET", f"{base}/subscriptions").json()["items"] == []
    assert partner("GET", "/customers/relationshiprequests").json()["url"].startswith("https://admin.microsoft.com/")


@pytest.mark.parametrize("path", ["/generatetoken", "/v3/generatetoken"])
def test_generatetoken(entra: Emulator, http: httpx.Client, user_token: Get, path: str) -> None:
    """A token of Entra's is exchanged for one that Partner Center takes, for as long as it lives."""
    token = user_token(SCOPE).json()["access_token"]
    base = entra.api("partner").removesuffix("/v1")
    headers = {"Authorization": f"Bearer {token}"}
    made = http.post(f"{base}{path}", data={"grant_type": "jwt_token"}, headers=headers).json()
    assert 0 < made["expires_in"] <= 86_400
    again = {"Authorization": f"Bearer {made['access_token']}"}
    assert http.get(f"{base}/v1/customers", headers=again).status_code == 200
    refused = http.post(f"{base}{path}", data={"grant_type": "password"}, headers=headers)
    assert (refused.status_code, refused.json()["error"]) == (400, "unsupported_grant_type")


def test_token_for_another_api_is_401(partner: Get, user_token: Get) -> None:
    """A token for Graph is not one for Partner Center."""
    answer = partner("GET", "/customers", user_token().json()["access_token"])
    assert (answer.status_code, "audience" in answer.json()["description"]) == (401, True)


def test_no_token_is_401(entra: Emulator, http: httpx.Client) -> None:
    """Without a token the answer is 401 in Partner Center's shape."""
    answer = http.get(f"{entra.api('partner')}/customers")
    assert answer.status_code == 401
    assert {"code", "description"} <= set(answer.json())


def test_missing_permission_is_403(entra: Emulator, partner: Get, user_token: Get) -> None:
    """A user's token needs user_impersonation."""
    for grant in entra.state.default_tenant.grants:
        if grant.resource == PARTNER_CENTER:
            grant.scopes = ["something_else"]
    token = user_token("https://api.partnercenter.microsoft.com/.default").json()["access_token"]
    assert partner("GET", "/customers", token).status_code == 403


def test_consent_opens_a_customer(entra: Emulator, partner: Get, user_token: Get) -> None:
    """Consent on a customer's behalf makes the same refresh token work there; removing it ends that."""
    customer, app = entra.state.default_customer, entra.state.default_app
    assert customer
    customer.grants.clear()
    customer.principals.clear()
    token = entra.sign_in(entra.state.settings.user)
    path = f"/customers/{customer.id}/applicationconsents"
    body = {
        "ApplicationId": app.id,
        "ApplicationGrants": [{"EnterpriseApplicationId": GRAPH, "Scope": "User.Read, Directory.Read.All"}],
    }
    assert user_token(refresh_token=token, tenant=customer.id).json()["error_codes"] == [65001]
    assert partner("POST", path, json=body).status_code == 201
    assert (
        user_token(refresh_token=token, tenant=customer.id)
        .json()["scope"]
        .startswith("https://graph.microsoft.com/Directory.Read.All https://graph.microsoft.com/User.Read")
    )
    again = partner("POST", path, json=body)
    assert (again.status_code, "already exists" in again.json()["description"]) == (409, True)
    assert [item["applicationId"] for item in partner("GET", path).json()["items"]] == [app.id]
    assert partner("DELETE", f"{path}/{app.id}").status_code == 204
    assert user_token(refresh_token=token, tenant=customer.id).json()["error_codes"] == [65001]
    assert partner("DELETE", f"{path}/{app.id}").status_code == 404


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "[]",
        "{}",
        '{"ApplicationId": "x", "ApplicationGrants": 3}',
        '{"ApplicationId": "11111111-2222-4333-8444-555555555555", "ApplicationGrants": []}',
        '{"ApplicationId": "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b03", "ApplicationGrants": []}',
        '{"ApplicationId": "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b01", "ApplicationGrants": [{"Scope": "y"}]}',
    ],
)
def test_bad_consents_are_400(entra: Emulator, partner: Get, raw: str) -> None:
    """A consent that is no JSON, or speaks of unknown applications, changes nothing."""
    customer = entra.state.default_customer
    assert customer
    before = len(customer.grants)
    assert partner("POST", f"/customers/{customer.id}/applicationconsents", content=raw).status_code == 400
    assert len(customer.grants) == before


def test_request_ids_are_echoed(partner: Get) -> None:
    """MS-RequestId and MS-CorrelationId come back."""
    mine = "0f8fad5b-d9cb-469f-a165-70867728950e"
    answer = partner("GET", "/customers", headers={"MS-RequestId": mine, "MS-CorrelationId": mine})
    assert (answer.headers["ms-requestid"], answer.headers["ms-correlationid"]) == (mine, mine)


def test_unknown_path_is_404(partner: Get) -> None:
    """What the emulator's Partner Center does not have is not found."""
    assert partner("GET", "/invoices").status_code == 404
