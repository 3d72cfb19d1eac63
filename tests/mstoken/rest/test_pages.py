"""Collections read page by page: with Client and AsyncClient, at the emulator and at an API that misbehaves."""

from __future__ import annotations

import itertools
import json
import logging
from typing import Any

import pytest
from tests.support.fake_clock import use_fake_clock
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT, RecordedRequest, Reply, TokenService, token_reply

from entra_emulator import Emulator
from entra_emulator.model import Relationship, ResourceGroup, User
from mstoken import ApiRefused, ClientSecret, RefreshToken, UnreadableAnswer, UntrustedOrigin
from mstoken.client.blocking import Client


def listed(runner: Runner, client: Any, name: str, *arguments: Any, **options: Any) -> list[Any]:
    """Return everything that an iterator of the client yields."""

    async def collect() -> list[Any]:
        return [one async for one in getattr(client, name)(*arguments, **options)]

    if isinstance(client, Client):
        return list(getattr(client, name)(*arguments, **options))
    return runner.run(collect)  # type: ignore[no-any-return]


def at_emulator(runner: Runner, entra: Emulator, *, user: bool = False) -> Any:
    app = entra.state.default_app
    secret = ClientSecret(app.secrets[0].value)
    person = entra.state.default_user
    assert person
    credential: Any = RefreshToken(entra.sign_in(person.upn, mfa=True), client=secret) if user else secret
    return runner.client(entra.state.default_tenant.id, app.id, credential, entra.authority)


@pytest.fixture
def many_users(entra: Emulator) -> list[str]:
    tenant = entra.state.default_tenant
    tenant.users += [User(f"u{number}@northwind-partner.example", f"User {number}") for number in range(7)]
    return [user.id for user in tenant.users]


def test_items_of_every_page(runner: Runner, entra: Emulator, many_users: list[str]) -> None:
    client = at_emulator(runner, entra)
    found = listed(runner, client, "items", "graph:/users?$top=2&$select=id")
    assert [user["id"] for user in found] == many_users
    pages = listed(runner, client, "pages", "graph:/users", params={"$top": 4, "$select": "id"})
    assert [len(page.items) for page in pages] == [4, 4, len(many_users) - 8]
    assert {page.response.status for page in pages} == {200}


def test_a_page_is_requested_when_it_is_needed(runner: Runner, entra: Emulator, many_users: list[str]) -> None:
    """Whoever takes three items of pages of two sends two requests."""
    client, before = at_emulator(runner, entra), len(entra.requests)

    async def three() -> list[Any]:
        found, items = [], client.items("graph:/users?$top=2")
        async for item in items:
            found.append(item["id"])
            if len(found) == 3:
                break
        await items.aclose()
        return found

    if isinstance(client, Client):
        found = [item["id"] for item in itertools.islice(client.items("graph:/users?$top=2"), 3)]
    else:
        found = runner.run(three)
    assert found == many_users[:3]
    assert sum(logged.service == "graph" for logged in entra.requests[before:]) == 2


def test_an_advanced_query_keeps_its_header_on_every_page(
    runner: Runner, entra: Emulator, many_users: list[str]
) -> None:
    """Graph refuses the second page without ConsistencyLevel; mstoken adds it to the first and repeats it."""
    client = at_emulator(runner, entra)
    url = "graph:/users?$top=2&$filter=displayName ne 'Nadia'&$orderby=displayName&$select=id"
    assert len(listed(runner, client, "items", url)) > 6
    assert runner.run(lambda: client.request("GET", "graph:/users/$count")).text == str(len(many_users))


