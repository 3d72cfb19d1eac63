"""Personal accounts: where they may go, what they get there, and what they are told elsewhere."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from joserfc.errors import JoseError
from tests.support.verifying import verified

from entra_emulator import Emulator
from entra_emulator.ids import PERSONAL
from entra_emulator.model import App, Grant, User
from entra_emulator.resources import GRAPH as GRAPH_ID

Ask = Callable[..., httpx.Response]
READER = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b04"
ORDERS = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b03"
ROBIN, NADIA, OTTO = "robin@outlook.example", "nadia@northwind-partner.example", "otto@northwind-partner.example"
READ = "https://graph.microsoft.com/User.Read openid profile email offline_access"


@pytest.fixture
def refresh(entra: Emulator, ask: Ask) -> Ask:
    """A refresh by the application that takes every account; Robin has consented to it."""
    personal = entra.find_tenant("consumers")
    personal.grants.append(Grant(app=READER, resource=GRAPH_ID, scopes=["User.Read"], user=ROBIN))

    def post(tenant: str = "consumers", user: str = ROBIN, app: str = READER, **form: Any) -> httpx.Response:
        token = form.pop("token", None) or entra.sign_in(user, app)
        given = {"scope": READ, "client_secret": None, **form}
        return ask(tenant, grant_type="refresh_token", client_id=app, refresh_token=token, **given)

    return post


@pytest.mark.parametrize("tenant", ["consumers", "common", PERSONAL])
def test_tokens_are_those_of_personal_accounts(refresh: Ask, claims: Any, tenant: str) -> None:
    """An ID token of the tenant of all personal accounts, in that service's order; an access token nobody can read."""
    body = refresh(tenant, client_info="1").json()
    said = claims(body["id_token"])
    assert " ".join(said) == "ver iss sub aud exp iat nbf name preferred_username oid email tid aio"
    assert (said["tid"], said["oid"][:19], said["exp"] - said["iat"]) == (PERSONAL, "00000000-0000-0000-", 86_700)
    assert said["iss"].endswith(f"/{PERSONAL}/v2.0")
    info = body["client_info"]
    known = json.loads(base64.urlsafe_b64decode(info + "=" * (-len(info) % 4)))
    assert known == {"uid": said["oid"], "utid": PERSONAL}
    assert body["access_token"].startswith("EwB")
    assert "." not in body["access_token"]
    assert body["refresh_token"].startswith("M.C")
    assert (body["expires_in"], body["ext_expires_in"]) == (3600, 3600)


def test_graph_recognizes_the_tokens_user(entra: Emulator, http: httpx.Client, refresh: Ask) -> None:
    """The token nobody can read is good at Graph, until it ends."""
    headers = {"Authorization": f"Bearer {refresh().json()['access_token']}"}
    url = f"{entra.api('graph')}/me"
    assert http.get(url, headers=headers).json()["userPrincipalName"] == ROBIN
    entra.clock.advance(3601)
    assert http.get(url, headers=headers).status_code == 401


def test_ones_own_api_gets_a_readable_token(entra: Emulator, refresh: Ask, claims: Any) -> None:
    """A registered API that takes personal accounts gets a v2.0 token of their tenant."""
    entra.state.apps[ORDERS].audience = "all"
    entra.find_tenant("consumers").grants.append(Grant(app=READER, resource=ORDERS, scopes=["Orders.Read"]))
    said = claims(refresh(scope="api://northwind-orders/Orders.Read").json()["access_token"])
    assert (said["aud"], said["ver"], said["tid"], said["scp"]) == (ORDERS, "2.0", PERSONAL, "Orders.Read")


@pytest.mark.parametrize(
    ("scope", "name"),
    [("https://management.azure.com/.default", "Azure"), ("api://northwind-orders/Orders.Read", "Orders")],
)
def test_apis_for_organizations_only_are_refused(refresh: Ask, scope: str, name: str) -> None:
    """9002332 names the API that personal accounts cannot use."""
    body = refresh(scope=scope).json()
    assert (body["error"], body["error_codes"]) == ("invalid_request", [9002332])
    assert name in body["error_description"]


def test_an_application_for_organizations_only(entra: Emulator, refresh: Ask) -> None:
    """9002332 at /consumers and, once it is clear whose account it is, at /common; 50020 at /organizations."""
    entra.state.apps[READER].audience = "multiple"
    assert refresh().json()["error_codes"] == [9002332]
    assert refresh("common").json()["error_codes"] == [9002332]
    body = refresh("organizations").json()
    assert body["error_codes"] == [50020]
    assert "'live.com'" in body["error_description"]


def test_an_application_for_personal_accounts_only(entra: Emulator, refresh: Ask) -> None:
    """9002346 everywhere but at /consumers."""
    entra.state.apps[READER].audience = "personal"
    assert refresh().status_code == 200
    for tenant in ("common", "organizations", "northwind-partner.example"):
        assert refresh(tenant).json()["error_codes"] == [9002346]


def test_another_tenant_accepts_its_guests_only(entra: Emulator, refresh: Ask, claims: Any) -> None:
    """50020 with live.com as identity provider; an invited guest gets in, and the token says who vouches for them."""
    home = entra.state.default_tenant
    body = refresh(home.id).json()
    assert body["error_codes"] == [50020]
    assert "'live.com'" in body["error_description"]
    home.users.append(User(ROBIN, "Robin", mail=ROBIN, home=PERSONAL))
    home.grants.append(Grant(app=READER, resource=GRAPH_ID, scopes=["User.Read"]))
    said = claims(refresh(home.id).json()["access_token"])
    assert (said["idp"], said["unique_name"]) == ("live.com", f"live.com#{ROBIN}")
    assert "upn" not in said


