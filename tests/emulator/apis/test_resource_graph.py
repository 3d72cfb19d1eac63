"""Azure Resource Graph, and the pages of resource groups."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from entra_emulator import Emulator
from entra_emulator.model import ResourceGroup

Get = Callable[..., httpx.Response]
ARM = "https://management.azure.com/.default"
GROUPS = "resourcecontainers | where type == 'microsoft.resources/subscriptions/resourcegroups'"


@pytest.fixture
def query(entra: Emulator, http: httpx.Client, app_token: Get) -> Callable[..., httpx.Response]:
    """Send a query as the default application; the subscription has five groups."""
    subscription = entra.state.default_tenant.subscriptions[0]
    subscription.resource_groups[:] = [ResourceGroup(f"group-{number}", "westeurope") for number in range(5)]
    token = {"Authorization": f"Bearer {app_token(ARM).json()['access_token']}"}
    url = f"{entra.api('arm')}/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01"
    return lambda text, **body: http.post(url, json={"query": text, **body}, headers=token)


def test_a_query_has_rows_of_its_table(query: Get, entra: Emulator) -> None:
    subscription = entra.state.default_tenant.subscriptions[0]
    body = query("ResourceContainers | project id, name").json()
    assert body["data"][0] == {"id": f"/subscriptions/{subscription.id}", "name": subscription.name}
    assert (body["totalRecords"], body["count"], body["resultTruncated"]) == (6, 6, "false")
    assert "$skipToken" not in body
    assert query("Resources").json()["data"] == []
    assert query(GROUPS, subscriptions=["11111111-0000-4000-8000-000000000000"]).json()["totalRecords"] == 0


def test_pages_follow_the_skip_token(query: Get) -> None:
    """Each page says how many rows there are in all; the last one has no token."""
    options: dict[str, Any] = {"$top": 2}
    names, tokens = list[str](), 0
    while True:
        body = query(GROUPS, options=options).json()
        names += [row["name"] for row in body["data"]]
        assert body["totalRecords"] == 5
        if "$skipToken" not in body:
            break
        tokens += 1
        options = {"$top": 2, "$skipToken": body["$skipToken"]}
    assert (names, tokens) == ([f"group-{number}" for number in range(5)], 2)


def test_rows_may_come_as_a_table(query: Get) -> None:
    data = query(f"{GROUPS} | project name, location", options={"$top": 1, "resultFormat": "table"}).json()["data"]
    assert [column["name"] for column in data["columns"]] == ["name", "location"]
    assert data["rows"] == [["group-0", "westeurope"]]


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("nosuchtable", {}),
        ("resources | summarize count()", {}),
        (GROUPS, {"options": {"$top": 0}}),
        (GROUPS, {"options": {"$top": 1001}}),
        (GROUPS, {"options": {"$top": "2"}}),
        (GROUPS, {"options": {"$skipToken": "x"}}),
        (GROUPS, {"options": {"pageSize": 2}}),
        (GROUPS, {"options": 3}),
        (GROUPS, {"subscriptions": "all"}),
        (7, {}),
    ],
)
def test_what_it_cannot_run_is_refused(query: Get, text: Any, body: dict[str, Any]) -> None:
    answer = query(text, **body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadRequest")


def test_its_limit_has_headers_of_its_own(query: Get, entra: Emulator) -> None:
    """The quota that is left and when it is full again, in place of Retry-After."""
    entra.throttle(1, 5, service="arm", path="/providers/microsoft.resourcegraph/*")
    first, second = query("resources"), query("resources")
    assert (first.status_code, first.headers["x-ms-user-quota-remaining"]) == (200, "0")
    assert (second.status_code, second.headers["x-ms-user-quota-resets-after"]) == (429, "00:00:05")
    assert "retry-after" not in second.headers


def test_resource_groups_come_in_pages(query: Get, entra: Emulator, http: httpx.Client, app_token: Get) -> None:
    """`$top` limits a page; nextLink leads to the next one."""
    token = {"Authorization": f"Bearer {app_token(ARM).json()['access_token']}"}
    subscription = entra.state.default_tenant.subscriptions[0]
    base = f"{entra.api('arm')}/subscriptions/{subscription.id}/resourcegroups?api-version=2022-09-01"
    url, sizes = f"{base}&$top=2", list[int]()
    while url:
        body = http.get(url, headers=token).json()
        sizes.append(len(body["value"]))
        url = body.get("nextLink", "")
    assert sizes == [2, 2, 1]
    assert "nextLink" not in http.get(base, headers=token).json()
    assert http.get(f"{base}&$top=x", headers=token).status_code == 400
