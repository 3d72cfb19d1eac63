"""Graph beyond users: filters, applications, relationships, batches."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from entra_emulator import Emulator
from entra_emulator.model import Relationship, User

Call = Callable[..., Any]
CLI = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"
APP = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b01"
CUSTOMER = "3c1b7b9e-5f0a-4d5c-9a52-7d0a4d1c0e02"
EVENTUAL = {"ConsistencyLevel": "eventual"}
RELATIONS = "/tenantRelationships/delegatedAdminRelationships"


@pytest.fixture
def graph(entra: Emulator, http: httpx.Client, app_token: Callable[..., httpx.Response]) -> Call:
    """Call Graph as the default application, which may read everything."""
    roles = ["Application.Read.All", "DelegatedAdminRelationship.Read.All", "CrossTenantInformation.ReadBasic.All"]
    entra.grant(entra.state.default_app, "graph", roles=roles)

    def call(path: str, method: str = "GET", headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        sent = {"Authorization": f"Bearer {app_token().json()['access_token']}", **(headers or {})}
        return http.request(method, f"{entra.api('graph')}{path}", headers=sent, **more)

    return call


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("userPrincipalName eq 'otto@northwind-partner.example'", ["Otto Falk"]),
        ("displayName eq 'OTTO FALK'", ["Otto Falk"]),
        ("startswith(displayName,'Na')", ["Nadia Brandt"]),
        ("displayName eq 'O''Hara'", []),
        ("accountEnabled eq false", ["Otto Falk"]),
        ("accountEnabled eq true and startswith(displayName, 'N')", ["Nadia Brandt"]),
        ("jobTitle eq null and displayName eq 'Nadia Brandt and Otto Falk'", []),
        ("accountEnabled eq 'true'", []),
        ("accountEnabled eq 1", []),
    ],
)
def test_filter(entra: Emulator, graph: Call, text: str, names: list[str]) -> None:
    """$filter understands eq, startswith and and, whatever the letter case of texts."""
    entra.state.default_tenant.users[1].enabled = False
    body = graph("/users", headers=EVENTUAL, params={"$filter": text, "$count": "true"}).json()
    assert [one["displayName"] for one in body["value"]] == names
    assert body["@odata.count"] == len(names)


@pytest.mark.parametrize(
    "text",
    [
        "displayName eq 'a' and",
        "displayName eq 'a' or",
        "x",
        "nope eq 'a'",
        "displayName eq",
        "displayName like 'a'",
        "(displayName eq 'a'",
        "contains(displayName,'a')",
        "identities/any(i:j/issuer eq 'x')",
        "displayName eq 'a' displayName eq 'b'",
        "createdDateTime ge 2026-13-45",
    ],
)
def test_an_invalid_filter_is_refused(graph: Call, text: str) -> None:
    """Graph answers 400 for a filter that it cannot apply, and never ignores it."""
    answer = graph("/users", params={"$filter": text})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "Request_UnsupportedQuery")


@pytest.mark.parametrize("path", ["/users", "/applications", "/servicePrincipals"])
def test_counting_needs_the_consistency_header(graph: Call, path: str) -> None:
    """With ConsistencyLevel: eventual Graph counts; without it Graph ignores $count=true and refuses /$count."""
    listed = graph(path, headers=EVENTUAL, params={"$count": "true", "$top": "999"}).json()
    counted = graph(f"{path}/$count", headers=EVENTUAL)
    assert int(counted.text) == listed["@odata.count"] == len(listed["value"])
    assert counted.headers["content-type"] == "text/plain"
    assert "@odata.count" not in graph(path, params={"$count": "true"}).json()
    refused = graph(f"{path}/$count")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "Request_BadRequest")


def test_additional_properties_are_returned_on_request(graph: Call) -> None:
    """A user's state is told with $select only, as Graph does it."""
    assert "accountEnabled" not in graph("/users").json()["value"][0]
    chosen = graph("/users", params={"$select": "accountEnabled,userType"}).json()["value"][0]
    assert chosen == {"accountEnabled": True, "userType": "Member"}


