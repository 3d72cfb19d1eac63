"""Azure Container Registry: challenge, exchange and tokens, by name and on localhost."""

import base64
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from entra_emulator import Emulator
from entra_emulator.tokens.jwts import unverified_claims, unverified_header

AppToken = Callable[..., httpx.Response]
HOST = "northwind.azurecr.io"
SCOPE = "https://containerregistry.azure.net/.default"
USERNAME = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def token(app_token: AppToken) -> str:
    return str(app_token(SCOPE).json()["access_token"])


def exchange(client: httpx.Client, token: str, **form: str) -> httpx.Response:
    fields = {"grant_type": "access_token", "service": HOST, "access_token": token, **form}
    return client.post(f"https://{HOST}/oauth2/exchange", data=fields)


def claims(text: str) -> dict[str, Any]:
    found = unverified_claims(text)
    assert found is not None
    return found


def test_the_challenge_names_realm_and_service(entra: Emulator, http: httpx.Client, proxied: httpx.Client) -> None:
    """As in azure.github.io/acr/AAD-OAuth; on localhost the realm is there too."""
    by_name, local = proxied.get(f"https://{HOST}/v2/"), http.get(f"{entra.api('acr')}/northwind/v2/")
    assert (by_name.status_code, local.status_code) == (401, 401)
    realms = f"https://{HOST}", f"{entra.authority}/acr/northwind"
    for answer, realm in zip((by_name, local), realms, strict=True):
        assert answer.headers["www-authenticate"] == f'Bearer realm="{realm}/oauth2/token",service="{HOST}"'
        assert answer.json()["errors"][0]["code"] == "UNAUTHORIZED"


def test_tokens_have_the_documented_claims(entra: Emulator, proxied: httpx.Client, token: str) -> None:
    """The refresh token of the registry, and an access token with the rights of each scope that was requested."""
    refresh = exchange(proxied, token, tenant=entra.state.default_tenant.id).json()["refresh_token"]
    found = claims(refresh)
    assert (found["iss"], found["aud"], found["grant_type"]) == ("Azure Container Registry", HOST, "refresh_token")
    assert found["tenant"] == entra.state.default_tenant.id
    scopes = ["repository:team/demo:pull,push", "registry:catalog:*"]
    fields = {"grant_type": "refresh_token", "service": HOST, "scope": scopes, "refresh_token": refresh}
    answer = proxied.post(f"https://{HOST}/oauth2/token", data=fields).json()["access_token"]
    assert claims(answer)["access"] == [
        {"type": "repository", "name": "team/demo", "actions": ["pull", "push"]},
        {"type": "registry", "name": "catalog", "actions": ["*"]},
    ]
    assert "x5c" in (unverified_header(answer) or {})


def test_three_ways_to_present_the_refresh_token(proxied: httpx.Client, token: str) -> None:
    """In the form, as a password in the form, and as the password of Basic, which docker sends."""
    refresh, url = exchange(proxied, token).json()["refresh_token"], f"https://{HOST}/oauth2/token"
    query = {"service": HOST, "scope": "repository:demo:pull"}
    password = {"grant_type": "password", "username": USERNAME, "password": refresh}
    answers = [
        proxied.get(url, params=query, auth=(USERNAME, refresh)),
        proxied.post(url, data={**query, **password}),
        proxied.post(url, data={**query, "grant_type": "refresh_token", "refresh_token": refresh}),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert proxied.get(url, params=query, auth=("someone", refresh)).status_code == 401
    garbage = {"Authorization": f"Basic {base64.b64encode(bytes([255])).decode()}"}
    assert proxied.get(url, params=query, headers=garbage).status_code == 401
    assert proxied.get(url, params=query).status_code == 401


def test_refused_exchanges(proxied: httpx.Client, token: str, app_token: AppToken, entra: Emulator) -> None:
    """Another audience, a forged or an expired token, another tenant: 401; another grant or service: 400."""
    other = app_token("https://management.azure.com/.default").json()["access_token"]
    refresh = exchange(proxied, token).json()["refresh_token"]
    for bad in (other, f"{token}x", "", "garbage", refresh):
        assert exchange(proxied, bad).status_code == 401
    customer = entra.state.default_customer
    assert customer is not None
    assert exchange(proxied, token, tenant=customer.id).status_code == 401
    assert exchange(proxied, token, grant_type="refresh_token").status_code == 400
    assert exchange(proxied, token, service="contoso.azurecr.io").status_code == 400
    entra.clock.advance(7200)
    assert exchange(proxied, token).status_code == 401


def test_refused_refresh_tokens(proxied: httpx.Client, token: str, entra: Emulator) -> None:
    """One of another registry, an access token of Entra, one that has ended; a scope that is none."""
    refresh = exchange(proxied, token).json()["refresh_token"]

    def status(value: str, host: str = HOST, scope: str = "repository:demo:pull") -> int:
        fields = {"grant_type": "refresh_token", "service": host, "scope": scope, "refresh_token": value}
        return proxied.post(f"https://{host}/oauth2/token", data=fields).status_code

    assert status(refresh) == 200
    assert status(refresh, "contoso.azurecr.io") == 401
    assert status(token) == 401
    assert status(refresh, scope="repository") == 400
    entra.clock.advance(3 * 3600)
    assert status(refresh) == 401


def test_names_that_no_registry_has(entra: Emulator, http: httpx.Client) -> None:
    """5 to 50 letters and digits."""
    assert http.get(f"{entra.api('acr')}/abc/v2/").status_code == 404
    assert http.get(f"{entra.api('acr')}/v2/").status_code == 404
