"""Graph's directory: groups and memberships, roles, grants, applications as programs configure them."""

import base64
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from tests.support.certificates import identity

from entra_emulator import Emulator

from .test_graph_queries import Call, code, graph, names

__all__ = ["graph"]

TENANT = "3c1b7b9e-5f0a-4d5c-9a52-7d0a4d1c0e01"
APP = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b01"
GRAPH = "00000003-0000-0000-c000-000000000000"
NADIA = "5a9e4c1d-7b62-4f38-8e0a-6c1f2d3b4a01"
OTTO = "5a9e4c1d-7b62-4f38-8e0a-6c1f2d3b4a02"


def reference(entra: Emulator, name: str) -> dict[str, str]:
    return {"@odata.id": f"{entra.api('graph')}/directoryObjects/{name}"}


def test_a_group_is_created_filled_and_removed(entra: Emulator, graph: Call) -> None:
    """A group gets members by reference, shows in their memberships, and goes."""
    body = {"displayName": "Bakers", "mailEnabled": False, "mailNickname": "bakers", "securityEnabled": True}
    made = graph("/groups", "POST", json=body)
    assert made.status_code == 201
    path = f"/groups/{made.json()['id']}"
    assert graph(f"{path}/members/$ref", "POST", json=reference(entra, OTTO)).status_code == 204
    assert code(graph(f"{path}/members/$ref", "POST", json=reference(entra, OTTO))) == (400, "Request_BadRequest")
    assert names(graph(f"{path}/members")) == ["Otto Falk"]
    assert names(graph(f"/users/{OTTO}/memberOf/microsoft.graph.group?$select=displayName")) == ["Bakers"]
    assert graph(f"{path}/members/{OTTO}/$ref", "DELETE").status_code == 204
    assert graph(f"{path}/members/{OTTO}/$ref", "DELETE").status_code == 404
    assert names(graph(f"{path}/members")) == []
    assert graph(path, "PATCH", json={"description": "They bake", "visibility": "Private"}).status_code == 204
    assert graph(path).json()["visibility"] == "Private"
    assert graph(path, "DELETE").status_code == 204
    assert graph(path).status_code == 404


def test_memberships_are_groups_and_directory_roles(entra: Emulator, graph: Call) -> None:
    """memberOf has direct groups and roles; transitiveMemberOf also has groups of groups."""
    inner = entra.add_group("Inner", [NADIA])
    entra.add_group("Outer", [inner.id])
    assert names(graph(f"/users/{NADIA}/memberOf")) == ["Inner", "Global Administrator"]
    assert names(graph(f"/users/{NADIA}/transitiveMemberOf")) == ["Inner", "Outer", "Global Administrator"]
    assert names(graph(f"/users/{NADIA}/memberOf/microsoft.graph.directoryRole")) == ["Global Administrator"]
    assert graph(f"/users/{NADIA}/memberOf/microsoft.graph.printer").status_code == 404
    (role,) = graph("/directoryRoles").json()["value"]
    assert names(graph(f"/directoryRoles/{role['id']}/members")) == ["Nadia Brandt"]


def test_me_has_memberships(entra: Emulator, http: httpx.Client, user_token: Callable[..., httpx.Response]) -> None:
    """/me/memberOf answers for the user of the token."""
    entra.add_group("Bakers", [NADIA])
    headers = {"Authorization": f"Bearer {user_token().json()['access_token']}"}
    found = http.get(f"{entra.api('graph')}/me/memberOf?$select=displayName", headers=headers)
    assert names(found) == ["Bakers", "Global Administrator"]


