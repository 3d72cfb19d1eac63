"""The small Azure Resource Manager: what it answers, and which tokens it refuses how."""

from collections.abc import Callable

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
    entra.state.default_tenant.subscriptions[0].readers = []
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
def test_every_form_of_the_audience_is_taken(arm: Get, scope: str) -> None:
    """Both names of Resource Manager are good, with single or double slash in the scope."""
    assert arm("/subscriptions", scope).status_code == 200


def test_nonsense_token(entra: Emulator, http: httpx.Client) -> None:
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
    subscription.readers = []
    assert code(arm(f"/subscriptions/{subscription.id}")) == (403, "AuthorizationFailed")


def test_api_version_is_required(arm: Get) -> None:
    """Resource Manager answers nothing without api-version."""
    assert code(arm("/subscriptions", params={})) == (400, "MissingApiVersionParameter")


@pytest.mark.parametrize("path", ["/subscriptions/11111111-2222-4333-8444-555555555555", "/providers"])
def test_unknown_things_are_404(arm: Get, path: str) -> None:
    """Unknown subscriptions and paths are not found."""
    assert arm(path).status_code == 404