def test_the_next_page_keeps_the_query(entra: Emulator, graph: Call) -> None:
    """The link to the next page carries $filter, $select and $count along, whatever characters they have."""
    entra.state.default_tenant.users += [User(f"r&d{n}@northwind-partner.example", "R&D 100%") for n in range(3)]
    query = {"$filter": "displayName eq 'R&D 100%'", "$select": "id", "$top": "2", "$count": "true"}
    first = graph("/users", headers=EVENTUAL, params=query).json()
    second = graph(first["@odata.nextLink"].replace(entra.api("graph"), ""), headers=EVENTUAL).json()
    assert [len(one["value"]) for one in (first, second)] == [2, 1]
    assert second["@odata.count"] == 3
    assert set(second["value"][0]) == {"id"}


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


def test_secret_rotation(entra: Emulator, graph: Call, app_token: Callable[..., httpx.Response]) -> None:
    """An application is made, installed, given a secret that works, then a second; the first is removed and refused."""
    entra.grant(entra.state.default_app, "graph", roles=["Application.ReadWrite.All"])
    made = graph("/applications", "POST", json={"displayName": "Robot", "signInAudience": "AzureADMyOrg"})
    path, app_id = f"/applications/{made.json()['id']}", made.json()["appId"]
    installed = graph("/servicePrincipals", "POST", json={"appId": app_id})
    assert (made.status_code, installed.status_code) == (201, 201)
    assert made.json()["passwordCredentials"] == []

    def add(name: str) -> dict[str, str]:
        return dict(graph(f"{path}/addPassword", "POST", json={"passwordCredential": {"displayName": name}}).json())

    first, second = add("old"), add("new")
    assert first["secretText"][:3] == first["hint"]
    for one in (first, second):
        assert app_token(client_id=app_id, client_secret=one["secretText"]).status_code == 200
    assert graph(f"{path}/removePassword", "POST", json={"keyId": first["keyId"]}).status_code == 204
    refused = app_token(client_id=app_id, client_secret=first["secretText"])
    assert refused.json()["error_codes"] == [7000215]
    assert app_token(client_id=app_id, client_secret=second["secretText"]).status_code == 200
    listed = graph(path).json()["passwordCredentials"]
    assert [(one["displayName"], one["secretText"]) for one in listed] == [("new", None)]
    again = graph(f"{path}/removePassword", "POST", json={"keyId": first["keyId"]})
    assert (again.status_code, "No password credential found" in again.text) == (400, True)


def test_a_secret_has_the_requested_lifetime(
    entra: Emulator, graph: Call, app_token: Callable[..., httpx.Response]
) -> None:
    """A secret of Graph's ends at its endDateTime, and the sign-in service knows it."""
    entra.grant(entra.state.default_app, "graph", roles=["Application.ReadWrite.All"])
    body = {"passwordCredential": {"endDateTime": "2026-01-01T00:00:00Z"}}
    made = graph(f"/applications(appId='{APP}')/addPassword", "POST", json=body).json()
    assert made["endDateTime"] == "2026-01-01T00:00:00Z"
    entra.clock.advance(datetime(2026, 1, 2, tzinfo=UTC).timestamp() - entra.clock.now())
    assert app_token(client_secret=made["secretText"]).json()["error_codes"] == [7000222]


