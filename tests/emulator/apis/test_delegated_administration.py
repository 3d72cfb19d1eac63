"""Graph's delegated admin relationships (GDAP): their life, their times, and who may work through them."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from entra_emulator import Emulator
from entra_emulator.config import ConfigError, load

from .test_graph_queries import Call, code

RELATIONS = "/tenantRelationships/delegatedAdminRelationships"
CUSTOMER = "3c1b7b9e-5f0a-4d5c-9a52-7d0a4d1c0e02"
READER = "f2ef992c-3afb-46b9-b7cf-a126ee74c451"
BODY = {
    "displayName": "Ovens",
    "duration": "P730D",
    "customer": {"tenantId": CUSTOMER},
    "accessDetails": {"unifiedRoles": [{"roleDefinitionId": READER}]},
}


@pytest.fixture
def graph(entra: Emulator, http: httpx.Client, app_token: Callable[..., httpx.Response]) -> Call:
    """Call Graph as the partner's application, which may change relationships."""
    roles = ["DelegatedAdminRelationship.ReadWrite.All", "CrossTenantInformation.ReadBasic.All"]
    entra.grant(entra.state.default_app, "graph", roles=roles)

    def call(path: str, method: str = "GET", headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        sent = {"Authorization": f"Bearer {app_token().json()['access_token']}", **(headers or {})}
        return http.request(method, f"{entra.api('graph')}{path}", headers=sent, **more)

    return call


def test_a_relationship_waits_for_approval(entra: Emulator, graph: Call) -> None:
    """A new relationship has no end and gives no access; it is locked for approval once."""
    made = graph(RELATIONS, "POST", json=BODY)
    assert (made.status_code, made.json()["status"], made.json()["endDateTime"]) == (201, "created", None)
    path = f"{RELATIONS}/{made.json()['id']}"
    locked = graph(f"{path}/requests", "POST", json={"action": "lockForApproval"})
    assert (locked.status_code, locked.json()["status"]) == (201, "succeeded")
    assert graph(path).json()["status"] == "approvalPending"
    assert code(graph(f"{path}/requests", "POST", json={"action": "lockForApproval"})) == (400, "BadRequest")
    assert graph(path, "DELETE", headers={"If-Match": made.json()["@odata.etag"]}).status_code == 400
    assert graph(f"{path}/operations").json()["value"] == []


def test_an_unlocked_relationship_is_deleted_with_its_etag(graph: Call) -> None:
    """DELETE needs If-Match."""
    made = graph(RELATIONS, "POST", json=BODY).json()
    assert graph(f"{RELATIONS}/{made['id']}", "DELETE").status_code == 428
    headers = {"If-Match": made["@odata.etag"]}
    assert graph(f"{RELATIONS}/{made['id']}", "DELETE", headers=headers).status_code == 204
    assert graph(f"{RELATIONS}/{made['id']}").status_code == 404


@pytest.mark.parametrize("change", [{"displayName": ""}, {"customer": {}}, {"accessDetails": {}}, {"customer": "x"}])
def test_an_incomplete_relationship_is_refused(graph: Call, change: dict[str, Any]) -> None:
    """Name, customer and roles are required."""
    assert code(graph(RELATIONS, "POST", json={**BODY, **change})) == (400, "BadRequest")


def test_an_active_relationship_has_times_and_ends(entra: Emulator, graph: Call) -> None:
    """Created, activated and end times are there; terminating it closes the customer's tenant."""
    (one,) = graph(RELATIONS).json()["value"]
    assert one["createdDateTime"] < one["endDateTime"]
    assert one["activatedDateTime"]
    assert one["lastModifiedDateTime"]
    graph(f"{RELATIONS}/{one['id']}/requests", "POST", json={"action": "terminate"})
    assert entra.state.customers(entra.state.default_tenant) == []


def test_a_partner_group_gets_access_to_the_customer(
    entra: Emulator, graph: Call, user_token: Callable[..., httpx.Response]
) -> None:
    """A relationship that names a security group admits its members, and the assignment shows the group's id."""
    relation = entra.state.tenants[CUSTOMER].relationships[0]
    otto = "otto@northwind-partner.example"
    assert user_token(user=otto, tenant=CUSTOMER).json()["error_codes"] == [50020]
    group = entra.add_group("Support", [otto])
    relation.groups = [group.id]
    assert user_token(user=otto, tenant=CUSTOMER).status_code == 200
    listed = graph(f"{RELATIONS}/{relation.id}/accessAssignments").json()["value"]
    containers = [one["accessContainer"]["accessContainerId"] for one in listed]
    assert group.id in containers
    assert not any("@" in one for one in containers)


def test_customers_and_tenant_information(graph: Call) -> None:
    """Customers are listed; a tenant is found by its domain."""
    (one,) = graph("/tenantRelationships/delegatedAdminCustomers").json()["value"]
    assert one["tenantId"] == CUSTOMER
    path = "/tenantRelationships/findTenantInformationByDomainName(domainName='tailwind-bakery.example')"
    assert graph(path).json()["tenantId"] == CUSTOMER


def test_the_configuration_knows_the_states_of_a_relationship() -> None:
    """A status that no relationship has is an error that lists those that exist."""
    tenant = {"id": CUSTOMER, "name": "T", "relationships": [{"partner": CUSTOMER, "status": "actve"}]}
    with pytest.raises(ConfigError, match="approvalPending"):
        load({"tenants": [tenant]})