def test_work_accounts_are_not_for_consumers(refresh: Ask) -> None:
    """A work account's refresh token is of no use at /consumers."""
    assert refresh(user=OTTO).json()["error_codes"] == [50020]


@pytest.mark.parametrize("tenant", ["consumers", PERSONAL])
def test_applications_get_no_app_only_tokens_there(app_token: Ask, entra: Emulator, tenant: str) -> None:
    """Client credentials are refused, 9001023, before anything else is looked at."""
    entra.state.default_app.audience = "all"
    body = app_token(tenant=tenant, client_secret="wrong").json()
    assert (body["error"], body["error_codes"]) == ("invalid_request", [9001023])


@pytest.mark.parametrize("tenant", ["common", "consumers"])
def test_no_password_grant(ask: Ask, tenant: str) -> None:
    """9001023 at /common and /consumers, whoever it is."""
    form = {"username": ROBIN, "password": "emulator", "client_id": READER, "client_secret": None, "scope": READ}
    assert ask(tenant, grant_type="password", **form).json()["error_codes"] == [9001023]


def test_errors_have_their_own_form(entra: Emulator, refresh: Ask) -> None:
    """Missing consent and revoked sign-ins are 70000; a confidential client without its secret is told 70002."""
    body = refresh(scope="https://graph.microsoft.com/Mail.Read").json()
    assert (body["error"], body["error_codes"], "suberror" in body) == ("invalid_grant", [70000], False)
    token = entra.sign_in(ROBIN, READER)
    entra.revoke(ROBIN)
    body = refresh(token=token).json()
    assert (body["error"], body["error_codes"], body["suberror"]) == ("invalid_grant", [70000], "bad_token")
    entra.state.apps[READER].public = False
    assert refresh().json()["error_codes"] == [70002]


def test_configuration_names_the_tenant(entra: Emulator, http: httpx.Client) -> None:
    """At /consumers the endpoints are /consumers', and the issuer is the tenant of all personal accounts."""
    body = http.get(f"{entra.authority}/consumers/v2.0/.well-known/openid-configuration").json()
    assert body["issuer"] == f"{entra.authority}/{PERSONAL}/v2.0"
    assert body["token_endpoint"] == f"{entra.authority}/consumers/oauth2/v2.0/token"
    keys = http.get(body["jwks_uri"]).json()["keys"]
    assert {key["issuer"] for key in keys} == {body["issuer"]}


def test_their_id_tokens_have_their_own_signing_key(entra: Emulator, http: httpx.Client, refresh: Any) -> None:
    """The key is among the consumers' ones and among those of `common`, and never signs for organizations."""
    token = refresh(scope="openid profile").json()["id_token"]
    for name in ("consumers", "common"):
        keys = http.get(f"{entra.authority}/{name}/discovery/v2.0/keys").json()["keys"]
        consumers = [key for key in keys if PERSONAL in key["issuer"]]
        assert verified(token, {"keys": consumers})["tid"] == PERSONAL
        with pytest.raises((ValueError, JoseError)):
            verified(token, {"keys": [key for key in keys if key not in consumers]})


def test_personal_accounts_exist_in_the_public_cloud_only(proxied: httpx.Client) -> None:
    """A national cloud has no personal accounts."""
    url = "https://login.microsoftonline.us/consumers/v2.0/.well-known/openid-configuration"
    assert proxied.get(url).json()["error_codes"] == [90002]


def test_their_realm_is_live(entra: Emulator, http: httpx.Client) -> None:
    """User realm discovery calls them federated with live.com, which makes MSAL refuse a password."""
    body = http.get(f"{entra.authority}/common/userrealm/{ROBIN}?api-version=1.0").json()
    assert (body["account_type"], body["domain_name"]) == ("Federated", "live.com")


def test_a_configuration_need_not_name_them() -> None:
    """The tenant is there without being configured, is nobody's default, and accounts in it get ids of its form."""
    tenant = {"id": "11111111-2222-4333-8444-555555555551", "name": "One"}
    with Emulator({"tenants": [tenant]}) as entra:
        assert list(entra.state.tenants) == [tenant["id"]]
        user = entra.add_user("ann@outlook.com", "consumers")
        assert user.id.startswith("00000000-0000-0000-")
        assert entra.find_user("ann@outlook.com")[0].id == PERSONAL
        assert entra.state.default_tenant.id == tenant["id"]
    listed = {"id": PERSONAL, "name": "Ours", "users": [{"upn": "bo@example.com", "name": "Bo"}]}
    with Emulator({"tenants": [listed, tenant]}) as entra:
        assert entra.find_user("bo@example.com")[1].id.startswith("00000000-0000-0000-")
        assert entra.state.default_tenant.id == tenant["id"]


def test_an_application_may_be_for_personal_accounts_alone(entra: Emulator) -> None:
    """An app registration says which accounts it takes."""
    app: App = entra.add_app("Photos", audience="personal", public=True)
    assert app.personal
    assert not entra.add_app("Payroll", audience="multiple").personal
