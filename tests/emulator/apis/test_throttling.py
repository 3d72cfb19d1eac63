"""Limits of the APIs: who is refused, and what the headers say."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from entra_emulator import Emulator
from entra_emulator.model import User

Get = Callable[..., httpx.Response]
ARM = "https://management.azure.com/.default"


def bearer(answer: httpx.Response) -> dict[str, str]:
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def test_graph_refuses_who_is_over_the_limit(entra: Emulator, http: httpx.Client, app_token: Get) -> None:
    """With the wait, the scope and the reason; after the wait it answers again, and others are served meanwhile."""
    entra.throttle(4, 10)
    url, token = f"{entra.api('graph')}/users", bearer(app_token())
    first, second, third = (http.get(url, headers=token) for _ in range(3))
    assert (first.status_code, first.headers["x-ms-resource-unit"]) == (200, "2")
    assert "x-ms-throttle-limit-percentage" not in first.headers
    assert (second.status_code, second.headers["x-ms-throttle-limit-percentage"]) == (200, "1")
    assert (third.status_code, third.json()["error"]["code"]) == (429, "TooManyRequests")
    tenant, app = entra.state.default_tenant.id, entra.state.default_app.id
    assert third.headers["x-ms-throttle-scope"] == f"Tenant_Application/ReadWrite/{app}/{tenant}"
    assert third.headers["x-ms-throttle-information"] == "ResourceUnitLimitExceeded"
    customer = entra.state.default_customer
    assert customer
    assert http.get(url, headers=bearer(app_token(tenant=customer.id))).status_code == 200
    entra.clock.advance(int(third.headers["retry-after"]))
    assert http.get(url, headers=token).status_code == 200


def test_refused_requests_count(entra: Emulator, http: httpx.Client, app_token: Get) -> None:
    """Who asks again too early waits longer."""
    entra.throttle(1, 10)
    url, token = f"{entra.api('graph')}/organization", bearer(app_token())
    assert http.get(url, headers=token).status_code == 200
    entra.clock.advance(9)
    assert http.get(url, headers=token).status_code == 429
    entra.clock.advance(2)
    assert http.get(url, headers=token).headers["retry-after"] == "10"


@pytest.mark.parametrize(
    ("path", "cost"),
    [
        ("/users", "2"),
        ("/users?$select=id", "1"),
        ("/users?$top=5", "1"),
        ("/users?$top=20", "2"),
        ("/users?$select=id&$top=5", "1"),
        ("/users?$expand=manager", "3"),
        ("/organization", "1"),
    ],
)
def test_requests_cost_by_path_and_options(
    entra: Emulator, http: httpx.Client, app_token: Get, path: str, cost: str
) -> None:
    answer = http.get(entra.api("graph") + path, headers=bearer(app_token()))
    assert (answer.status_code, answer.headers["x-ms-resource-unit"]) == (200, cost)


@pytest.mark.parametrize(
    ("limit", "refused"),
    [
        ({"scope": "Application"}, True),
        ({"scope": "Tenant"}, False),
        ({"client": "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"}, False),
        ({"kind": "Write"}, False),
        ({"kind": "Read", "scope": "Application"}, True),
        ({"path": "/v1.0/groups*", "scope": "Application"}, False),
        ({"path": "/v1.0/organ*", "scope": "Application"}, True),
        ({"service": "arm", "scope": "Application"}, False),
    ],
)
def test_a_limit_has_a_scope(
    entra: Emulator, http: httpx.Client, app_token: Get, limit: dict[str, Any], *, refused: bool
) -> None:
    """After one request in the partner's tenant, another one in a customer's."""
    entra.throttle(1, **limit)
    customer = entra.state.default_customer
    assert customer
    url = f"{entra.api('graph')}/organization"
    http.get(url, headers=bearer(app_token()))
    assert (http.get(url, headers=bearer(app_token(tenant=customer.id))).status_code == 429) == refused


def test_some_refusals_do_not_say_when(entra: Emulator, http: httpx.Client, app_token: Get) -> None:
    entra.throttle(1, says_when=False)
    url, token = f"{entra.api('graph')}/organization", bearer(app_token())
    _, refused = (http.get(url, headers=token) for _ in range(2))
    assert (refused.status_code, refused.headers.get("retry-after")) == (429, None)


def test_the_parts_of_a_batch_are_refused_one_by_one(entra: Emulator, http: httpx.Client, app_token: Get) -> None:
    """The outer response is 200, and the wait is inside the part."""
    entra.throttle(2)
    steps = [{"id": str(number), "method": "GET", "url": "/organization"} for number in range(4)]
    answer = http.post(f"{entra.api('graph')}/$batch", json={"requests": steps}, headers=bearer(app_token()))
    assert (answer.status_code, answer.headers.get("retry-after")) == (200, None)
    parts = sorted(answer.json()["responses"], key=lambda part: str(part["id"]))
    assert [part["status"] for part in parts] == [200, 200, 429, 429]
    assert parts[2]["headers"]["Retry-After"] == "10"
    assert parts[2]["body"]["error"]["code"] == "TooManyRequests"


def test_a_refused_write_changes_nothing(entra: Emulator, http: httpx.Client, app_token: Get) -> None:
    entra.throttle(1, service="arm", kind="Write")
    subscription = entra.state.default_tenant.subscriptions[0]
    url = f"{entra.api('arm')}/subscriptions/{subscription.id}/resourcegroups/{{}}?api-version=2021-04-01"
    token = bearer(app_token(ARM))
    answers = [http.put(url.format(name), json={"location": "westeurope"}, headers=token) for name in ("one", "two")]
    assert [answer.status_code for answer in answers] == [201, 429]
    assert answers[0].headers["x-ms-ratelimit-remaining-subscription-writes"] == "0"
    assert answers[1].json()["error"]["code"] == "SubscriptionRequestsThrottled"
    assert [group.name for group in subscription.resource_groups if group.name in ("one", "two")] == ["one"]


@pytest.mark.parametrize(("service", "code"), [("partner", 429), ("vault", "Throttled")])
def test_each_api_refuses_in_its_own_form(
    entra: Emulator, http: httpx.Client, app_token: Get, service: Any, code: object
) -> None:
    entra.throttle(1, 30, service=service)
    scope, path = {
        "partner": ("https://api.partnercenter.microsoft.com/.default", "/customers"),
        "vault": ("https://vault.azure.net/.default", "/northwind/secrets?api-version=7.4"),
    }[service]
    token = bearer(app_token(scope))
    _, refused = (http.get(entra.api(service) + path, headers=token) for _ in range(2))
    body = refused.json()
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "30")
    assert body.get("code", body.get("error", {}).get("code") if "error" in body else None) == code


def test_limits_that_make_no_sense_are_refused(entra: Emulator) -> None:
    for wrong in ({"units": 0}, {"units": 1, "scope": "Everyone"}, {"units": 1, "kind": "Delete"}):
        with pytest.raises(ValueError, match=r"units is at least|scope is one of"):
            entra.throttle(**wrong)
    with pytest.raises(ValueError, match="throttle: service"):
        entra.throttle(1, service="login")
    assert entra.throttles == []


def test_a_limit_is_saved_and_reset(entra: Emulator, http: httpx.Client, app_token: Get) -> None:
    """With the state; what was used is forgotten with it."""
    entra.throttle(1)
    token = bearer(app_token())
    url = f"{entra.api('graph')}/organization"
    assert [http.get(url, headers=token).status_code for _ in range(2)] == [200, 429]
    saved = entra.snapshot()
    entra.reset()
    assert entra.throttles == []
    assert http.get(url, headers=token).status_code == 200
    entra.restore(saved)
    assert [throttle.units for throttle in entra.throttles] == [1]


def test_users_of_a_large_directory_are_counted_by_page(entra: Emulator, http: httpx.Client, app_token: Get) -> None:
    """Each page is a request."""
    tenant = entra.state.default_tenant
    tenant.users += [User(f"u{number}@northwind-partner.example", f"User {number}") for number in range(5)]
    entra.throttle(2)
    token, url, statuses = bearer(app_token()), f"{entra.api('graph')}/users?$top=2", list[int]()
    while url and len(statuses) < 5:
        answer = http.get(url, headers=token)
        statuses.append(answer.status_code)
        url = answer.json().get("@odata.nextLink", "")
    assert statuses == [200, 200, 429]
