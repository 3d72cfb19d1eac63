"""Roles and groups of users in their tokens."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from entra_emulator import Emulator
from entra_emulator.model import App, Grant

Get = Callable[..., httpx.Response]
NADIA, OTTO = "nadia@northwind-partner.example", "otto@northwind-partner.example"
ORDERS, SCOPE = "api://northwind-orders", "api://northwind-orders/Orders.Read"


@pytest.fixture
def api(entra: Emulator) -> App:
    """The API of the built-in configuration."""
    return next(app for app in entra.state.apps.values() if ORDERS in app.identifier_uris)


@pytest.fixture
def tokens(user_token: Get, claims: Any) -> Callable[..., tuple[dict[str, Any], dict[str, Any]]]:
    """The claims of a user's access token for the API, and of the ID token beside it."""

    def get(user: str = OTTO) -> tuple[dict[str, Any], dict[str, Any]]:
        body = user_token(f"{SCOPE} openid profile", user).json()
        return dict(claims(body["access_token"])), dict(claims(body["id_token"]))

    return get


def assign(entra: Emulator, resource: App, user: str, *roles: str) -> None:
    """An assignment of a role of an application to a user or group."""
    entra.state.default_tenant.grants.append(Grant(resource.id, resource.id, roles=list(roles), user=user))


@pytest.mark.parametrize("named", ["id", "upn"])
def test_a_users_roles_are_in_the_access_token(
    entra: Emulator, api: App, tokens: Any, app_token: Get, claims: Any, named: str
) -> None:
    """Roles that are assigned to a user at an API are in the user's tokens for it, and in nobody else's."""
    user = entra.find_user(OTTO)[1]
    assign(entra, api, getattr(user, named), "Orders.Approver", "Auditor")
    assert tokens()[0]["roles"] == ["Auditor", "Orders.Approver"]
    assert "roles" not in tokens()[1]
    assert "roles" not in tokens(NADIA)[0]
    assert claims(app_token(f"{ORDERS}/.default").json()["access_token"])["roles"] == ["Orders.Read.All"]


def test_a_consent_with_user_and_roles_gives_the_application_nothing(
    entra: Emulator, api: App, app_token: Get, claims: Any, tokens: Any
) -> None:
    """A grant to the client that names a user and roles makes them roles of the user, not permissions of the client."""
    app = entra.state.default_app
    entra.state.default_tenant.grants.append(Grant(app.id, api.id, ["Orders.Read"], ["Orders.Burn"], OTTO))
    assert claims(app_token(f"{ORDERS}/.default").json()["access_token"])["roles"] == ["Orders.Read.All"]
    assert tokens()[0]["roles"] == ["Orders.Burn"]


def test_roles_at_the_client_are_in_the_id_token(entra: Emulator, api: App, tokens: Any) -> None:
    """Roles at the application that signs the user in are in its ID tokens."""
    assign(entra, entra.state.default_app, OTTO, "Admin")
    access, identity = tokens()
    assert identity["roles"] == ["Admin"]
    assert "roles" not in access


def test_members_have_the_roles_of_their_group(entra: Emulator, api: App, tokens: Any) -> None:
    """A role that is assigned to a group is in the tokens of its members, of nested groups too."""
    entra.add_group("Approvers", [OTTO])
    entra.add_group("Everybody", ["Approvers"])
    assign(entra, api, "Everybody", "Orders.Approver")
    assert tokens()[0]["roles"] == ["Orders.Approver"]
    assert "roles" not in tokens(NADIA)[0]


def test_an_assignment_grants_a_user_access(entra: Emulator, api: App, user_token: Get) -> None:
    """Where assignment is required, a role or a group of the user counts as one."""
    principal = entra.state.default_tenant.principal(entra.state.default_app.id)
    assert principal
    principal.assignment_required = True
    assert user_token(SCOPE, OTTO).json()["error_codes"] == [50105]
    assign(entra, entra.state.default_app, OTTO, "Admin")
    assert user_token(SCOPE, OTTO).status_code == 200
    group = entra.add_group("Partners", [NADIA])
    assert user_token(SCOPE, NADIA).json()["error_codes"] == [50105]
    principal.assigned.append(group.id)
    assert user_token(SCOPE, NADIA).status_code == 200