def test_resource_manager_and_resource_graph_and_partner_center(runner: Runner, entra: Emulator) -> None:
    """By link, by a token in the body, and by a header."""
    subscription = entra.state.default_tenant.subscriptions[0]
    groups = [f"group-{number}" for number in range(5)]
    subscription.resource_groups += [ResourceGroup(name, "westeurope") for name in groups]
    client = at_emulator(runner, entra)
    url = f"/subscriptions/{subscription.id}/resourcegroups?api-version=2022-09-01&$top=2"
    found = [group["name"] for group in listed(runner, client, "items", url)]
    assert found[-5:] == groups
    query = {
        "query": "resourcecontainers | where type =~ 'microsoft.resources/subscriptions/resourcegroups'",
        "options": {"$top": 2},
    }
    resources = "arm:/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01"
    rows = listed(runner, client, "items", resources, method="POST", json=query)
    assert [row["name"] for row in rows] == found
    table = {**query, "options": {"$top": 2, "resultFormat": "table"}}
    assert listed(runner, client, "items", resources, method="POST", json=table) == rows

    partner = entra.state.default_tenant
    for number in range(4):
        customer = entra.add_tenant(f"Customer {number}", f"customer{number}.example")
        customer.relationships.append(Relationship(partner.id))
    found = listed(runner, at_emulator(runner, entra, user=True), "items", "partner:/customers?size=2")
    assert [customer["id"] for customer in found] == [tenant.id for tenant in entra.state.customers(partner)]
    assert len(found) == 5


class Api:
    """An API whose pages are given by path; it records what it gets."""

    def __init__(self, runner: Runner, service: TokenService, pages: dict[str, Reply], expires_in: int = 3600) -> None:
        self.requests: list[RecordedRequest] = []
        numbers = itertools.count(1)

        def answer(request: RecordedRequest) -> Reply:
            if request.path.endswith("/token"):
                return token_reply(f"token-{next(numbers)}", expires_in=expires_in)
            self.requests.append(request)
            return pages[request.path]

        service.script = [answer]
        self.client = runner.client(TENANT, CLIENT_ID, ClientSecret("s"), service.url)
        self.runner, self.url = runner, service.url

    def read(self, name: str = "items", path: str = "/1", **options: Any) -> list[Any]:
        given = {"scope": "graph", "origin": self.url} | options
        return listed(self.runner, self.client, name, self.url + path, **given)


