"""The addresses of API calls, as people write them."""

from __future__ import annotations

import pytest

from mstoken import UsageError, clouds
from mstoken.rest.addresses import full_url

GRAPH = "https://graph.microsoft.com"


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("graph:/users", f"{GRAPH}/v1.0/users"),
        ("GRAPH:/users", f"{GRAPH}/v1.0/users"),
        ("msgraph:/me/photo/$value", f"{GRAPH}/v1.0/me/photo/$value"),
        ("graph:/users?$top=1&$filter=a eq 'b'", f"{GRAPH}/v1.0/users?$top=1&$filter=a%20eq%20'b'"),
        ("graph:/beta/users", f"{GRAPH}/beta/users"),
        ("graph:/v1.0/users", f"{GRAPH}/v1.0/users"),
        ("graph:/betas", f"{GRAPH}/v1.0/betas"),
        ("arm:/subscriptions?api-version=2022-12-01", "https://management.azure.com/subscriptions?api-version=2022-12-01"),
        ("sharepoint:contoso:/web", "https://contoso.sharepoint.com/_api/web"),
        ("sharepoint:contoso:/_api/web", "https://contoso.sharepoint.com/_api/web"),
    ],
)  # fmt: skip
def test_a_service_may_stand_before_a_path_of_its_api(written: str, url: str) -> None:
    assert full_url(written, None, clouds.PUBLIC) == url


def test_the_address_is_that_of_the_clients_cloud() -> None:
    china = clouds.cloud("china")
    assert full_url("graph:/users", None, china) == "https://microsoftgraph.chinacloudapi.cn/v1.0/users"


@pytest.mark.parametrize(
    "written",
    [
        "no-such-service:/users",
        "graph://users",
        "graph:users",
        "graph:/\n/evil.example/users\r\n",
        ":/users",
        "//evil.example/users",
        "sharepoint:/_api/web",
        "sharepoint:evil.example/x:/_api/web",
    ],
)
def test_what_names_no_api_is_refused(written: str) -> None:
    with pytest.raises(UsageError):
        full_url(written, None, clouds.PUBLIC)
