"""Graph's query options: each has its effect, or the request is refused."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from entra_emulator import Emulator

Call = Callable[..., httpx.Response]
EVENTUAL = {"ConsistencyLevel": "eventual"}


@pytest.fixture
def graph(entra: Emulator, http: httpx.Client, app_token: Callable[..., httpx.Response]) -> Call:
    """Call Graph's v1.0 as the default application, which may read and change everything."""
    roles = ["Application.ReadWrite.All", "Directory.ReadWrite.All", "AppRoleAssignment.ReadWrite.All"]
    entra.grant(entra.state.default_app, "graph", roles=roles)

    def call(path: str, method: str = "GET", headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        sent = {"Authorization": f"Bearer {app_token().json()['access_token']}", **(headers or {})}
        base = entra.api("graph").removesuffix("/v1.0") if path.startswith(("/beta", "/v1.0")) else entra.api("graph")
        return http.request(method, f"{base}{path}", headers=sent, **more)

    return call


def names(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["displayName"] for one in answer.json()["value"]]


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


ADVANCED = {"$count": "true"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("displayName eq 'Otto Falk' or displayName eq 'Nadia Brandt'", ["Nadia Brandt", "Otto Falk"]),
        ("displayName in ('Otto Falk', 'Nobody')", ["Otto Falk"]),
        ("displayName ne 'Otto Falk'", ["Nadia Brandt"]),
        ("not startswith(displayName,'O')", ["Nadia Brandt"]),
        ("NOT(displayName eq 'Otto Falk')", ["Nadia Brandt"]),
        ("endsWith(mail,'partner.example') and surname eq 'Falk'", ["Otto Falk"]),
        ("displayName ge 'O'", ["Otto Falk"]),
        ("(surname eq 'Falk' or surname eq 'Brandt') and accountEnabled eq true", ["Nadia Brandt", "Otto Falk"]),
        ("department eq null", ["Nadia Brandt", "Otto Falk"]),
        ("otherMails/any(m:m eq 'otto@home.example')", ["Otto Falk"]),
        ("otherMails/any(m:startswith(m,'otto') and endswith(m,'.example'))", ["Otto Falk"]),
        ("assignedLicenses/any(x:x/skuId eq 6fd2c87f-b296-42f0-b197-1e91e994b900)", ["Otto Falk"]),
        ("createdDateTime ge 2026-03-01T00:00:00Z", ["Otto Falk"]),
        ("createdDateTime lt 2026-03-01", []),
    ],
)
def test_filters(entra: Emulator, graph: Call, text: str, found: list[str]) -> None:
    """Every operator of Graph's filters selects what it says."""
    otto = entra.state.default_tenant.users[1]
    otto.properties = {
        "otherMails": ["otto@home.example"],
        "assignedLicenses": [{"skuId": "6fd2c87f-b296-42f0-b197-1e91e994b900"}],
        "createdDateTime": "2026-03-02T10:00:00Z",
    }
    answer = graph("/users", headers=EVENTUAL, params={"$filter": text, **ADVANCED})
    assert names(answer) == found
    assert answer.json()["@odata.count"] == len(found)


@pytest.mark.parametrize("text", ["displayName ne 'x'", "not startswith(mail,'x')", "endswith(mail,'x')"])
def test_advanced_operators_need_count_and_header(graph: Call, text: str) -> None:
    """ne, not and endswith work with $count=true and ConsistencyLevel: eventual only."""
    for headers, more in (({}, {}), (EVENTUAL, {}), ({}, ADVANCED)):
        answer = graph("/users", headers=headers, params={"$filter": text, **more})
        assert code(answer) == (400, "Request_UnsupportedQuery")
        assert "ConsistencyLevel" in answer.json()["error"]["message"]
    assert graph("/users", headers=EVENTUAL, params={"$filter": text, **ADVANCED}).status_code == 200


def test_a_service_principal_is_found_by_its_names(graph: Call) -> None:
    """The lambda filter that az uses finds a service principal by identifier URI or application id."""
    for name in ("api://northwind-orders", "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b03"):
        answer = graph("/servicePrincipals", params={"$filter": f"servicePrincipalNames/any(c:c eq '{name}')"})
        assert names(answer) == ["Northwind Orders API"]
    microsoft = graph("/servicePrincipals", params={"$filter": "appId eq '00000003-0000-0000-c000-000000000000'"})
    assert names(microsoft) == ["Microsoft Graph"]
    assert any(one["value"] == "User.Read" for one in microsoft.json()["value"][0]["oauth2PermissionScopes"])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('"displayName:otto"', ["Otto Falk"]),
        ('"displayName:fal"', ["Otto Falk"]),
        ('"displayName:alk"', []),
        ('"displayName:otto" OR "mail:nadia"', ["Nadia Brandt", "Otto Falk"]),
        ('"displayName:otto" AND "displayName:falk"', ["Otto Falk"]),
        ('"displayName:nadia" AND "displayName:falk"', []),
    ],
)
def test_search(graph: Call, text: str, found: list[str]) -> None:
    """$search looks for the beginnings of words, in the properties it names."""
    assert names(graph("/users", headers=EVENTUAL, params={"$search": text})) == found


