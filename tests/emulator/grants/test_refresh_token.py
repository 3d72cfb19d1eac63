"""The refresh token grant."""

import base64
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from entra_emulator import Emulator

Get = Callable[..., httpx.Response]
PUBLIC_APP = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"


def test_answer_has_the_members_of_the_recorded_one_in_its_order(user_token: Get) -> None:
    """Recorded from login.microsoftonline.com, with openid and client_info=1."""
    answer = user_token("https://graph.microsoft.com/.default openid profile offline_access", client_info="1")
    assert list(answer.json()) == [
        "token_type",
        "scope",
        "expires_in",
        "ext_expires_in",
        "access_token",
        "refresh_token",
        "id_token",
        "client_info",
    ]


def test_family_clients_answer_with_foci(entra: Emulator, user_token: Get) -> None:
    """A family client's answer carries foci between refresh_token and id_token, and its kin may use its token."""
    first, second = entra.state.default_app, entra.state.apps[PUBLIC_APP]
    first.family = second.family = True
    answer = user_token("https://graph.microsoft.com/.default openid").json()
    assert list(answer)[5:8] == ["refresh_token", "foci", "id_token"]
    again = user_token(client_id=second.id, client_secret=None, refresh_token=answer["refresh_token"])
    assert again.status_code == 200


def test_id_token_and_client_info_only_if_requested(user_token: Get) -> None:
    """Without openid there is no ID token, without client_info=1 no client_info; a refresh token is always there."""
    assert list(user_token().json())[4:] == ["access_token", "refresh_token"]


def test_client_info_names_user_and_home(entra: Emulator, user_token: Get) -> None:
    """client_info is base64url JSON of the user's object id and home tenant, in a customer's tenant too."""
    customer, user = entra.state.default_customer, entra.state.default_user
    assert customer
    assert user
    text = user_token(client_info="1", tenant=customer.id).json()["client_info"]
    decoded = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    assert decoded == {"uid": user.id, "utid": entra.state.default_tenant.id}


@pytest.mark.parametrize(
    ("scope", "echo"),
    [
        ("https://management.azure.com//.default", "https://management.azure.com//user_impersonation {}//.default"),
        ("https://management.azure.com/.default", "https://management.azure.com/user_impersonation {}/.default"),
        ("https://management.azure.com/user_impersonation", "https://management.azure.com/user_impersonation"),
    ],
)
def test_scope_echo_writes_the_resource_as_requested(user_token: Get, scope: str, echo: str) -> None:
    """The echo lists what the token allows, then .default if asked, each with the resource as the request wrote it."""
    asked = user_token(f"{scope} openid offline_access")
    assert asked.json()["scope"] == echo.format("https://management.azure.com")


def test_scopes_without_resource_are_graph(user_token: Get, claims: Any) -> None:
    """Unprefixed scopes mean Microsoft Graph: the echo stays unprefixed, the audience is Graph's application id."""
    answer = user_token("User.Read openid profile").json()
    assert answer["scope"].split() == [
        "Directory.Read.All",
        "openid",
        "Organization.Read.All",
        "profile",
        "User.Read",
        "User.Read.All",
    ]
    token = claims(answer["access_token"])
    assert token["aud"] == "00000003-0000-0000-c000-000000000000"
    assert token["scp"] == answer["scope"]


def test_one_refresh_token_serves_every_resource_and_tenant(entra: Emulator, user_token: Get, claims: Any) -> None:
    """The same token works again and again, for other resources and for a customer's tenant."""
    customer = entra.state.default_customer
    assert customer
    token = entra.sign_in(entra.state.settings.user)
    resources = [
        "https://graph.microsoft.com",
        "https://management.azure.com/",
        "https://api.partnercenter.microsoft.com",
    ]
    for resource in resources:
        answer = user_token(f"{resource}/.default", refresh_token=token)
        assert claims(answer.json()["access_token"])["aud"] == resource
    there = claims(user_token(refresh_token=token, tenant=customer.id).json()["access_token"])
    assert there["tid"] == customer.id
    assert there["idp"].endswith(f"/{entra.state.default_tenant.id}/")


def test_each_response_has_a_new_refresh_token_and_the_old_one_stays_valid(user_token: Get) -> None:
    """Entra does not revoke a refresh token when it is used."""
    first = user_token().json()["refresh_token"]
    second = user_token(refresh_token=first).json()["refresh_token"]
    assert first != second
    assert user_token(refresh_token=first).status_code == 200


def test_single_use_refresh_tokens_are_used_up(entra: Emulator, user_token: Get) -> None:
    """An application that is set so may use a refresh token until its successor has been used; then comes 70000."""
    entra.state.default_app.single_use_refresh_tokens = True
    first = user_token().json()["refresh_token"]
    lost = user_token(refresh_token=first).json()["refresh_token"]
    second = user_token(refresh_token=first).json()["refresh_token"]
    assert len({first, lost, second}) == 3
    assert user_token(refresh_token=second).status_code == 200
    assert user_token(refresh_token=first).json()["error_codes"] == [70000]


def test_refused_refresh_does_not_use_up_a_single_use_token(entra: Emulator, user_token: Get) -> None:
    """Only an answer with tokens uses a refresh token up."""
    entra.state.default_app.single_use_refresh_tokens = True
    token = entra.sign_in(entra.state.settings.user)
    assert user_token("https://nowhere.example/.default", refresh_token=token).status_code == 400
    assert user_token(refresh_token=token).status_code == 200


@pytest.mark.parametrize("tenant", ["common", "organizations"])
def test_common_means_the_users_home(entra: Emulator, user_token: Get, claims: Any, tenant: str) -> None:
    """common and organizations leave the tenant to the user's home."""
    token = claims(user_token(tenant=tenant).json()["access_token"])
    assert token["tid"] == entra.state.default_tenant.id


def test_public_client_needs_no_secret(user_token: Get, claims: Any) -> None:
    """A public client refreshes with its id alone and is marked so in the token."""
    answer = user_token(client_id=PUBLIC_APP, client_secret=None)
    assert claims(answer.json()["access_token"])["appidacr"] == "0"


def test_scope_may_be_left_out(user_token: Get) -> None:
    """Without scope the refresh asks for what the sign-in asked for."""
    first = user_token("https://management.azure.com/.default").json()
    assert user_token(None, refresh_token=first["refresh_token"]).json()["scope"] == first["scope"]


def test_lifetime_is_between_sixty_and_ninety_minutes(user_token: Get) -> None:
    """Entra picks a user's token lifetime at random between 60 and 90 minutes."""
    lifetimes = [user_token().json()["expires_in"] for _ in range(8)]
    assert all(3600 <= one < 5400 for one in lifetimes)
    assert len(set(lifetimes)) > 1


def test_multi_factor_sign_in_shows_in_amr(user_token: Get, claims: Any) -> None:
    """amr tells how the person signed in, and stays so over refreshes."""
    first = user_token(mfa=True).json()
    again = user_token(refresh_token=first["refresh_token"]).json()
    assert claims(first["access_token"])["amr"] == claims(again["access_token"])["amr"] == ["pwd", "mfa"]
    assert claims(user_token(mfa=False).json()["access_token"])["amr"] == ["pwd"]
