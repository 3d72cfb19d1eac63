"""The claims of tokens, held against decoded real ones."""

import base64
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from entra_emulator import Emulator
from entra_emulator.model import User

Get = Callable[..., httpx.Response]


def header(token: str) -> dict[str, Any]:
    """The header of a JWT."""
    part = token.partition(".")[0]
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return decoded


def test_v2_app_only_has_the_captured_claims_and_no_more(entra: Emulator, app_token: Get, claims: Any) -> None:
    """A v2.0 token of an application without roles: the fifteen claims captured from the real service."""
    entra.state.default_tenant.grants.clear()
    token = claims(app_token("api://northwind-orders/.default").json()["access_token"])
    captured = "aio aud azp azpacr exp iat iss nbf oid rh sub tid uti ver xms_ftd"
    assert sorted(token) == captured.split()
    assert token["iss"] == f"{entra.authority}/{token['tid']}/v2.0"
    assert (token["azp"], token["azpacr"]) == (entra.state.default_app.id, "1")


def test_v2_user_token_has_the_recorded_claims_in_order(entra: Emulator, user_token: Get, claims: Any) -> None:
    """The claims of a decoded v2.0 user token come in the recorded order."""
    token = claims(user_token("api://northwind-orders/Orders.Read").json()["access_token"])
    recorded = "aud iss iat nbf exp aio azp azpacr name oid preferred_username rh scp sub tid uti ver"
    assert [name for name in token if name in recorded.split()] == recorded.split()
    assert set(token) - set(recorded.split()) == {"xms_ftd"}
    assert len(token["sub"]) == 43
    assert len(token["uti"]) == 22


def test_v1_app_only_token_of_graph(entra: Emulator, app_token: Get, claims: Any) -> None:
    """A v1.0 application token says idtyp app, names itself oid and sub alike, and comes from the STS."""
    token = claims(app_token().json()["access_token"])
    assert list(token)[:5] == ["aud", "iss", "iat", "nbf", "exp"]
    assert token["iss"] == token["idp"] == f"https://sts.windows.net/{entra.state.default_tenant.id}/"
    assert token["oid"] == token["sub"]
    assert (token["idtyp"], token["ver"], token["appidacr"]) == ("app", "1.0", "1")
    assert token["roles"] == ["Directory.Read.All", "Organization.Read.All", "User.Read.All"]
    assert "scp" not in token


def test_v1_user_token_of_graph_has_the_listed_claims(user_token: Get, claims: Any) -> None:
    """Of the claims listed for a real Graph user token, only those that need more of a machine are missing."""
    token = claims(user_token().json()["access_token"])
    listed = (
        "acct acr acrs aio amr app_displayname appid appidacr family_name given_name idtyp ipaddr name oid puid rh scp "
        "sub tid unique_name upn uti ver wids"
    )
    assert [name for name in token if name in listed.split()] == listed.split()
    assert (token["acct"], token["acr"], token["idtyp"]) == (0, "1", "user")


@pytest.mark.parametrize(
    ("scope", "thumbprint"), [("https://graph.microsoft.com", True), ("api://northwind-orders", False)]
)
def test_header_names_the_key_as_the_version_does(app_token: Get, scope: str, *, thumbprint: bool) -> None:
    """v1.0 tokens carry x5t beside kid, v2.0 tokens do not."""
    found = header(app_token(f"{scope}/.default").json()["access_token"])
    assert (found["typ"], found["alg"], len(found["kid"])) == ("JWT", "RS256", 27)
    assert ("x5t" in found) is thumbprint


def test_times_are_five_minutes_back(entra: Emulator, app_token: Get, claims: Any) -> None:
    """A token is dated 300 s back and ends when expires_in says."""
    answer = app_token().json()
    token = claims(answer["access_token"])
    assert token["iat"] == token["nbf"]
    assert token["exp"] - token["iat"] == answer["expires_in"] + 301