def test_an_application_is_changed_and_removed(entra: Emulator, graph: Call) -> None:
    """PATCH sets what it names, DELETE takes the application and its service principal at home away."""
    entra.grant(entra.state.default_app, "graph", roles=["Application.ReadWrite.All"])
    path = f"/applications(appId='{CLI}')"
    uris = ["https://one.example/back"]
    changed = graph(path, "PATCH", json={"displayName": "New name", "web": {"redirectUris": uris}})
    assert (changed.status_code, changed.content) == (204, b"")
    app = entra.state.apps[CLI]
    assert (app.name, app.redirect_uris, app.public) == ("New name", uris, True)
    assert graph(path, "DELETE").status_code == 204
    assert graph(path).status_code == 404
    assert entra.state.default_tenant.principal(CLI) is None


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/applications", {}, 400),
        ("/applications", {"displayName": "x", "signInAudience": "Everybody"}, 400),
        ("/applications", {"displayName": "x", "web": []}, 400),
        ("/applications", [], 400),
        ("/servicePrincipals", {"appId": "none"}, 400),
        ("/servicePrincipals", {"appId": APP}, 409),
        (f"/applications(appId='{APP}')/addPassword", {"passwordCredential": {"endDateTime": "soon"}}, 400),
        (f"/applications(appId='{APP}')/addPassword", {"passwordCredential": []}, 400),
        (f"/applications(appId='{CUSTOMER}')/addPassword", {}, 404),
    ],
)
def test_bad_change_is_refused(entra: Emulator, graph: Call, path: str, body: Any, status: int) -> None:
    """What cannot be made or changed is refused, and nothing is made."""
    entra.grant(entra.state.default_app, "graph", roles=["Application.ReadWrite.All"])
    before = entra.snapshot()
    assert graph(path, "POST", json=body).status_code == status
    assert entra.snapshot() == before


def test_a_read_permission_does_not_allow_changes(entra: Emulator, graph: Call) -> None:
    """Who may only read applications changes none; with OwnedBy an application changes itself and no other."""
    own, other = (f"/applications(appId='{one}')/addPassword" for one in (APP, CLI))
    assert [graph(one, "POST", json={}).status_code for one in (own, other)] == [403, 403]
    assert graph("/applications", "POST", json={"displayName": "x"}).status_code == 403
    entra.grant(entra.state.default_app, "graph", roles=["Application.ReadWrite.OwnedBy"])
    assert [graph(one, "POST", json={}).status_code for one in (own, other)] == [200, 403]


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


def test_each_call_requires_its_permission(
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
    [first] = [one for one in answers if one["id"] == "1"]
    assert len(first["body"]["value"]) == 1
    assert first["headers"]["Content-Type"].startswith("application/json")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"requests": [{"id": "1"}]},
        {"requests": "x"},
        {"requests": [{"id": "1", "method": "GET", "url": "/me"}] * 2},
        {"requests": [{"id": name, "method": "GET", "url": "/me"} for name in ("a", "A")]},
        {"requests": [{"id": "1", "method": "GET", "url": "/me", "dependsOn": ["2"]}]},
        {"requests": [{"id": str(n), "method": "GET", "url": "/me"} for n in range(21)]},
    ],
)
def test_bad_batch_is_400(graph: Call, body: Any) -> None:
    """A batch without form, with doubled ids, an unknown dependency, or of more than twenty is refused whole."""
    assert graph("/$batch", "POST", json=body).status_code == 400


def test_batch_changes_things_in_order(entra: Emulator, graph: Call) -> None:
    """A step sees what the one it depends on has made; its own headers and body count."""
    entra.grant(entra.state.default_app, "graph", roles=["Application.ReadWrite.All"])
    json = {"Content-Type": "application/json"}
    steps = [
        {"id": "make", "method": "POST", "url": "/applications", "body": {"displayName": "Robot"}, "headers": json},
        {"id": "count", "method": "GET", "url": "/applications/$count", "headers": EVENTUAL, "dependsOn": ["make"]},
    ]
    before = len(graph("/applications").json()["value"])
    answers = {one["id"]: one for one in graph("/$batch", "POST", json={"requests": steps}).json()["responses"]}
    made, counted = answers["make"], answers["count"]
    assert (made["status"], made["body"]["displayName"]) == (201, "Robot")
    assert (counted["status"], counted["body"]) == (200, before + 1)


def test_batch_needs_a_token(entra: Emulator, http: httpx.Client) -> None:
    """A batch without a token is 401, not a list of refusals."""
    assert http.post(f"{entra.api('graph')}/$batch", json={"requests": []}).status_code == 401
