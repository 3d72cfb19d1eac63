"""The small Microsoft Graph: what it answers, and which tokens it refuses how."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from entra_emulator import Emulator
from entra_emulator.model import User

Get = Callable[..., httpx.Response]


def bearer(answer: httpx.Response) -> dict[str, str]:
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def test_me_is_the_signed_in_user(entra: Emulator, http: httpx.Client, user_token: Get) -> None:
    """/me answers with the token's user."""
    body = http.get(f"{entra.api('graph')}/me", headers=bearer(user_token())).json()
    assert body["userPrincipalName"] == "nadia@northwind-partner.example"


def test_me_requires_a_user(entra: Emulator, http: httpx.Client, app_token: Get) -> None:
    """An application alone is not a me: 400, not 403."""
    answer = http.get(f"{entra.api('graph')}/me", headers=bearer(app_token()))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadRequest")


def test_organization_is_the_tenant_of_the_token(entra: Emulator, http: httpx.Client, app_token: Get) -> None:
    """The same application reads in each tenant that tenant's own organization."""
    customer = entra.state.default_customer
    assert customer
    for tenant in (entra.state.default_tenant, customer):
        token = bearer(app_token(tenant=tenant.id))
        (found,) = http.get(f"{entra.api('graph')}/organization", headers=token).json()["value"]
        assert (found["id"], found["displayName"]) == (tenant.id, tenant.name)


def test_users_come_in_pages(entra: Emulator, http: httpx.Client, app_token: Get) -> None:
    """$top limits a page; @odata.nextLink leads to the next until all users have been seen once."""
    tenant = entra.state.default_tenant
    tenant.users += [User(f"user{number}@northwind-partner.example", f"User {number}") for number in range(5)]
    token, url, seen = bearer(app_token()), f"{entra.api('graph')}/users?$top=3", []
    while url:
        page = http.get(url, headers=token).json()
        seen += [user["id"] for user in page["value"]]
        assert len(page["value"]) <= 3
        url = page.get("@odata.nextLink", "")
    assert seen == [user.id for user in tenant.users]


def test_one_user_by_name_or_id(entra: Emulator, http: httpx.Client, app_token: Get) -> None:
    """A user is found by UPN and by object id; nobody else is (404)."""
    token, base = bearer(app_token()), f"{entra.api('graph')}/users"
    user = entra.state.default_user
    assert user
    for name in (user.upn, user.id):
        assert http.get(f"{base}/{name}", headers=token).json()["displayName"] == user.name
    missing = http.get(f"{base}/nobody@nowhere.example", headers=token)
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "Request_ResourceNotFound")


@pytest.mark.parametrize(
    ("header", "message"), [(None, "empty"), ("Basic eDp5", "empty"), ("Bearer", "empty"), ("Bearer x.y.z", "JWT")]
)
def test_no_token_is_401_with_a_challenge(
    entra: Emulator, http: httpx.Client, header: str | None, message: str
) -> None:
    """Without a token of the emulator's: 401, Graph's error shape, and a challenge that says where to go."""
    answer = http.get(f"{entra.api('graph')}/me", headers={"Authorization": header} if header else {})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (401, "InvalidAuthenticationToken")
    assert message in error["message"]
    assert list(error) == ["code", "message", "innerError"]
    assert list(error["innerError"]) == ["date", "request-id", "client-request-id"]
    assert f'authorization_uri="{entra.authority}/common/oauth2/authorize"' in answer.headers["www-authenticate"]


def test_forged_signature_is_refused(entra: Emulator, http: httpx.Client, app_token: Get) -> None:
    """A token with one claim changed no longer carries a good signature."""
    head, payload, signature = app_token().json()["access_token"].split(".")
    forged = f"{head}.{payload[:-4]}AAAA.{signature}"
    assert http.get(f"{entra.api('graph')}/users", headers={"Authorization": f"Bearer {forged}"}).status_code == 401


def test_a_token_of_another_emulator_is_refused(entra: Emulator, http: httpx.Client, app_token: Get) -> None:
    """A token whose tenant is not here is from an unknown issuer."""
    token = bearer(app_token())
    del entra.state.tenants[entra.state.default_tenant.id]
    answer = http.get(f"{entra.api('graph')}/users", headers=token)
    assert (answer.status_code, "issuer" in answer.json()["error"]["message"]) == (401, True)