def test_role_assignments_name_the_partners_users(entra: Emulator, graph: Call, app_token: Any, http: Any) -> None:
    """In a customer's tenant a partner's users hold roles by their relationship, with the partner as organization."""
    customer = entra.state.default_customer
    assert customer
    entra.grant(APP, "graph", roles=["Directory.Read.All"], tenant=customer.id)
    headers = {"Authorization": f"Bearer {app_token(tenant=customer.id).json()['access_token']}"}
    reader = "f2ef992c-3afb-46b9-b7cf-a126ee74c451"
    query = {"$filter": f"roleDefinitionId eq '{reader}'", "$expand": "principal,roleDefinition"}
    url = f"{entra.api('graph')}/roleManagement/directory/roleAssignments"
    (found,) = http.get(url, params=query, headers=headers).json()["value"]
    assert (found["principalOrganizationId"], found["principal"]["displayName"]) == (TENANT, "Nadia Brandt")
    assert found["roleDefinition"]["displayName"] == "Global Reader"


def test_domains_and_licences(graph: Call) -> None:
    """The tenant's domains are listed with how people sign in there; it has no licences."""
    listed = graph("/domains").json()["value"]
    assert [(one["id"], one["isDefault"], one["authenticationType"]) for one in listed] == [
        ("northwind-partner.example", True, "Managed"),
        ("northwindpartner.onmicrosoft.com", False, "Managed"),
    ]
    assert graph("/domains/northwind-partner.example").json()["isVerified"]
    assert graph("/subscribedSkus").json()["value"] == []


def test_a_user_is_created_changed_and_removed(entra: Emulator, graph: Call) -> None:
    """A new user can sign in with the password Graph was given, keeps what it was told, and goes."""
    body = {
        "accountEnabled": True,
        "displayName": "Lena Voss",
        "mailNickname": "lena",
        "userPrincipalName": "lena@northwind-partner.example",
        "passwordProfile": {"password": "correct horse", "forceChangePasswordNextSignIn": False},
        "department": "Bakery",
    }
    assert graph("/users", "POST", json=body).status_code == 201
    user = entra.state.default_tenant.user("lena@northwind-partner.example")
    assert user
    assert (user.password, user.properties["department"]) == ("correct horse", "Bakery")
    assert "passwordProfile" not in graph(f"/users/{user.id}").json()
    changed = graph(f"/users/{user.id}", "PATCH", json={"jobTitle": "Baker", "accountEnabled": False})
    assert (changed.status_code, user.enabled) == (204, False)
    assert graph(f"/users/{user.id}?$select=jobTitle,department").json()["jobTitle"] == "Baker"
    assert graph(f"/users/{user.id}", "DELETE").status_code == 204
    assert graph(f"/users/{user.id}").status_code == 404


@pytest.mark.parametrize(
    "change",
    [
        {"displayName": None},
        {"userPrincipalName": "lena@elsewhere.example"},
        {"userPrincipalName": "otto@northwind-partner.example"},
        {"passwordProfile": {}},
        {"accountEnabled": "yes"},
        {"shoeSize": 39},
        {"userType": "Guest"},
    ],
)
def test_an_invalid_user_is_refused(entra: Emulator, graph: Call, change: dict[str, Any]) -> None:
    """A missing, wrong, taken, unknown or read-only property is 400, and no user is made."""
    body = {
        "accountEnabled": True,
        "displayName": "Lena Voss",
        "mailNickname": "lena",
        "userPrincipalName": "lena@northwind-partner.example",
        "passwordProfile": {"password": "correct horse"},
    }
    before = len(entra.state.users)
    assert code(graph("/users", "POST", json={**body, **change})) == (400, "Request_BadRequest")
    assert len(entra.state.users) == before


