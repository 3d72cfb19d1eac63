"""Refusals of the grants that go back to a person: codes, devices, and tokens of a call that is passed on."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from entra_emulator import Emulator
from entra_emulator.interaction import AuthorizationCode, Identity

Ask = Callable[..., httpx.Response]
Get = Callable[..., httpx.Response]
PUBLIC = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"
ORDERS = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b03"
NADIA, OTTO = "nadia@northwind-partner.example", "otto@northwind-partner.example"
OBO = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def code(entra: Emulator, **fields: Any) -> str:
    """An authorization code as Nadia's browser would have brought it."""
    home, user = entra.find_user(NADIA)
    record = AuthorizationCode(
        app=entra.state.default_app.id,
        identity=Identity(user.id, home.id, ("pwd", "mfa"), entra.clock.now()),
        tenant=home.id,
        scopes="https://graph.microsoft.com/.default openid",
        redirect_uri="http://localhost",
        challenge="",
        method="plain",
        nonce="n-1",
        issued_on=entra.clock.now(),
    )
    return entra._world.interaction.add_code(replace(record, **fields))


def redeem(ask: Ask, given: str, **form: Any) -> httpx.Response:
    return ask(**{"grant_type": "authorization_code", "code": given, "redirect_uri": "http://localhost", **form})


def device_code(entra: Emulator, http: httpx.Client) -> str:
    form = {"client_id": PUBLIC, "scope": "https://graph.microsoft.com/.default"}
    answer = http.post(f"{entra.authority}/organizations/oauth2/v2.0/devicecode", data=form)
    return str(answer.json()["device_code"])


def poll(ask: Ask, given: str) -> dict[str, Any]:
    form = {"client_id": PUBLIC, "client_secret": None, "device_code": given}
    return dict(ask("organizations", grant_type="urn:ietf:params:oauth:grant-type:device_code", **form).json())


def test_declined_device(entra: Emulator, http: httpx.Client, ask: Ask) -> None:
    """A person who says no is 65004, with the error of RFC 8628's declined sign-in."""
    given = device_code(entra, http)
    entra._world.interaction.devices[given].status = "declined"
    body = poll(ask, given)
    assert (body["error"], body["error_codes"]) == ("authorization_declined", [65004])


def test_unknown_device_code(ask: Ask) -> None:
    """A device code nobody gave out is 70018."""
    assert poll(ask, "nonsense")["error_codes"] == [70018]


def test_code_of_a_web_page_without_one(entra: Emulator, ask: Ask) -> None:
    """What was given to a single-page application is redeemed by a page only: 9002327 without an Origin."""
    assert redeem(ask, code(entra, spa=True), client_secret=None).json()["error_codes"] == [9002327]


@pytest.fixture
def on_behalf_of(entra: Emulator, ask: Ask) -> Ask:
    """The Orders API passes on the call it got."""

    def exchange(assertion: str, app: str = ORDERS, **form: Any) -> httpx.Response:
        entra.grant(ORDERS, "graph", ["User.Read"])
        secret = entra.state.apps[app].secrets[0].value
        identity = {"client_id": app, "client_secret": secret}
        use = {"requested_token_use": "on_behalf_of", "scope": "https://graph.microsoft.com/.default"}
        return ask(grant_type=OBO, assertion=assertion, **{**identity, **use, **form})

    return exchange


def test_an_on_behalf_of_exchange_works(on_behalf_of: Ask, user_token: Get, claims: Callable[[str], Any]) -> None:
    """A token for the API itself becomes one for Graph, of the same user."""
    own = user_token("api://northwind-orders/.default").json()["access_token"]
    assert claims(on_behalf_of(own).json()["access_token"])["upn"] == NADIA


def test_a_token_for_another_api_is_refused(on_behalf_of: Ask, user_token: Get) -> None:
    """A token that was not for the API is 500131."""
    assert on_behalf_of(user_token().json()["access_token"]).json()["error_codes"] == [500131]


def test_token_that_is_too_old(entra: Emulator, on_behalf_of: Ask, user_token: Get) -> None:
    """A token that has expired since the call is 500133."""
    own = user_token("api://northwind-orders/.default").json()["access_token"]
    entra.clock.advance(86_400)
    assert on_behalf_of(own).json()["error_codes"] == [500133]


def test_an_id_token_is_refused_as_an_assertion(entra: Emulator, ask: Ask, on_behalf_of: Ask) -> None:
    """An ID token cannot be passed on: 240002."""
    id_token = redeem(ask, code(entra)).json()["id_token"]
    assert on_behalf_of(id_token, entra.state.default_app.id).json()["error_codes"] == [240002]


def test_a_missing_redirect_uri_is_refused(entra: Emulator, http: httpx.Client) -> None:
    """An application without a redirect URI cannot be answered: 500113 on a page."""
    entra.state.apps[PUBLIC].redirect_uris.clear()
    query = {"client_id": PUBLIC, "scope": "openid", "response_type": "code"}
    answer = http.get(f"{entra.authority}/organizations/oauth2/v2.0/authorize", params=query)
    assert answer.status_code == 400
    assert "AADSTS500113" in answer.text


def test_second_factor_denied(entra: Emulator, http: httpx.Client) -> None:
    """A second factor that is denied on the phone is 500121, on the page that asks again."""
    query = {"client_id": PUBLIC, "scope": "https://graph.microsoft.com/.default", "response_type": "code"}
    page = http.get(f"{entra.authority}/organizations/oauth2/v2.0/authorize", params=query)
    for form in ({"choice": "sign-in", "username": NADIA, "password": "emulator"}, {"factor": "deny"}):
        token, action = (
            re.search(pattern, page.text)
            for pattern in (r'name="flow" value="([^"]+)', r'method="post" action="([^"]+)')
        )
        assert token
        assert action
        page = http.post(f"{entra.authority}{action[1]}", data={"flow": token[1], **form})
    assert "AADSTS500121" in page.text
