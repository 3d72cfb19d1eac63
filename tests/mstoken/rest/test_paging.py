"""The items of a page, and the request for the next one, in the form of each API."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mstoken.rest.paging import PageRequest, next_page, page_of, page_style
from mstoken.rest.response import ApiResponse, Headers

GRAPH, ARM = (
    "https://graph.microsoft.com/v1.0/users?$top=2",
    "https://management.azure.com/subscriptions/1/x?api-version=1",
)
ADO = "https://dev.azure.com/contoso/_apis/projects?api-version=7.1&continuationToken=old&$top=2"
EXO = "https://outlook.office365.com/adminapi/beta/t/InvokeCommand"
PARTNER = "https://api.partnercenter.microsoft.com/v1/customers?size=2"
RESOURCES = "https://management.azure.com/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01"


def read(
    service: str, url: str, document: Any, headers: dict[str, str] | None = None, body: Any = None
) -> tuple[list[Any] | None, PageRequest | None]:
    style = page_style(service, url)
    response = ApiResponse(200, Headers(headers or {}), json.dumps(document).encode())
    items = page_of(document, style)
    return items, next_page(response, document, PageRequest(url), style, body) if items is not None else None


@pytest.mark.parametrize(
    ("service", "url", "document", "headers", "items", "following"),
    [
        ("graph", GRAPH, {"value": [1, 2], "@odata.nextLink": "https://x/2"}, {}, [1, 2], "https://x/2"),
        ("graph", GRAPH, {"value": [], "@odata.nextLink": f"{GRAPH}&s=a%2Bb"}, {}, [], f"{GRAPH}&s=a%2Bb"),
        ("graph", GRAPH, {"value": [1]}, {}, [1], None),
        ("graph", GRAPH, {"value": [1], "@odata.nextLink": None}, {}, [1], None),
        ("graph", GRAPH, {"value": [1], "@odata.nextLink": ""}, {}, [1], None),
        ("graph", GRAPH, {"value": "text"}, {}, None, None),
        ("graph", GRAPH, {"id": 1, "@odata.nextLink": "https://x/2"}, {}, None, None),
        ("graph", GRAPH, [1, 2], {}, None, None),
        ("graph", GRAPH, None, {}, None, None),
        ("arm", ARM, {"value": [1], "nextLink": "https://x/2"}, {}, [1], "https://x/2"),
        ("arm", ARM, {"value": [1], "NextLink": "https://x/2"}, {}, [1], "https://x/2"),
        ("keyvault", "https://v.vault.azure.net/secrets", {"value": [1], "nextLink": "https://x/2"}, {}, [1], "https://x/2"),
        ("", "https://api.contoso.com/a/b?x=1", {"value": [1], "nextLink": "/a/b?page=2"}, {}, [1], "https://api.contoso.com/a/b?page=2"),
        ("", "https://api.contoso.com/a/b?x=1", {"value": [1], "nextLink": "?page=2"}, {}, [1], "https://api.contoso.com/a/b?page=2"),
        ("", "https://api.contoso.com/a", {"value": [1], "nextLink": "//evil.example/a"}, {}, [1], "https://evil.example/a"),
        ("exchange", EXO, {"value": [1]}, {"nextpageuri": f"{EXO}?page=2"}, [1], f"{EXO}?page=2"),
        ("exchange", EXO, {"value": [1], "@odata.nextLink": f"{EXO}?page=3"}, {}, [1], f"{EXO}?page=3"),
        ("ipps", EXO, {"value": [1]}, {"nextpageuri": f"{EXO}?page=2"}, [1], f"{EXO}?page=2"),
        ("graph", GRAPH, {"value": [1]}, {"nextpageuri": "https://x/2"}, [1], None),
        (
            "ado", ADO, {"count": 1, "value": [1]}, {"x-ms-continuationtoken": "a b&c"}, [1],
            "https://dev.azure.com/contoso/_apis/projects?api-version=7.1&$top=2&continuationToken=a%20b%26c",
        ),
        ("ado", ADO, {"count": 1, "value": [1]}, {}, [1], None),
        ("partner", PARTNER, {"items": [1], "links": {"self": {"uri": "/customers"}}}, {}, [1], None),
    ],
)  # fmt: skip
def test_a_page_has_items_and_the_next_address(
    service: str, url: str, document: Any, headers: dict[str, str], items: Any, following: str | None
) -> None:
    assert read(service, url, document, headers) == (items, following and PageRequest(following))


@pytest.mark.parametrize(
    ("uri", "url"),
    [
        ("/customers?size=2&seekOperation=Next", "https://api.partnercenter.microsoft.com/v1/customers?size=2&seekOperation=Next"),
        ("customers?size=2&seekOperation=Next", "https://api.partnercenter.microsoft.com/v1/customers?size=2&seekOperation=Next"),
        ("/v1/customers?size=2", "https://api.partnercenter.microsoft.com/v1/customers?size=2"),
        ("https://evil.example/v1/customers", "https://evil.example/v1/customers"),
        ("//evil.example/v1/customers", "https://evil.example/v1/customers"),
    ],
)  # fmt: skip
def test_partner_centers_next_page_has_headers_of_its_own(uri: str, url: str) -> None:
    """`links.next` has a URI below the API's version, and the continuation token for a header."""
    following = {"uri": uri, "method": "GET", "headers": [{"key": "MS-ContinuationToken", "value": "abc"}]}
    _, found = read("partner", PARTNER, {"items": [1], "links": {"next": following}})
    assert found == PageRequest(url, {"MS-ContinuationToken": "abc"})


def test_resource_graphs_token_goes_into_the_body() -> None:
    """Beside the options that are there; the URL stays."""
    body = {"query": "resources", "options": {"$top": 5}}
    items, found = read("arm", RESOURCES, {"data": [1], "$skipToken": "t"}, body=body)
    assert (items, found) == (
        [1],
        PageRequest(RESOURCES, json={"query": "resources", "options": {"$top": 5, "$skipToken": "t"}}),
    )
    assert body == {"query": "resources", "options": {"$top": 5}}
    table = {"data": {"columns": [{"name": "id"}, {"name": "n"}], "rows": [["a", 1], ["b", 2]]}}
    assert read("arm", RESOURCES, table, body=body) == ([{"id": "a", "n": 1}, {"id": "b", "n": 2}], None)
    assert read("arm", RESOURCES, {"data": {"other": 1}}) == (None, None)


@pytest.mark.parametrize(
    "links", [None, [], {}, {"next": None}, {"next": {"uri": 7}}, {"next": {"uri": "", "headers": 3}}]
)
def test_links_of_another_form_end_the_pages(links: Any) -> None:
    assert read("partner", PARTNER, {"items": [], "links": links}) == ([], None)