def test_an_applications_configuration_has_its_effect(
    entra: Emulator, graph: Call, app_token: Callable[..., httpx.Response]
) -> None:
    """What Graph is told of an application is kept, shown, and obeyed by the sign-in service."""
    body = {
        "displayName": "Robot",
        "publicClient": {"redirectUris": ["http://localhost"]},
        "requiredResourceAccess": [
            {"resourceAppId": GRAPH, "resourceAccess": [{"id": "df021288-bdef-4463-88db-98f22de89214", "type": "Role"}]}
        ],
        "api": {
            "requestedAccessTokenVersion": 2,
            "oauth2PermissionScopes": [{"value": "Ovens.Read", "isEnabled": True}],
            "knownClientApplications": [APP],
        },
        "appRoles": [{"value": "Ovens.Use", "allowedMemberTypes": ["User"], "isEnabled": True}],
        "web": {"implicitGrantSettings": {"enableIdTokenIssuance": True}, "homePageUrl": "https://robot.example"},
        "notes": "kept",
    }
    made = graph("/applications", "POST", json=body)
    assert made.status_code == 201
    app = entra.state.apps[made.json()["appId"]]
    assert (app.public, app.redirect_uris, app.resources) == (True, ["http://localhost"], [GRAPH])
    assert (app.token_version, app.scopes, app.id_tokens) == (2, ["Ovens.Read"], True)
    shown = graph(f"/applications/{made.json()['id']}").json()
    assert shown["requiredResourceAccess"] == body["requiredResourceAccess"]
    assert shown["api"]["knownClientApplications"] == [APP]
    assert (shown["web"]["homePageUrl"], shown["notes"]) == ("https://robot.example", "kept")
    assert shown["appRoles"][0]["value"] == "Ovens.Use"


def test_a_certificate_uploaded_to_graph_authenticates_the_application(entra: Emulator, graph: Call) -> None:
    """keyCredentials of a PATCH become the application's certificates."""
    der = identity().certificate.public_bytes(Encoding.DER)
    key = {"type": "AsymmetricX509Cert", "usage": "Verify", "key": base64.b64encode(der).decode()}
    path = f"/applications(appId='{APP}')"
    assert graph(path, "PATCH", json={"keyCredentials": [key]}).status_code == 204
    assert len(entra.state.apps[APP].certificates) == 1
    (listed,) = graph(path).json()["keyCredentials"]
    assert (listed["type"], listed["key"]) == ("AsymmetricX509Cert", None)
    assert code(graph(path, "PATCH", json={"keyCredentials": [{**key, "key": "AAAA"}]})) == (400, "Request_BadRequest")
    assert len(entra.state.apps[APP].certificates) == 1


def test_federated_credentials(entra: Emulator, graph: Call) -> None:
    """A federated credential is added once, listed, and removed."""
    path = f"/applications(appId='{APP}')/federatedIdentityCredentials"
    body = {
        "name": "ci",
        "issuer": "https://token.actions.githubusercontent.com",
        "subject": "repo:northwind/ovens:ref:refs/heads/main",
        "audiences": ["api://AzureADTokenExchange"],
    }
    made = graph(path, "POST", json=body)
    assert made.status_code == 201
    assert graph(path, "POST", json=body).status_code == 409
    assert graph(path, "POST", json={**body, "name": "two", "audiences": []}).status_code == 400
    assert [one["subject"] for one in graph(path).json()["value"]] == [body["subject"]]
    assert entra.state.apps[APP].federated[0].issuer == body["issuer"]
    assert graph(f"{path}/{made.json()['id']}", "DELETE").status_code == 204
    assert graph(path).json()["value"] == []


def test_app_role_assignments(entra: Emulator, graph: Call) -> None:
    """A role given to a service principal through Graph is in the model, and taken away again."""
    principals = {one["appId"]: one for one in graph("/servicePrincipals?$top=999").json()["value"]}
    body = {
        "principalId": principals[APP]["id"],
        "resourceId": principals[GRAPH]["id"],
        "appRoleId": "5b567255-7703-4780-807c-7be8301ae99b",
    }
    path = f"/servicePrincipals/{principals[APP]['id']}/appRoleAssignments"
    made = graph(path, "POST", json=body)
    assert made.status_code == 201
    assert any(one.app == APP and one.roles == ["Group.Read.All"] for one in entra.state.default_tenant.grants)
    assert graph(path, "POST", json=body).status_code == 400
    assert made.json()["id"] in [one["id"] for one in graph(path).json()["value"]]
    assert graph(f"{path}/{made.json()['id']}", "DELETE").status_code == 204
    assert not any("Group.Read.All" in one.roles for one in entra.state.default_tenant.grants)


