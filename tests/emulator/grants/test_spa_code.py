"""`return_spa_code=1`: a server redeems its code, and gets a second one for its page in the browser.

Source: learn.microsoft.com/entra/msal/dotnet/advanced/spa-authorization-code
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest

from entra_emulator import Emulator
from entra_emulator.model import App

OTTO = "otto@northwind-partner.example"
SERVER, PAGE = "https://app.example/signin-oidc", "https://app.example/spa"
SCOPE = "https://graph.microsoft.com/User.Read openid offline_access"
SECRET = "a-secret-of-this-test"
ORIGIN = {"Origin": "https://app.example"}

Ask = Callable[..., httpx.Response]


@pytest.fixture
def app(entra: Emulator) -> App:
    found = entra.add_app("Hybrid", redirect_uris=[SERVER], spa_redirect_uris=[PAGE], secret=SECRET)
    entra.grant(found, "graph", scopes=["User.Read"])
    return found


@pytest.fixture
def redeemed(entra: Emulator, http: httpx.Client, ask: Ask, app: App) -> Callable[..., dict[str, Any]]:
    """The server's redemption of a code."""

    def redeem(**form: str) -> dict[str, Any]:
        path = f"{entra.authority}/{entra.state.default_tenant.id}"
        usual = {
            "client_id": app.id,
            "response_type": "code",
            "redirect_uri": SERVER,
            "scope": SCOPE,
            "prompt": "login",
        }
        page = http.get(f"{path}/oauth2/v2.0/authorize?{urlencode(usual)}")
        token = re.search(r'name="flow" value="([^"]+)', page.text)
        assert token
        sent = {"flow": token[1], "choice": "sign-in", "username": OTTO, "password": "emulator"}
        location = http.post(f"{path}/login", data=sent).headers["location"]
        code = dict(parse_qsl(urlsplit(location).query))["code"]
        who = {"client_id": app.id, "client_secret": SECRET}
        body: dict[str, Any] = ask(
            grant_type="authorization_code", code=code, redirect_uri=SERVER, **who, **form
        ).json()
        return body

    return redeem


def page_redeems(ask: Ask, app: App, code: str, *, redirect_uri: str = PAGE, **form: Any) -> httpx.Response:
    who = {"client_id": app.id, "client_secret": None}
    usual = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "headers": ORIGIN}
    return ask(**who, **{**usual, **form})


def test_the_page_redeems_the_second_code(redeemed: Callable[..., dict[str, Any]], ask: Ask, app: App) -> None:
    """Without secret and verifier, from another origin, once; its refresh token is a single-page application's."""
    code = redeemed(return_spa_code="1")["spa_code"]
    answer = page_redeems(ask, app, code)
    assert answer.status_code == 200
    assert "https://graph.microsoft.com/User.Read" in answer.json()["scope"].split()
    assert page_redeems(ask, app, code).json()["error_codes"] == [54005]
    form = {"grant_type": "refresh_token", "refresh_token": answer.json()["refresh_token"], "scope": SCOPE}
    assert ask(client_id=app.id, client_secret=None, headers=ORIGIN, **form).status_code == 200


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"redirect_uri": SERVER}, 500112),
        ({"redirect_uri": "https://app.example/another"}, 500112),
        ({"headers": None}, 9002327),
        ({"code_verifier": "v" * 43}, 50148),
    ],
)
def test_the_second_code_is_for_the_page_only(
    redeemed: Callable[..., dict[str, Any]], ask: Ask, app: App, change: dict[str, Any], code: int
) -> None:
    """The server's redirect URI, a request that is not cross-origin, and a verifier do not fit."""
    spa_code = redeemed(return_spa_code="1")["spa_code"]
    assert page_redeems(ask, app, spa_code, **change).json()["error_codes"] == [code]


@pytest.mark.parametrize("form", [{}, {"return_spa_code": "0"}])
def test_a_second_code_is_issued_only_on_request(redeemed: Callable[..., dict[str, Any]], form: dict[str, str]) -> None:
    """The parameter has to be 1."""
    assert "spa_code" not in redeemed(**form)
