"""Implicit and hybrid answers of the authorization endpoint: what has to be enabled, and what then comes back how."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from entra_emulator import Emulator

APP = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"
OTTO = "otto@northwind-partner.example"
BACK = "http://localhost:5000"
SCOPE = "https://graph.microsoft.com/User.Read openid profile offline_access"

Authorize = Callable[..., httpx.Response]
Walk = Callable[..., dict[str, str]]


@pytest.fixture
def authorize(entra: Emulator, http: httpx.Client) -> Authorize:
    """GET of the endpoint for an application that may have tokens from there; None leaves a parameter out."""
    app = entra.state.apps[APP]
    app.id_tokens = app.access_tokens = True

    def get(path: str = "/organizations/oauth2/v2.0/authorize", **given: str | None) -> httpx.Response:
        usual = {"client_id": APP, "redirect_uri": BACK, "scope": SCOPE, "state": "the-state", "nonce": "the-nonce"}
        query = {name: value for name, value in {**usual, **given}.items() if value is not None}
        return http.get(f"{entra.authority}{path}", params=query)

    return get


@pytest.fixture
def walk(entra: Emulator, http: httpx.Client, authorize: Authorize) -> Walk:
    """Otto's whole way; the text of the URL's query or fragment, or the fields of the form."""

    def go(**given: str | None) -> dict[str, str]:
        page = authorize(**given)
        if page.status_code == 200:
            page = http.post(f"{entra.authority}{_of(page, 'action')}", data=_signed_in(page))
        if page.status_code == 302:
            return came(page)
        return dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page.text))

    return go


def _of(page: httpx.Response, attribute: str) -> str:
    found = re.search(rf'<form method="post" {attribute}="([^"]+)', page.text)
    assert found, page.text
    return found[1]


def _signed_in(page: httpx.Response) -> dict[str, str]:
    token = re.search(r'name="flow" value="([^"]+)', page.text)
    assert token, page.text
    return {"flow": token[1], "choice": "sign-in", "username": OTTO, "password": "emulator"}


def came(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 302, answer.text
    parts = urlsplit(answer.headers["location"])
    assert not (parts.query and parts.fragment)
    return dict(parse_qsl(parts.query)) or {"#": "", **dict(parse_qsl(parts.fragment))}


def half(value: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(value.encode()).digest()[:16]).rstrip(b"=").decode()


def test_an_id_token(walk: Walk, claims: Any) -> None:
    """`id_token` comes in the fragment, for the application, with the nonce; there is no code and no access token."""
    back = walk(response_type="id_token", scope="openid profile")
    assert list(back) == ["#", "id_token", "state", "session_state"]
    said = claims(back["id_token"])
    assert (said["aud"], said["nonce"], said["preferred_username"]) == (APP, "the-nonce", OTTO)
    assert not {"c_hash", "at_hash"} & set(said)


@pytest.mark.parametrize("mode", ["fragment", "form_post"])
def test_code_and_id_token(walk: Walk, ask: Callable[..., httpx.Response], claims: Any, mode: str) -> None:
    """The hybrid flow: the ID token vouches for the code by c_hash, and the code is good as always."""
    back = walk(response_type="code id_token", response_mode=mode)
    assert [name for name in back if name != "#"] == ["code", "id_token", "state", "session_state"]
    assert ("#" in back) == (mode == "fragment")
    said = claims(back["id_token"])
    assert said["c_hash"] == half(back["code"])
    form = {"grant_type": "authorization_code", "code": back["code"], "redirect_uri": BACK}
    redeemed = ask("organizations", client_id=APP, client_secret=None, **form).json()
    again = claims(redeemed["id_token"])
    assert (again["sub"], again["nonce"], "c_hash" in again) == (said["sub"], "the-nonce", False)


def test_id_token_and_access_token(entra: Emulator, http: httpx.Client, walk: Walk, claims: Any) -> None:
    """The implicit flow: the access token works, and the ID token vouches for it by at_hash."""
    back = walk(response_type="id_token token")
    names = ["#", "access_token", "token_type", "expires_in", "scope", "id_token", "state", "session_state"]
    assert list(back) == names
    assert claims(back["id_token"])["at_hash"] == half(back["access_token"])
    assert (claims(back["access_token"])["appidacr"], back["token_type"]) == ("0", "Bearer")
    headers = {"Authorization": f"Bearer {back['access_token']}"}
    assert http.get(f"{entra.api('graph')}/me", headers=headers).json()["userPrincipalName"] == OTTO


def test_an_access_token_alone(walk: Walk) -> None:
    """`token` needs neither openid nor a nonce."""
    back = walk(response_type="token", scope="https://graph.microsoft.com/User.Read", nonce=None)
    assert list(back) == ["#", "access_token", "token_type", "expires_in", "scope", "state", "session_state"]


def test_silently(walk: Walk, authorize: Authorize) -> None:
    """prompt=none, as old single-page applications renew in a hidden frame: tokens, or an error in the fragment."""
    assert came(authorize(response_type="id_token", prompt="none"))["error"] == "login_required"
    walk(response_type="id_token")
    assert came(authorize(response_type="token", prompt="none"))["access_token"]
    assert "#" in came(authorize(response_type="token", prompt="none", scope="https://graph.microsoft.com/Mail.Read"))


def test_version_one(walk: Walk, claims: Any) -> None:
    """The v1.0 endpoint's hybrid answer has a v1.0 ID token."""
    back = walk(
        path="/organizations/oauth2/authorize",
        response_type="code id_token",
        response_mode="form_post",
        scope=None,
        resource="https://graph.microsoft.com",
    )
    said = claims(back["id_token"])
    assert (said["ver"], said["upn"], said["c_hash"]) == ("1.0", OTTO, half(back["code"]))


@pytest.mark.parametrize(
    ("given", "code", "error"),
    [
        ({"response_type": "id_token", "nonce": None}, 90014, "invalid_request"),
        ({"response_type": "code id_token", "nonce": None}, 90014, "invalid_request"),
        ({"response_type": "id_token", "scope": "User.Read"}, 70005, "unsupported_response_type"),
        ({"response_type": "pigeon"}, 70005, "unsupported_response_type"),
        ({"response_type": "id_token", "response_mode": "query"}, 70007, "unsupported_response_mode"),
        ({"response_type": "code token", "response_mode": "query"}, 70007, "unsupported_response_mode"),
    ],
)
def test_invalid_combinations_are_refused(
    authorize: Authorize, given: dict[str, str | None], code: int, error: str
) -> None:
    """The application is told at its redirect URI, in the fragment where tokens were asked for."""
    back = came(authorize(**given))
    assert (back["error"], back["state"]) == (error, "the-state")
    assert f"AADSTS{code}" in back["error_description"]
    assert ("#" in back) == (given["response_type"] != "pigeon")


@pytest.mark.parametrize(
    ("kind", "switched_off", "code"),
    [("token", "access_tokens", 700051), ("id_token", "id_tokens", 700054), ("code id_token", "id_tokens", 700054)],
)
def test_each_kind_has_to_be_enabled(
    entra: Emulator, authorize: Authorize, kind: str, switched_off: str, code: int
) -> None:
    """enableAccessTokenIssuance and enableIdTokenIssuance of the registration, apart."""
    setattr(entra.state.apps[APP], switched_off, False)
    assert f"AADSTS{code}" in came(authorize(response_type=kind))["error_description"]