def test_permission_grants(entra: Emulator, graph: Call) -> None:
    """Delegated permissions are granted to one user, changed and revoked."""
    principals = {one["appId"]: one["id"] for one in graph("/servicePrincipals?$top=999").json()["value"]}
    body = {
        "clientId": principals["8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"],
        "resourceId": principals[GRAPH],
        "consentType": "Principal",
        "principalId": OTTO,
        "scope": "Mail.Read",
    }
    made = graph("/oauth2PermissionGrants", "POST", json=body)
    assert made.status_code == 201
    path = f"/oauth2PermissionGrants/{made.json()['id']}"
    assert graph("/oauth2PermissionGrants", "POST", json=body).status_code == 409
    assert graph(path, "PATCH", json={"scope": "Mail.Read Mail.Send"}).status_code == 204
    assert any(one.user == OTTO and one.scopes == ["Mail.Read", "Mail.Send"] for one in entra.state.grants)
    assert graph(f"/users/{OTTO}/oauth2PermissionGrants").json()["value"][0]["scope"] == "Mail.Read Mail.Send"
    assert graph(path, "DELETE").status_code == 204
    assert graph(f"/users/{OTTO}/oauth2PermissionGrants").json()["value"] == []


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_a_write_without_json_is_refused(graph: Call, kind: str | None) -> None:
    """A body whose Content-Type is missing or is not JSON changes nothing: 400."""
    headers = {"Content-Type": kind} if kind else {}
    answer = graph("/applications", "POST", headers=headers, content=b'{"displayName":"x"}')
    assert code(answer) == (400, "BadRequest")
    assert "Content-Type" in answer.json()["error"]["message"]


def test_a_batch_with_an_untyped_write_is_refused_as_a_whole(entra: Emulator, graph: Call) -> None:
    """One part whose body has no Content-Type makes the batch invalid; nothing in it is done."""
    good = {"id": "1", "method": "POST", "url": "/applications", "body": {"displayName": "One"}}
    good["headers"] = {"Content-Type": "application/json"}
    bad = {"id": "2", "method": "POST", "url": "/applications", "body": {"displayName": "Two"}}
    before = len(entra.state.apps)
    assert code(graph("/$batch", "POST", json={"requests": [good, bad]})) == (400, "BadRequest")
    assert len(entra.state.apps) == before
    done = graph("/$batch", "POST", json={"requests": [good]}).json()["responses"]
    assert [one["status"] for one in done] == [201]


def test_objects_by_their_ids(entra: Emulator, graph: Call) -> None:
    """Users, groups and service principals in the order of the request; an unknown id is left out."""
    group, principal = entra.add_group("Bakers", [OTTO]).id, entra.state.default_tenant.principals[0].id
    path = "/directoryObjects/getByIds"
    found = graph(path, "POST", json={"ids": [principal, OTTO, APP, group]}).json()
    assert [item["id"] for item in found["value"]] == [principal, OTTO, group]
    assert [item["@odata.type"].rpartition(".")[2] for item in found["value"]] == ["servicePrincipal", "user", "group"]
    assert names(graph(path, "POST", json={"ids": [OTTO, group], "types": ["group"]})) == ["Bakers"]
    types = ["user", "directoryObjectPartnerReference"]
    assert names(graph(path, "POST", json={"ids": [group, OTTO], "types": types})) == ["Otto Falk"]
    wrong: list[dict[str, Any]] = [{}, {"ids": []}, {"ids": OTTO}, {"ids": [1]}, {"ids": [OTTO] * 1001}]
    for body in (*wrong, {"ids": [OTTO], "types": ["printer"]}):
        assert code(graph(path, "POST", json=body)) == (400, "Request_BadRequest")