def test_token_for_another_api_is_refused(entra: Emulator, http: httpx.Client, app_token: Get) -> None:
    """Graph takes no token for Resource Manager."""
    answer = http.get(f"{entra.api('graph')}/users", headers=bearer(app_token("https://management.azure.com/.default")))
    assert (answer.status_code, "audience" in answer.json()["error"]["message"]) == (401, True)


@pytest.mark.parametrize(
    "scope", ["https://graph.microsoft.com", "https://graph.microsoft.com/", "00000003-0000-0000-c000-000000000000"]
)
def test_every_form_of_the_audience_is_accepted(
    entra: Emulator, http: httpx.Client, app_token: Get, scope: str
) -> None:
    """With or without slash or as the application id, the audience is Graph."""
    assert http.get(f"{entra.api('graph')}/users", headers=bearer(app_token(f"{scope}/.default"))).status_code == 200


def test_expired_token_is_refused(entra: Emulator, http: httpx.Client, app_token: Get) -> None:
    """When the emulator's clock passes exp the token is over; before nbf it is not yet good."""
    token = bearer(app_token())
    entra.clock.advance(3700)
    late = http.get(f"{entra.api('graph')}/users", headers=token)
    assert (late.status_code, "expired" in late.json()["error"]["message"]) == (401, True)
    entra.clock.advance(-7200)
    early = http.get(f"{entra.api('graph')}/users", headers=token)
    assert (early.status_code, "not yet valid" in early.json()["error"]["message"]) == (401, True)


def test_missing_permission_is_403(entra: Emulator, http: httpx.Client, app_token: Get) -> None:
    """A good token without the permission gets 403 in Graph's words."""
    entra.state.default_tenant.grants[0].roles = ["Mail.Read"]
    answer = http.get(f"{entra.api('graph')}/users", headers=bearer(app_token()))
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "Authorization_RequestDenied")


def test_partner_without_a_role_in_the_customer_is_403(entra: Emulator, http: httpx.Client, user_token: Get) -> None:
    """Delegated administration without directory roles gives a token but opens no door."""
    customer = entra.state.default_customer
    assert customer
    good = http.get(f"{entra.api('graph')}/users", headers=bearer(user_token(tenant=customer.id)))
    customer.relationships[0].roles = []
    bad = http.get(f"{entra.api('graph')}/users", headers=bearer(user_token(tenant=customer.id)))
    assert (good.status_code, bad.status_code) == (200, 403)
    assert "authorization context" in bad.json()["error"]["message"]


def test_an_unknown_path_requires_a_token_first(entra: Emulator, http: httpx.Client, app_token: Get) -> None:
    """Graph looks at the token before the path: 401 without one, 404 with one."""
    assert http.get(f"{entra.api('graph')}/nothing").status_code == 401
    assert http.get(f"{entra.api('graph')}/nothing", headers=bearer(app_token())).status_code == 404


@pytest.mark.parametrize("query", ["$top=abc", "$top=-1", "$skiptoken=x"])
def test_bad_numbers_in_the_query_are_400(entra: Emulator, http: httpx.Client, app_token: Get, query: str) -> None:
    """A page size or position that is no number is the caller's mistake."""
    assert http.get(f"{entra.api('graph')}/users?{query}", headers=bearer(app_token())).status_code == 400


def test_host_name_works_like_the_path(proxied: httpx.Client, app_token: Get) -> None:
    """Through the proxy graph.microsoft.com answers, and its links stay under that name."""
    token: Any = bearer(app_token())
    body = proxied.get("https://graph.microsoft.com/v1.0/users?$top=1", headers=token).json()
    assert body["@odata.nextLink"].startswith("https://graph.microsoft.com/v1.0/users?")


@pytest.mark.parametrize("method", ["DELETE", "PUT"])
def test_another_method_is_not_allowed(entra: Emulator, http: httpx.Client, app_token: Get, method: str) -> None:
    """405 in Graph's form, with the ids that a support request needs."""
    answer = http.request(method, f"{entra.api('graph')}/users", headers=bearer(app_token()))
    assert answer.status_code == 405
    inner = answer.json()["error"]["innerError"]
    assert inner["request-id"] == answer.headers["request-id"]
    assert http.request(method, f"{entra.api('graph')}/users").status_code == 401
