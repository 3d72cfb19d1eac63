"""An application that is its own API, and `resource` at the v2.0 endpoints: the topology of MCP servers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from entra_emulator import Emulator

Ask = Callable[..., httpx.Response]
NADIA = "nadia@northwind-partner.example"


@pytest.fixture
def own(entra: Emulator) -> str:
    """The default application's own scope, by an identifier URI with its id, as the portal proposes it."""
    app = entra.state.default_app
    app.identifier_uris = [f"api://{app.id}"]
    entra.grant(app, app, scopes=["access_as_user"])
    return f"api://{app.id}/access_as_user"


def test_an_application_gets_a_token_for_its_own_api(entra: Emulator, ask: Ask, own: str, claims: Any) -> None:
    """A refresh that names the own API by its URI succeeds, as the sign-in does."""
    token = entra.sign_in(NADIA, scopes=own)
    body = ask(grant_type="refresh_token", refresh_token=token, scope=f"{own} offline_access").json()
    assert claims(body["access_token"])["scp"] == "access_as_user"
    again = ask(grant_type="refresh_token", refresh_token=body["refresh_token"], scope=own)
    assert again.status_code == 200


def test_a_refresh_of_the_own_api_by_id_without_scope(entra: Emulator, ask: Ask, own: str) -> None:
    """Without scope the refresh is 90009, whatever name of itself the application signed in with."""
    for scope in (own, own.removeprefix("api://")):
        answer = ask(grant_type="refresh_token", refresh_token=entra.sign_in(NADIA, scopes=scope))
        assert answer.json()["error_codes"] == [90009]


def test_version_one_requires_the_applications_id(entra: Emulator, http: httpx.Client, own: str) -> None:
    """v1.0 takes the application's id as resource, and refuses its URI with 90009."""
    app = entra.state.default_app
    form = {"client_id": app.id, "client_secret": app.secrets[0].value, "grant_type": "refresh_token"}
    form["refresh_token"] = entra.sign_in(NADIA, scopes=own)
    url = f"{entra.authority}/{app.tenant}/oauth2/token"
    assert http.post(url, data={**form, "resource": app.id}).status_code == 200
    assert http.post(url, data={**form, "resource": f"api://{app.id}"}).json()["error_codes"] == [90009]


def test_another_api_needs_no_scope(entra: Emulator, ask: Ask, claims: Any) -> None:
    """A refresh without scope of a sign-in for another API gives a token for that API."""
    token = entra.sign_in(NADIA, scopes="https://management.azure.com/.default")
    body = ask(grant_type="refresh_token", refresh_token=token).json()
    assert claims(body["access_token"])["aud"] == "https://management.azure.com"


@pytest.mark.parametrize("scope", ["https://graph.microsoft.com/.default", "https://graph.microsoft.com/User.Read"])
def test_resource_that_fits_the_scopes(entra: Emulator, ask: Ask, scope: str) -> None:
    """`resource` is accepted where it is what stands before the permission in every scope."""
    form = {"grant_type": "refresh_token", "refresh_token": entra.sign_in(NADIA), "scope": f"{scope} openid"}
    assert ask(**form, resource="https://graph.microsoft.com").status_code == 200
    assert ask(**form, resource="https://Graph.microsoft.com").json()["error_codes"] == [9010010]


@pytest.mark.parametrize(
    ("resource", "code"), [("{own}", 50058), ("{own}/", 9010010), ("https://mcp.example/", 9010010)]
)
def test_resource_at_the_authorization_endpoint(
    entra: Emulator, http: httpx.Client, own: str, resource: str, code: int
) -> None:
    """The application gets 9010010 at its redirect URI; a resource that fits leads to the sign-in."""
    app = entra.state.default_app
    query = {"client_id": app.id, "response_type": "code", "redirect_uri": "http://localhost", "scope": own}
    query |= {"resource": resource.format(own=own.rpartition("/")[0]), "prompt": "none"}
    answer = http.get(f"{entra.authority}/{app.tenant}/oauth2/v2.0/authorize", params=query)
    shown = parse_qs(urlsplit(answer.headers["location"]).query)
    assert f"AADSTS{code}:" in shown["error_description"][0]
    assert shown["error"] == ["invalid_target" if code == 9010010 else "login_required"]