@pytest.fixture
def groups(entra: Emulator, api: App) -> dict[str, str]:
    """Three groups of Otto by name: a security group, a distribution list, and one that the API is assigned to."""
    found = {
        "Staff": entra.add_group("Staff", [OTTO], on_premises_name="staff").id,
        "News": entra.add_group("News", [OTTO], security=False, mail="news@northwind-partner.example").id,
        "Buyers": entra.add_group("Buyers", [OTTO]).id,
    }
    entra.add_group("Others", [NADIA])
    for app in (api, entra.state.default_app):
        principal = entra.state.default_tenant.principal(app.id)
        assert principal
        principal.assigned.append("Buyers")
    return found


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("", set()),
        ("SecurityGroup", {"Staff", "Buyers"}),
        ("ApplicationGroup", {"Buyers"}),
        ("All", {"Staff", "News", "Buyers", "wids"}),
        ("DirectoryRole", {"wids"}),
    ],
)
def test_group_claims_by_setting(
    entra: Emulator, api: App, tokens: Any, groups: dict[str, str], setting: str, expected: set[str]
) -> None:
    """groupMembershipClaims of the API decides about its access tokens, that of the client about its ID tokens."""
    api.group_claims = entra.state.default_app.group_claims = setting
    for found in tokens():
        names = {name for name, group in groups.items() if group in found.get("groups", ())}
        assert names | ({"wids"} & set(found)) == expected


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        (("groups:sam_account_name", "SecurityGroup"), {"groups": ["staff", "{Buyers}"]}),
        (
            ("groups:dns_domain_and_sam_account_name", "SecurityGroup"),
            {"groups": ["northwind-partner.example\\staff", "{Buyers}"]},
        ),
        (("groups:cloud_displayname", "ApplicationGroup"), {"groups": ["Buyers"]}),
        (("groups:cloud_displayname", "SecurityGroup"), {"groups": ["{Staff}", "{Buyers}"]}),
        (("groups:emit_as_roles", "ApplicationGroup"), {"roles": ["{Buyers}"]}),
    ],
)
def test_how_groups_are_written(
    entra: Emulator,
    api: App,
    tokens: Any,
    groups: dict[str, str],
    configuration: tuple[str, str],
    expected: dict[str, list[str]],
) -> None:
    """The additional properties of `groups` choose names of the directory on premises, display names, or roles."""
    api.optional_claims, api.group_claims = [configuration[0]], configuration[1]
    assign(entra, api, OTTO, "Orders.Approver")
    found = tokens()[0]
    for name, values in expected.items():
        assert found[name] == [value.format(**groups) for value in values]
    assert "roles" in expected or found["roles"] == ["Orders.Approver"]


@pytest.mark.parametrize("count", [200, 201])
def test_too_many_groups(entra: Emulator, api: App, tokens: Any, count: int) -> None:
    """Up to 200 groups are in a token; more are a distributed claim with the address where to look them up."""
    for number in range(count):
        entra.add_group(f"Group {number}", [OTTO])
    api.group_claims = "SecurityGroup"
    found = tokens()[0]
    if count <= 200:
        assert len(found["groups"]) == 200
    else:
        assert "groups" not in found
        assert found["_claim_names"] == {"groups": "src1"}
        endpoint = found["_claim_sources"]["src1"]["endpoint"]
        assert endpoint.endswith(f"/users/{found['oid']}/getMemberObjects")


@pytest.mark.parametrize("count", [5, 6])
def test_too_many_groups_for_a_url(entra: Emulator, http: httpx.Client, claims: Any, count: int) -> None:
    """In the implicit flow six groups are too many; `hasgroups` says that there are some."""
    app = entra.state.default_app
    app.id_tokens, app.group_claims = True, "SecurityGroup"
    for number in range(count):
        entra.add_group(f"Group {number}", [OTTO])
    found = claims(_implicit(entra, http)["id_token"])
    assert ("groups" in found, found.get("hasgroups", False)) == (count < 6, count >= 6)


def _implicit(entra: Emulator, http: httpx.Client) -> dict[str, str]:
    """The fragment of an implicit sign-in of Otto."""
    app = entra.state.default_app
    query = {"client_id": app.id, "response_type": "id_token", "scope": "openid profile", "nonce": "n"}
    page = http.get(f"{entra.authority}/{app.tenant}/oauth2/v2.0/authorize", params=query)
    token = re.search(r'name="flow" value="([^"]+)', page.text)
    assert token
    given = {"flow": token[1], "choice": "sign-in", "username": OTTO, "password": "emulator"}
    done = http.post(f"{entra.authority}/{app.tenant}/login", data=given)
    return dict(parse_qsl(urlsplit(done.headers["location"]).fragment))
