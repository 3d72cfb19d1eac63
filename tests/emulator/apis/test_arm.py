"""The small Azure Resource Manager: what it answers, and which tokens it refuses how."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from entra_emulator import Emulator

Get = Callable[..., httpx.Response]
ARM = "https://management.azure.com/.default"
V = {"api-version": "2022-12-01"}


@pytest.fixture
def arm(entra: Emulator, http: httpx.Client, app_token: Get) -> Callable[..., httpx.Response]:
    """GET a path of Resource Manager with a token for a scope."""

    def get(
        path: str, scope: str = ARM, params: dict[str, str] | None = None, tenant: str | None = None
    ) -> httpx.Response:
        token = app_token(scope, tenant=tenant).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        return http.get(f"{entra.api('arm')}{path}", params=V if params is None else params, headers=headers)

    return get


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_subscriptions_of_the_tenant(entra: Emulator, arm: Get) -> None:
    """Only subscriptions that the caller may read are listed, and one is found by id."""
    (found,) = arm("/subscriptions").json()["value"]
    assert found["displayName"] == "Northwind Production"
    assert arm(found["id"]).json() == found
    entra.state.default_tenant.subscriptions[0].contributors = []
    assert arm("/subscriptions").json()["value"] == []


@pytest.mark.parametrize("spelling", ["resourcegroups", "resourceGroups"])
def test_resource_groups(entra: Emulator, arm: Get, spelling: str) -> None:
    """Groups are listed and found by name in either spelling of the path."""
    base = f"/subscriptions/{entra.state.default_tenant.subscriptions[0].id}/{spelling}"
    assert [group["name"] for group in arm(base).json()["value"]] == ["rg-web", "rg-data"]
    assert arm(f"{base}/RG-WEB").json()["location"] == "westeurope"
    assert code(arm(f"{base}/rg-none")) == (404, "ResourceGroupNotFound")


def test_tenants(entra: Emulator, arm: Get) -> None:
    """/tenants answers with the tenant of the token."""
    (found,) = arm("/tenants").json()["value"]
    assert found["tenantId"] == entra.state.default_tenant.id


def test_user_reads_with_user_impersonation(entra: Emulator, http: httpx.Client, user_token: Get) -> None:
    """A user who may read the subscription sees it, one who may not does not."""
    for user, seen in (("nadia@northwind-partner.example", 1), ("otto@northwind-partner.example", 0)):
        token = user_token("https://management.azure.com/user_impersonation", user).json()["access_token"]
        answer = http.get(f"{entra.api('arm')}/subscriptions", params=V, headers={"Authorization": f"Bearer {token}"})
        assert len(answer.json()["value"]) == seen


def test_no_token(entra: Emulator, http: httpx.Client) -> None:
    """Without a token: AuthenticationFailed, and a challenge that names the subscription's tenant."""
    tenant = entra.state.default_tenant
    answer = http.get(f"{entra.api('arm')}/subscriptions/{tenant.subscriptions[0].id}", params=V)
    assert code(answer) == (401, "AuthenticationFailed")
    assert f'authorization_uri="{entra.authority}/{tenant.id}"' in answer.headers["www-authenticate"]


def test_token_for_another_api(arm: Get) -> None:
    """A token for Graph has the wrong audience."""
    assert code(arm("/subscriptions", "https://graph.microsoft.com/.default")) == (
        401,
        "InvalidAuthenticationTokenAudience",
    )


@pytest.mark.parametrize(
    "scope", ["https://management.azure.com//.default", "https://management.core.windows.net//.default"]
)
def test_every_form_of_the_audience_is_accepted(arm: Get, scope: str) -> None:
    """Both names of Resource Manager are good, with single or double slash in the scope."""
    assert arm("/subscriptions", scope).status_code == 200


def test_an_invalid_token_is_refused(entra: Emulator, http: httpx.Client) -> None:
    """What is no JWT of the emulator's is an invalid token."""
    answer = http.get(f"{entra.api('arm')}/subscriptions", params=V, headers={"Authorization": "Bearer nonsense"})
    assert code(answer) == (401, "InvalidAuthenticationToken")


def test_expired_token(entra: Emulator, http: httpx.Client, app_token: Get) -> None:
    """An expired token is refused in the words that tell both times."""
    headers = {"Authorization": f"Bearer {app_token(ARM).json()['access_token']}"}
    entra.clock.advance(3700)
    answer = http.get(f"{entra.api('arm')}/subscriptions", params=V, headers=headers)
    assert code(answer) == (401, "ExpiredAuthenticationToken")


def test_subscription_of_another_tenant(entra: Emulator, arm: Get) -> None:
    """A subscription is opened only by a token of its own tenant; the challenge says which."""
    customer = entra.state.default_customer
    assert customer
    answer = arm(f"/subscriptions/{customer.subscriptions[0].id}")
    assert code(answer) == (401, "InvalidAuthenticationTokenTenant")
    assert customer.id in answer.headers["www-authenticate"]
    assert arm(f"/subscriptions/{customer.subscriptions[0].id}", tenant=customer.id).status_code == 200


