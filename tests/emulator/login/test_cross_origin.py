"""Single-page applications: what a page may redeem, how often, and for how long."""

from collections.abc import Callable

import httpx
import pytest

from entra_emulator import Emulator
from entra_emulator.model import App, Grant
from entra_emulator.resources import GRAPH

PAGE = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b09"
NADIA = "nadia@northwind-partner.example"
ORIGIN = {"Origin": "http://localhost:3000"}
Ask = Callable[..., httpx.Response]


@pytest.fixture
def refresh(entra: Emulator, ask: Ask) -> Ask:
    """A refresh by an application that is a page, without a secret."""
    home = entra.state.default_tenant
    entra.state.apps[PAGE] = App(PAGE, "Page", home.id, spa_redirect_uris=["http://localhost:3000"])
    home.grants.append(Grant(PAGE, GRAPH, ["User.Read"]))

    def post(token: str, headers: dict[str, str] | None = ORIGIN) -> httpx.Response:
        scope = "https://graph.microsoft.com/User.Read"
        form = {"grant_type": "refresh_token", "refresh_token": token, "scope": scope}
        return ask(client_id=PAGE, client_secret=None, headers=headers, **form)

    return post


def test_a_spa_code_is_redeemed_cross_origin_only(entra: Emulator, refresh: Ask) -> None:
    """Without an Origin 9002327; with one the answer may be read by any origin."""
    token = entra.sign_in(NADIA, PAGE, spa=True)
    assert refresh(token, headers=None).json()["error_codes"] == [9002327]
    answer = refresh(token)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"


def test_a_cross_origin_request_redeems_spa_codes_only(entra: Emulator, ask: Ask) -> None:
    """What was given to another kind of redirect URI is refused with 9002326, even with the secret."""
    form = {"grant_type": "refresh_token", "refresh_token": entra.sign_in(NADIA), "scope": "openid"}
    answer = ask(headers=ORIGIN, **form)
    assert answer.json()["error_codes"] == [9002326]
    assert answer.headers["access-control-allow-origin"] == "*"


def test_a_spa_refresh_token_is_used_once(entra: Emulator, refresh: Ask) -> None:
    """Each answer brings the next one, and what it came of is used up."""
    token = entra.sign_in(NADIA, PAGE, spa=True)
    following = refresh(token).json()["refresh_token"]
    assert refresh(token).json()["error_codes"] == [70000]
    assert refresh(following).status_code == 200


def test_renewing_does_not_extend_its_24_hours(entra: Emulator, refresh: Ask) -> None:
    """A day after the sign-in 700084, for the newest one too."""
    token = entra.sign_in(NADIA, PAGE, spa=True)
    entra.clock.advance(80_000)
    following = refresh(token).json()["refresh_token"]
    entra.clock.advance(6_401)
    refused = refresh(following).json()
    assert (refused["error_codes"], refused["suberror"]) == ([700084], "bad_token")


def test_a_preflight_request_is_answered(entra: Emulator, http: httpx.Client) -> None:
    """The preflight allows POST with whatever headers the page names."""
    url = f"{entra.authority}/organizations/oauth2/v2.0/token"
    asked = {**ORIGIN, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-client-sku"}
    answer = http.options(url, headers=asked)
    assert answer.status_code == 200
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == "x-client-sku"
