"""Graph beyond users: filters, applications, relationships, batches."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from entra_emulator import Emulator
from entra_emulator.model import Relationship, User

Call = Callable[..., Any]
APP = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b01"
CUSTOMER = "3c1b7b9e-5f0a-4d5c-9a52-7d0a4d1c0e02"
RELATIONS = "/tenantRelationships/delegatedAdminRelationships"


@pytest.fixture
def graph(entra: Emulator, http: httpx.Client, app_token: Callable[..., httpx.Response]) -> Call:
    """Call Graph as the default application, which may read everything."""
    roles = ["Application.Read.All", "DelegatedAdminRelationship.Read.All", "CrossTenantInformation.ReadBasic.All"]
    entra.grant(entra.state.default_app, "graph", roles=roles)

    def call(path: str, method: str = "GET", **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {app_token().json()['access_token']}"}
        return http.request(method, f"{entra.api('graph')}{path}", headers=headers, **more)

    return call


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("userPrincipalName eq 'otto@northwind-partner.example'", ["Otto Falk"]),
        ("displayName eq 'OTTO FALK'", ["Otto Falk"]),
        ("startswith(displayName,'Na')", ["Nadia Brandt"]),
        ("displayName eq 'O''Hara'", []),
    ],
)
def test_filter(graph: Call, text: str, names: list[str]) -> None:
    """$filter understands eq and startswith, whatever the letter case."""
    body = graph("/users", params={"$filter": text, "$count": "true"}).json()
    assert [one["displayName"] for one in body["value"]] == names
    assert body["@odata.count"] == len(names)


def test_filter_it_does_not_know_is_told(graph: Call) -> None:
    """Any other filter is refused, and not silently passed over."""
    answer = graph("/users", params={"$filter": "accountEnabled ne true"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "Request_UnsupportedQuery")


def test_select_and_pages_go_together(graph: Call, entra: Emulator, http: httpx.Client) -> None:
    """The next page's link keeps $select; following the links gives every user once."""
    entra.state.default_tenant.users += [User(f"u{n}@northwind-partner.example", f"U{n}") for n in range(5)]
    seen: list[str] = []
    path: str | None = "/users?$top=3&$select=id"
    while path:
        body = graph(path).json()
        assert all(set(one) == {"id"} for one in body["value"])
        seen += [one["id"] for one in body["value"]]
        path = body.get("@odata.nextLink", "").replace(entra.api("graph"), "") or None
    assert len(seen) == len(set(seen)) == 7


def test_applications(graph: Call, entra: Emulator) -> None:
    """Applications of the tenant are listed, found by id and by application id, and tell no secret."""
    body = graph("/applications").json()
    assert len(body["value"]) == len(entra.state.apps)
    one = graph(f"/applications(appId='{APP}')").json()
    assert one["displayName"] == "Northwind Automation"
    assert graph(f"/applications/{one['id']}").json()["appId"] == APP
    assert entra.state.default_app.secrets[0].value not in graph("/applications").text
    assert graph("/applications/none").status_code == 404


def test_service_principals(graph: Call) -> None:
    """Service principals are found by application id."""
    (one,) = graph("/servicePrincipals", params={"$filter": f"appId eq '{APP}'"}).json()["value"]
    assert one["id"] == "b7c2d1e0-4a3f-4e5d-9c8b-0a1f2e3d4c01"
    assert graph(f"/servicePrincipals(appId='{APP}')").json()["id"] == one["id"]


def test_relationships(graph: Call, entra: Emulator) -> None:
    """A partner sees its delegated admin relationships, their roles and who may use them."""
    partner = entra.state.default_tenant.id
    entra.state.tenants[CUSTOMER].relationships.append(Relationship(partner, status="expired"))
    body = graph(RELATIONS, params={"$filter": "status eq 'active'"}).json()
    (one,) = body["value"]
    assert one["customer"] == {"tenantId": CUSTOMER, "displayName": "Tailwind Bakery"}
    assert {role["roleDefinitionId"] for role in one["accessDetails"]["unifiedRoles"]} == {
        "f2ef992c-3afb-46b9-b7cf-a126ee74c451",
        "fe930be7-5e62-47db-91af-98c3a49a38b1",
    }
    assert graph(f"{RELATIONS}/{one['id']}").json()["id"] == one["id"]
    assert len(graph(f"{RELATIONS}/{one['id']}/accessAssignments").json()["value"]) == 1
    assert graph(f"{RELATIONS}/{CUSTOMER}").status_code == 404


def test_other_tenants_and_contracts(graph: Call) -> None:
    """A tenant is found by id, and the customers are listed as contracts."""
    found = graph(f"/tenantRelationships/findTenantInformationByTenantId(tenantId='{CUSTOMER}')").json()
    assert found["defaultDomainName"] == "tailwind-bakery.example"
    (contract,) = graph("/contracts").json()["value"]
    assert contract["customerId"] == CUSTOMER


def test_permissions_are_asked_for(
    entra: Emulator, http: httpx.Client, app_token: Callable[..., httpx.Response]
) -> None:
    """Without its permission each call is 403."""
    headers = {"Authorization": f"Bearer {app_token().json()['access_token']}"}
    info = f"/tenantRelationships/findTenantInformationByTenantId(tenantId='{CUSTOMER}')"
    for path in (RELATIONS, info):
        assert http.get(f"{entra.api('graph')}{path}", headers=headers).status_code == 403


def test_batch(graph: Call) -> None:
    """Several requests in one: each has its own status; what depends on a failed one is 424."""
    steps = [
        {"id": "1", "method": "GET", "url": "/users?$top=1"},
        {"id": "2", "method": "GET", "url": "/users/nobody"},
        {"id": "3", "method": "GET", "url": "/organization", "dependsOn": ["2"]},
        {"id": "4", "method": "DELETE", "url": "/users"},
        {"id": "5", "method": "GET", "url": "/nothing"},
    ]
    answers = graph("/$batch", "POST", json={"requests": steps}).json()["responses"]
    assert {one["id"]: one["status"] for one in answers} == {"1": 200, "2": 404, "3": 424, "4": 405, "5": 404}
    assert len(answers[0]["body"]["value"]) == 1
    assert answers[0]["headers"]["Content-Type"].startswith("application/json")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"requests": [{"id": "1"}]},
        {"requests": "x"},
        {"requests": [{"id": "1", "method": "GET", "url": "/me"}] * 2},
        {"requests": [{"id": str(n), "method": "GET", "url": "/me"} for n in range(21)]},
    ],
)
def test_bad_batch_is_400(graph: Call, body: Any) -> None:
    """A batch without form, with doubled ids, or of more than twenty is refused whole."""
    assert graph("/$batch", "POST", json=body).status_code == 400


def test_batch_needs_a_token(entra: Emulator, http: httpx.Client) -> None:
    """A batch without a token is 401, not a list of refusals."""
    assert http.post(f"{entra.api('graph')}/$batch", json={"requests": []}).status_code == 401