@pytest.mark.parametrize("text", ["otto", '"otto"', '"nope:otto"', '"city:otto"', '"displayName:otto" XOR "mail:x"'])
def test_an_invalid_search_is_refused(graph: Call, text: str) -> None:
    """A search without property, on an unknown property or with other words between clauses is 400."""
    assert graph("/users", headers=EVENTUAL, params={"$search": text}).status_code == 400


def test_search_needs_the_consistency_header(graph: Call) -> None:
    """Without ConsistencyLevel: eventual Graph refuses $search."""
    assert code(graph("/users", params={"$search": '"displayName:otto"'})) == (400, "Request_UnsupportedQuery")


def test_order(graph: Call) -> None:
    """$orderby sorts, and together with a filter it needs the advanced query mode."""
    assert names(graph("/users?$orderby=displayName desc")) == ["Otto Falk", "Nadia Brandt"]
    assert names(graph("/users?$orderby=surname, displayName asc")) == ["Nadia Brandt", "Otto Falk"]
    both = {"$orderby": "displayName desc", "$filter": "startswith(mail,'o') or startswith(mail,'n')"}
    assert code(graph("/users", params=both)) == (400, "Request_UnsupportedQuery")
    assert names(graph("/users", headers=EVENTUAL, params={**both, **ADVANCED})) == ["Otto Falk", "Nadia Brandt"]


@pytest.mark.parametrize(
    "query",
    [
        "$orderby=nope",
        "$orderby=displayName up",
        "$select=nope",
        "$expand=nope",
        "$expand=memberOf($filter=id eq 'x')",
        "$expand=memberOf(",
        "$skip=1",
        "$top=1000",
        "$top=0",
        "$top=1&$top=2",
        "$count=yes",
        "$apply=groupby((city))",
        "$whatever=1",
        "$format=xml",
    ],
)
def test_an_inapplicable_option_is_refused(graph: Call, query: str) -> None:
    """Nothing is ignored with 200: an unknown option or property, or a value out of range, is 400."""
    assert graph(f"/users?{query}").status_code == 400


@pytest.mark.parametrize("query", ["$filter=id eq 'x'", "$top=1", "$count=true", "$orderby=id", '$search="id:x"'])
def test_options_of_collections_are_refused_for_one_entity(graph: Call, query: str) -> None:
    """One user takes $select and $expand only."""
    assert code(graph(f"/users/otto@northwind-partner.example?{query}")) == (400, "BadRequest")


def test_beta_takes_options_without_the_dollar(graph: Call) -> None:
    """In beta the `$` is optional; in v1.0 `top` is a parameter that means nothing."""
    assert len(graph("/beta/users?top=1").json()["value"]) == 1
    assert len(graph("/v1.0/users?top=1").json()["value"]) == 2
    assert len(graph("/v1.0/users?$Top=1").json()["value"]) == 1


def test_selected_properties_are_present_even_without_a_value(graph: Call) -> None:
    """$select shows known properties in their own spelling, and the context names them."""
    answer = graph("/users?$select=ID,assignedLicenses,department").json()
    assert answer["value"][0] == {
        "id": "5a9e4c1d-7b62-4f38-8e0a-6c1f2d3b4a01",
        "department": None,
        "assignedLicenses": [],
    }
    assert answer["@odata.context"].endswith("$metadata#users(id,assignedLicenses,department)")
    one = graph("/users/otto@northwind-partner.example?$select=id").json()
    assert one["@odata.context"].endswith("$metadata#users(id)/$entity")


def test_expand(entra: Emulator, graph: Call) -> None:
    """$expand puts the navigation's entities beside the entity, with their own selection."""
    otto = entra.state.default_tenant.users[1]
    group = entra.add_group("Bakers", [otto])
    user = graph(f"/users/{otto.id}?$select=id&$expand=memberOf($select=displayName)").json()
    assert user["memberOf"] == [{"@odata.type": "#microsoft.graph.group", "displayName": "Bakers"}]
    listed = graph("/groups?$expand=members").json()["value"][0]
    assert [one["id"] for one in listed["members"]] == [otto.id]
    assert graph(f"/groups/{group.id}?$expand=owners").json()["owners"] == []


@pytest.mark.parametrize(
    "path",
    [
        "//users",
        "/users/",
        "/users//otto@northwind-partner.example/",
        "/users('otto@northwind-partner.example')",
        "/myorganization/users",
        "/users('otto%40northwind-partner.example')/memberOf",
        "/organization/3c1b7b9e-5f0a-4d5c-9a52-7d0a4d1c0e01",
    ],
)
def test_every_spelling_of_a_path_is_served(graph: Call, path: str) -> None:
    """Graph takes doubled and final slashes, keys in parentheses, and myorganization."""
    assert graph(path).status_code == 200
