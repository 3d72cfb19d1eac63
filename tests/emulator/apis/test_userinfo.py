"""The UserInfo endpoint: who signed in, for a token that may ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from entra_emulator import Emulator

NADIA = "nadia@northwind-partner.example"


def ask_who(entra: Emulator, http: httpx.Client, token: str, method: str = "GET") -> httpx.Response:
    url = entra.api("graph").replace("/v1.0", "/oidc/userinfo")
    return http.request(method, url, headers={"Authorization": f"Bearer {token}"} if token else {})


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_userinfo_returns_the_users_claims(
    entra: Emulator, http: httpx.Client, user_token: Callable[..., httpx.Response], claims: Any, method: str
) -> None:
    """Name and mail, and the `sub` that the application's ID token has."""
    answer = user_token("https://graph.microsoft.com/.default openid profile email").json()
    said = ask_who(entra, http, answer["access_token"], method).json()
    assert (said["name"], said["email"]) == ("Nadia Brandt", NADIA)
    assert said["sub"] == claims(answer["id_token"])["sub"]


def test_the_endpoint_of_version_one(
    entra: Emulator, http: httpx.Client, user_token: Callable[..., httpx.Response]
) -> None:
    """Each configuration names its endpoint on this machine; v1.0's takes tokens for Azure AD Graph."""
    entra.grant(entra.state.default_app, "00000002-0000-0000-c000-000000000000", scopes=["User.Read"])
    tokens = {
        "/.well-known/openid-configuration": "00000002-0000-0000-c000-000000000000/.default",
        "/v2.0/.well-known/openid-configuration": "openid email profile User.Read",
    }
    for path, scope in tokens.items():
        url = http.get(f"{entra.authority}/{entra.state.default_tenant.id}{path}").json()["userinfo_endpoint"]
        assert url.startswith(entra.authority)
        token = user_token(scope).json()["access_token"]
        assert http.get(url, headers={"Authorization": f"Bearer {token}"}).json()["email"] == NADIA


def test_userinfo_requires_a_user_and_openid(
    entra: Emulator,
    http: httpx.Client,
    user_token: Callable[..., httpx.Response],
    app_token: Callable[..., httpx.Response],
) -> None:
    """A token without the scope, and one of an application, are forbidden; none and a wrong one not known."""
    assert ask_who(entra, http, user_token().json()["access_token"]).status_code == 403
    assert ask_who(entra, http, app_token().json()["access_token"]).status_code == 403
    missing = ask_who(entra, http, "")
    assert missing.status_code == 401
    assert missing.headers["www-authenticate"].startswith("Bearer ")
    assert ask_who(entra, http, "nonsense").status_code == 401