def page(items: list[Any], following: str = "", status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    return Reply(status, {"value": items, **({"@odata.nextLink": following} if following else {})}, headers or {})


def test_headers_and_body_are_sent_again(runner: Runner, token_service: TokenService) -> None:
    url = token_service.url
    api = Api(runner, token_service, {"/1": page([1], f"{url}/2"), "/2": page([2], "/3"), "/3": page([])})
    options: dict[str, Any] = {
        "headers": {"Prefer": "odata.maxpagesize=1", "Accept": "x/y"},
        "method": "POST",
        "json": {"q": 1},
    }
    assert api.read(**options) == [1, 2]
    assert [(request.method, request.headers["Prefer"], request.body) for request in api.requests] == [
        ("POST", "odata.maxpagesize=1", b'{"q": 1}')
    ] * 3


def test_the_token_is_renewed_between_pages(runner: Runner, token_service: TokenService) -> None:
    """A token of a minute does not outlive a page that takes two."""
    pages = {f"/{number}": page([number], f"{token_service.url}/{number + 1}") for number in range(1, 4)}
    api = Api(runner, token_service, {**pages, "/4": page([4])}, expires_in=60)
    slept = use_fake_clock(api.client)
    seen: list[int] = []

    async def slowly() -> None:
        async for item in api.client.items(f"{api.url}/1", scope="graph", origin=api.url):
            seen.append(item)
            slept.append(61)

    if isinstance(api.client, Client):
        for item in api.client.items(f"{api.url}/1", scope="graph", origin=api.url):
            seen.append(item)
            slept.append(61)
    else:
        runner.run(slowly)
    assert seen == [1, 2, 3, 4]
    assert [request.headers["Authorization"] for request in api.requests] == [f"Bearer token-{n}" for n in range(1, 5)]


@pytest.mark.parametrize("links", [("/2", "/1"), ("/2", "/2"), ("/1", "")])
def test_pages_that_lead_back_end_with_an_error(
    runner: Runner, token_service: TokenService, links: tuple[str, str]
) -> None:
    url = token_service.url
    replies = {f"/{n}": page([n], link and url + link) for n, link in enumerate(links, 1)}
    api = Api(runner, token_service, replies)
    with pytest.raises(UnreadableAnswer, match="lead back"):
        api.read()


@pytest.mark.parametrize(
    "link", ["https://graph.microsoft.com.evil.example/2", "//evil.example/2", "http://127.0.0.1:9/2"]
)
def test_a_page_elsewhere_gets_neither_a_request_nor_the_token(
    runner: Runner, token_service: TokenService, link: str
) -> None:
    """The items before it arrive; then the error names both origins."""
    api = Api(runner, token_service, {"/1": page([1], link)})
    with pytest.raises(UntrustedOrigin, match=r"The next page is at .*; nothing was sent there"):
        api.read()
    assert len(api.requests) == 1


def test_the_page_of_another_known_service_is_elsewhere_too(runner: Runner, entra: Emulator) -> None:
    """Not even with that service's own token."""
    entra.inject(service="graph", next_link="https://management.azure.com/subscriptions?api-version=2022-12-01")
    client, before = at_emulator(runner, entra), len(entra.requests)
    with pytest.raises(UntrustedOrigin, match=r"management\.azure\.com"):
        listed(runner, client, "items", "graph:/users")
    assert [logged.service for logged in entra.requests[before:] if logged.service != "login"] == ["graph"]


def test_a_loop_at_graph_is_found(runner: Runner, entra: Emulator) -> None:
    entra.inject(service="graph", next_link="loop", times=None)
    with pytest.raises(UnreadableAnswer, match="lead back"):
        listed(runner, at_emulator(runner, entra), "items", "https://graph.microsoft.com/v1.0/users?$top=50")


def test_the_number_of_pages_can_be_limited_with_a_warning(
    runner: Runner, token_service: TokenService, caplog: pytest.LogCaptureFixture
) -> None:
    """A cut is never silent; a limit that is not reached says nothing."""
    url = token_service.url
    replies = {"/1": page([1], f"{url}/2"), "/2": page([2], f"{url}/3"), "/3": page([3])}
    with caplog.at_level(logging.WARNING, "mstoken"):
        assert Api(runner, token_service, replies).read(max_pages=3) == [1, 2, 3]
        assert caplog.text == ""
        assert Api(runner, token_service, replies).read(max_pages=2) == [1, 2]
    assert "Stopped after 2 pages; the collection has more (max_pages)." in caplog.text


def test_an_error_ends_the_pages(runner: Runner, token_service: TokenService) -> None:
    """`items` raises it, `pages` gives it."""
    replies = {"/1": page([1], f"{token_service.url}/2"), "/2": Reply(403, {"error": {"code": "X", "message": "No."}})}
    with pytest.raises(ApiRefused, match="403"):
        Api(runner, token_service, replies).read()
    pages = Api(runner, token_service, replies).read("pages")
    assert [(one.response.status, one.items) for one in pages] == [(200, [1]), (403, None)]


def test_what_is_no_collection_is_one_item(runner: Runner, token_service: TokenService) -> None:
    assert Api(runner, token_service, {"/1": Reply(200, {"id": 7})}).read() == [{"id": 7}]
    assert Api(runner, token_service, {"/1": Reply(204, b"")}).read() == []


def test_a_continuation_token_of_azure_devops(runner: Runner, token_service: TokenService) -> None:
    """In a header of the response, for a parameter of the next request."""
    replies = {
        "/1?a=b": Reply(200, {"value": [1]}, {"x-ms-continuationtoken": "t 1"}),
        "/1?a=b&continuationToken=t%201": Reply(200, {"value": [2]}),
    }
    assert Api(runner, token_service, replies).read(path="/1?a=b", scope="ado") == [1, 2]


def test_exchanges_next_page_is_in_a_header(runner: Runner, token_service: TokenService) -> None:
    """With the same body: its admin API takes commands by POST."""
    replies = {
        "/1": Reply(200, {"value": [1]}, {"NextPageUri": f"{token_service.url}/2"}),
        "/2": Reply(200, {"value": [2]}),
    }
    api = Api(runner, token_service, replies)
    assert api.read(scope="exchange", method="POST", json={"CmdletInput": {"CmdletName": "Get-Mailbox"}}) == [1, 2]
    assert len({request.body for request in api.requests}) == 1
    assert json.loads(api.requests[1].body)["CmdletInput"]["CmdletName"] == "Get-Mailbox"