def test_id_token_has_the_recorded_claims_in_order(entra: Emulator, user_token: Get, claims: Any) -> None:
    """The ID token of a member: recorded claims, recorded order, 3900 s, for the application itself."""
    token = claims(user_token("https://graph.microsoft.com/.default openid profile").json()["id_token"])
    recorded = "aud iss iat nbf exp aio name oid preferred_username rh sub tid uti ver"
    assert list(token) == recorded.split()
    assert token["aud"] == entra.state.default_app.id
    assert token["exp"] - token["iat"] == 3900


def test_the_id_token_has_the_requested_claims_only(user_token: Get, claims: Any) -> None:
    """Without profile the ID token keeps name and object id to itself; email needs the email scope."""
    bare = claims(user_token("https://graph.microsoft.com/.default openid").json()["id_token"])
    assert not {"name", "oid", "preferred_username", "email"} & set(bare)
    asked = claims(user_token("https://graph.microsoft.com/.default openid email").json()["id_token"])
    assert asked["email"] == "nadia@northwind-partner.example"


def test_a_guests_token_names_the_home_tenant(entra: Emulator, user_token: Get, claims: Any) -> None:
    """A guest's tokens carry idp and the guest's own object id, the ID token in the recorded place after aio."""
    customer, home = entra.state.default_customer, entra.state.default_tenant
    assert customer
    otto = "otto@northwind-partner.example"
    customer.users.append(User(otto, "Otto Falk", id="77777777-2222-4333-8444-555555555555", home=home.id))
    scope = "https://graph.microsoft.com/.default openid profile"
    answer = user_token(scope, otto, tenant=customer.id).json()
    access, identity = claims(answer["access_token"]), claims(answer["id_token"])
    assert access["idp"] == identity["idp"] == f"https://sts.windows.net/{home.id}/"
    assert access["oid"] == identity["oid"] == "77777777-2222-4333-8444-555555555555"
    assert list(identity)[5:7] == ["aio", "idp"]
    assert access["acct"] == 1
    assert "upn" not in access


def test_sub_is_pairwise_and_stable(user_token: Get, claims: Any) -> None:
    """One user has another sub for another resource, and the same again for the same."""
    graph, again, arm = (
        claims(user_token(f"{resource}/.default").json()["access_token"])["sub"]
        for resource in ("https://graph.microsoft.com", "https://graph.microsoft.com", "https://management.azure.com/")
    )
    assert graph == again
    assert graph != arm


def test_delegated_administration_adds_its_roles(entra: Emulator, user_token: Get, claims: Any) -> None:
    """In a customer's tenant a partner's user has the relationship's roles, not those of home."""
    customer = entra.state.default_customer
    assert customer
    global_admin, reader = "62e90394-69f5-4237-9190-012177145e10", "f2ef992c-3afb-46b9-b7cf-a126ee74c451"
    here = claims(user_token().json()["access_token"])["wids"]
    there = claims(user_token(tenant=customer.id).json()["access_token"])["wids"]
    assert global_admin in here
    assert global_admin not in there
    assert reader in there


def test_china_has_its_own_issuer(entra: Emulator, proxied: httpx.Client, claims: Any) -> None:
    """A v1.0 token from 21Vianet's sign-in host comes from its STS, for its own Resource Manager."""
    app = entra.state.default_app
    answer = proxied.post(
        f"https://login.partner.microsoftonline.cn/{entra.state.default_tenant.id}/oauth2/v2.0/token",
        data={
            "grant_type": "client_credentials",
            "client_id": app.id,
            "client_secret": app.secrets[0].value,
            "scope": "https://management.chinacloudapi.cn/.default",
        },
    )
    assert claims(answer.json()["access_token"])["iss"].startswith("https://sts.chinacloudapi.cn/")


def test_a_resource_of_another_cloud_is_unknown(entra: Emulator, proxied: httpx.Client) -> None:
    """Under a national cloud's own name the public Graph is an unknown resource (500011)."""
    app = entra.state.default_app
    answer = proxied.post(
        f"https://login.microsoftonline.us/{entra.state.default_tenant.id}/oauth2/v2.0/token",
        data={
            "grant_type": "client_credentials",
            "client_id": app.id,
            "client_secret": app.secrets[0].value,
            "scope": "https://graph.microsoft.com/.default",
        },
    )
    assert answer.json()["error_codes"] == [500011]