def test_caller_without_a_role(entra: Emulator, arm: Get) -> None:
    """A caller without rights on a subscription gets AuthorizationFailed."""
    subscription = entra.state.default_tenant.subscriptions[0]
    subscription.contributors = []
    assert code(arm(f"/subscriptions/{subscription.id}")) == (403, "AuthorizationFailed")


def test_api_version_is_required(arm: Get) -> None:
    """Resource Manager answers nothing without api-version."""
    assert code(arm("/subscriptions", params={})) == (400, "MissingApiVersionParameter")


@pytest.mark.parametrize("path", ["/subscriptions/11111111-2222-4333-8444-555555555555", "/providers"])
def test_unknown_things_are_404(arm: Get, path: str) -> None:
    """Unknown subscriptions and paths are not found."""
    assert arm(path).status_code == 404


@pytest.fixture
def group(entra: Emulator, http: httpx.Client, app_token: Get) -> Get:
    """A request about one resource group of the default subscription."""
    base = f"{entra.api('arm')}/subscriptions/{entra.state.default_tenant.subscriptions[0].id}/resourceGroups"
    headers = {
        "Authorization": f"Bearer {app_token(ARM).json()['access_token']}",
        "Content-Type": "application/json",
    }

    def send(method: str, name: str, **more: Any) -> httpx.Response:
        return http.request(method, f"{base}/{name}", params=V, headers=headers, **more)

    return send


def test_a_group_is_created_once_and_then_replaced(group: Get) -> None:
    """PUT answers 201 for a new group and 200 for one that is there, whose tags it replaces."""
    first = group("PUT", "rg-new", json={"location": "West Europe", "tags": {"a": "1"}})
    second = group("PUT", "RG-NEW", json={"location": "westeurope", "tags": {"b": "2"}})
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"].endswith("/resourceGroups/rg-new")
    assert (first.json()["tags"], second.json()["tags"]) == ({"a": "1"}, {"b": "2"})
    assert group("GET", "rg-new").json() == second.json()


def test_patch_changes_the_named_properties_only(group: Get) -> None:
    """PATCH leaves the location, and the tags unless it has some; it makes nothing."""
    managed = group("PATCH", "rg-web", json={"managedBy": "/subscriptions/x"}).json()
    tagged = group("PATCH", "rg-web", json={"tags": {"a": "1"}}).json()
    assert (tagged["location"], tagged["managedBy"]) == ("westeurope", managed["managedBy"])
    assert code(group("PATCH", "rg-none", json={})) == (404, "ResourceGroupNotFound")


@pytest.mark.parametrize(
    ("name", "body", "expected"),
    [
        ("rg-new", b"{}", (400, "LocationRequired")),
        ("rg-new", b"[]", (400, "InvalidRequestContent")),
        ("rg-new", b"{", (400, "InvalidRequestContent")),
        ("rg-new", b'{"location": "uksouth", "tags": {"a": 1}}', (400, "InvalidRequestContent")),
        ("rg-new.", b'{"location": "uksouth"}', (400, "InvalidResourceGroup")),
        ("rg!", b'{"location": "uksouth"}', (400, "InvalidResourceGroup")),
        ("r" * 91, b'{"location": "uksouth"}', (400, "InvalidResourceGroup")),
        ("rg-web", b'{"location": "uksouth"}', (409, "InvalidResourceGroupLocation")),
    ],
)
def test_an_invalid_group_is_refused(group: Get, name: str, body: bytes, expected: tuple[int, str]) -> None:
    """What is no group's name, place or content is refused, each with its code."""
    assert code(group("PUT", name, content=body)) == expected


def test_deletion_takes_its_time(entra: Emulator, http: httpx.Client, group: Get) -> None:
    """DELETE answers 202; until it is over the group is seen Deleting and refuses changes, then it is gone."""
    begun = group("DELETE", "rg-web")
    assert (begun.status_code, begun.headers["retry-after"]) == (202, "1")
    assert group("GET", "rg-web").json()["properties"] == {"provisioningState": "Deleting"}
    assert code(group("PUT", "rg-web", json={"location": "westeurope"})) == (409, "ResourceGroupBeingDeleted")
    headers = {"Authorization": begun.request.headers["authorization"]}
    assert http.get(begun.headers["location"], headers=headers).status_code == 202
    entra.clock.advance(1)
    assert http.get(begun.headers["location"], headers=headers).status_code == 200
    assert code(group("GET", "rg-web")) == (404, "ResourceGroupNotFound")
    assert group("PUT", "rg-web", json={"location": "uksouth"}).status_code == 201


def test_head_checks_existence(group: Get) -> None:
    """HEAD is 204 for a group and 404 for none, without a body."""
    answers = [group("HEAD", name) for name in ("rg-web", "rg-none")]
    assert [(one.status_code, one.content) for one in answers] == [(204, b""), (404, b"")]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "HEAD"])
def test_changes_require_a_token_too(entra: Emulator, http: httpx.Client, method: str) -> None:
    """Without a token nothing is changed or told: 401 and a challenge."""
    subscription = entra.state.default_tenant.subscriptions[0]
    url = f"{entra.api('arm')}/subscriptions/{subscription.id}/resourcegroups/rg-web"
    answer = http.request(method, url, params=V)
    assert (answer.status_code, "authorization_uri" in answer.headers["www-authenticate"]) == (401, True)
    assert len(subscription.resource_groups) == 2
