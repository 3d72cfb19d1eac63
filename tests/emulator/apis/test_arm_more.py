"""Resource Manager beyond subscriptions: metadata, locations, providers, roles, versions, content types."""

from collections.abc import Callable

import httpx
import pytest

from entra_emulator import Emulator

from .test_arm import ARM, code

Call = Callable[..., httpx.Response]
APP = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b01"
OTTO = "5a9e4c1d-7b62-4f38-8e0a-6c1f2d3b4a02"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"


@pytest.fixture
def arm(entra: Emulator, http: httpx.Client, app_token: Callable[..., httpx.Response]) -> Call:
    """Call a path below the default tenant's subscription as the default application, which may change it."""
    subscription = entra.state.default_tenant.subscriptions[0].id

    def call(path: str, method: str = "GET", version: str = "2022-12-01", **more: object) -> httpx.Response:
        headers = {"Authorization": f"Bearer {app_token(ARM).json()['access_token']}", **dict(more.pop("headers", {}))}  # type: ignore[call-overload]
        url = f"{entra.api('arm')}/subscriptions/{subscription}{path}"
        return http.request(method, url, params={"api-version": version}, headers=headers, **more)  # type: ignore[arg-type]

    return call


def test_metadata_needs_no_token(entra: Emulator, http: httpx.Client) -> None:
    """Anybody learns a cloud's endpoints: one object since 2022, a list of clouds before; sign-in stays here."""
    url = f"{entra.api('arm')}/metadata/endpoints"
    one = http.get(url, params={"api-version": "2022-09-01"}).json()
    assert one["authentication"]["loginEndpoint"] == entra.authority
    assert (one["name"], one["suffixes"]["keyVaultDns"]) == ("AzureCloud", "vault.azure.net")
    many = http.get(url, params={"api-version": "2019-05-01"}).json()
    assert {"AzureCloud", "AzureChinaCloud", "AzureUSGovernment"} <= {cloud["name"] for cloud in many}
    old = http.get(url, params={"api-version": "2015-01-01"}).json()
    assert old["authentication"]["audiences"][0] == "https://management.core.windows.net/"
    assert code(http.get(url)) == (400, "MissingApiVersionParameter")


def test_metadata_of_a_national_cloud(proxied: httpx.Client) -> None:
    """Under a national cloud's host the answer is that cloud's."""
    answer = proxied.get("https://management.chinacloudapi.cn/metadata/endpoints?api-version=2022-09-01").json()
    assert answer["authentication"]["loginEndpoint"] == "https://login.partner.microsoftonline.cn"
    assert answer["name"] == "AzureChinaCloud"


@pytest.mark.parametrize("version", ["2013-01-01", "2022-13-01", "latest", "2022-12-01-rc", "2999-01-01"])
def test_an_invalid_api_version_is_refused(arm: Call, version: str) -> None:
    """An api-version is a date since 2014 that has come."""
    assert code(arm("", version=version)) == (400, "InvalidApiVersionParameter")


def test_locations_and_providers(arm: Call) -> None:
    """Regions and providers are listed; an unknown provider is 404; there are no resources."""
    assert "westeurope" in [one["name"] for one in arm("/locations").json()["value"]]
    assert arm("/providers/microsoft.resources").json()["registrationState"] == "Registered"
    assert code(arm("/providers/Microsoft.Bakery")) == (404, "InvalidResourceNamespace")
    assert arm("/resources").json()["value"] == []


def test_a_role_assignment_grants_access(
    entra: Emulator, arm: Call, http: httpx.Client, user_token: Callable[..., httpx.Response]
) -> None:
    """Assigning Reader to a user opens the subscription to them; removing it closes it."""
    subscription = entra.state.default_tenant.subscriptions[0].id
    name = "11111111-2222-4333-8444-555555555555"
    path = f"/providers/Microsoft.Authorization/roleAssignments/{name}"
    role = f"/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{READER}"

    def otto() -> list[object]:
        token = user_token(ARM, user="otto@northwind-partner.example").json()["access_token"]
        url = f"{entra.api('arm')}/subscriptions?api-version=2022-12-01"
        return list(http.get(url, headers={"Authorization": f"Bearer {token}"}).json()["value"])

    assert otto() == []
    body = {"properties": {"roleDefinitionId": role, "principalId": OTTO}}
    assert arm(path, "PUT", json=body).status_code == 201
    assert code(arm(path.replace("1111", "2222"), "PUT", json=body)) == (409, "RoleAssignmentExists")
    assert len(otto()) == 1
    assert arm(path).json()["properties"]["principalType"] == "User"
    assert arm(path, "DELETE").status_code == 200
    assert otto() == []


def test_role_assignments_are_filtered(entra: Emulator, arm: Call) -> None:
    """The configuration's contributors are role assignments; a filter names the principal, another is refused."""
    listed = arm("/providers/Microsoft.Authorization/roleAssignments").json()["value"]
    principal = entra.state.default_tenant.principal(APP)
    assert principal
    assert principal.id in [one["properties"]["principalId"] for one in listed]
    url = "/providers/Microsoft.Authorization/roleDefinitions"
    assert [one["properties"]["roleName"] for one in arm(url).json()["value"]][:3] == ["Owner", "Contributor", "Reader"]


@pytest.mark.parametrize(
    ("filter_text", "found"),
    [
        ("roleName eq 'Reader'", ["Reader"]),
        ("roleName eq 'Baker'", []),
        ("atScope() and roleName eq 'Owner'", ["Owner"]),
    ],
)
def test_role_definitions_by_name(
    entra: Emulator, http: httpx.Client, app_token: Callable[..., httpx.Response], filter_text: str, found: list[str]
) -> None:
    """az finds a role by its name."""
    headers = {"Authorization": f"Bearer {app_token(ARM).json()['access_token']}"}
    subscription = entra.state.default_tenant.subscriptions[0].id
    url = f"{entra.api('arm')}/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions"
    answer = http.get(url, params={"api-version": "2022-04-01", "$filter": filter_text}, headers=headers)
    assert [one["properties"]["roleName"] for one in answer.json()["value"]] == found
    refused = http.get(url, params={"api-version": "2022-04-01", "$filter": "type eq 'x'"}, headers=headers)
    assert code(refused) == (400, "UnsupportedQuery")


@pytest.mark.parametrize("kind", ["", "text/plain"])
def test_a_body_that_is_not_declared_as_json_is_refused(arm: Call, kind: str) -> None:
    """PUT without a JSON Content-Type is 415, and nothing is made."""
    headers = {"Content-Type": kind} if kind else {}
    answer = arm("/resourcegroups/rg-new", "PUT", headers=headers, content=b'{"location":"westeurope"}')
    assert code(answer) == (415, "UnsupportedMediaType")
    assert arm("/resourcegroups/rg-new").status_code == 404
