"""Graph's delta queries: what has changed in users and groups since the last round."""

from typing import Any

import httpx
import pytest
from tests.emulator.apis.test_graph_queries import Call, code, graph

from entra_emulator import Emulator
from entra_emulator.model import Group, User

__all__ = ["graph"]


def follow(graph: Call, link: str, **more: Any) -> tuple[list[dict[str, Any]], str, int]:
    """Return the items of a round, its delta link, and the number of pages."""
    items: list[dict[str, Any]] = []
    for pages in range(1, 100):
        answer: httpx.Response = graph(
            link[link.index("/users") if "/users" in link else link.index("/groups") :], **more
        )
        assert answer.status_code == 200, answer.text
        page = answer.json()
        items += page["value"]
        if "@odata.deltaLink" in page:
            assert "@odata.nextLink" not in page
            return items, page["@odata.deltaLink"], pages
        link = page["@odata.nextLink"]
    raise AssertionError


def test_a_round_has_what_changed_since_the_last_one(entra: Emulator, graph: Call) -> None:
    users = entra.state.default_tenant.users
    first, link, pages = follow(graph, "/users/delta?$select=displayName", headers={"Prefer": "odata.maxpagesize=1"})
    assert [set(item) for item in first] == [{"id", "displayName"}] * len(users)
    assert pages == len(users) > 1
    assert follow(graph, link)[0] == []
    gone, users[0].name = users.pop(), "Renamed"
    users.append(User("new@northwind-partner.example", "New"))
    items, link, _ = follow(graph, link)
    assert [item.get("displayName") for item in items] == ["Renamed", "New", None]
    assert items[-1] == {"id": gone.id, "@removed": {"reason": "changed"}}
    assert follow(graph, link)[0] == []


def test_groups_from_now_on(entra: Emulator, graph: Call) -> None:
    items, link, _ = follow(graph, "/groups/delta()?$deltatoken=latest")
    assert items == []
    entra.state.default_tenant.groups.append(Group("Sales"))
    assert [item["displayName"] for item in follow(graph, link)[0]] == ["Sales"]


def test_an_old_link_is_gone_and_an_unknown_one_not_found(entra: Emulator, graph: Call) -> None:
    _, link, _ = follow(graph, "/users/delta")
    token = link.partition("deltatoken=")[2]
    assert code(graph(f"/groups/delta?$deltatoken={token}")) == (400, "syncStateNotFound")
    assert code(graph("/users/delta?$deltatoken=x")) == (400, "syncStateNotFound")
    entra.clock.advance(7 * 24 * 3600 + 1)
    answer = graph(f"/users/delta?$deltatoken={token}")
    assert code(answer) == (410, "resyncRequired")
    assert follow(graph, answer.headers["location"])[0] != []


@pytest.mark.parametrize("name", ["users", "groups"])
def test_delta_needs_the_permission_of_the_list(entra: Emulator, graph: Call, name: str) -> None:
    for grant in entra.state.default_tenant.grants:
        grant.roles = ["Mail.Read"]
    assert code(graph(f"/{name}/delta")) == (403, "Authorization_RequestDenied")
