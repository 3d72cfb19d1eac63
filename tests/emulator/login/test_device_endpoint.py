"""The device's side of the device code flow, key for key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from entra_emulator import Emulator
from entra_emulator.interaction import Identity

PUBLIC_APP = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"
OTTO = "otto@northwind-partner.example"
SCOPE = "https://graph.microsoft.com/.default openid offline_access"

Ask = Callable[..., httpx.Response]


@pytest.fixture
def codes(entra: Emulator, http: httpx.Client) -> dict[str, Any]:
    """What a device was given."""
    url = f"{entra.authority}/organizations/oauth2/v2.0/devicecode"
    answer = http.post(url, data={"client_id": PUBLIC_APP, "scope": SCOPE})
    assert answer.status_code == 200
    return dict(answer.json())


def poll(ask: Ask, codes: dict[str, Any], **form: str | None) -> httpx.Response:
    usual = {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "device_code": codes["device_code"],
        "client_id": PUBLIC_APP,
        "client_secret": None,
    }
    return ask("organizations", **{**usual, **form})


def approve(entra: Emulator) -> None:
    """As the page does once the person has signed in."""
    found = entra.state.user(OTTO)
    assert found is not None
    home, user = found
    [record] = entra._running().interaction.devices.values()
    record.status = "approved"
    record.identity = Identity(user.id, home.id, ("pwd",), entra.clock.now())


@pytest.mark.parametrize("path", ["oauth2/devicecode", "oauth2/v2.0/devicecode"])
def test_codes_by_get(entra: Emulator, http: httpx.Client, path: str) -> None:
    """ADAL.NET requests device codes with a GET."""
    given = {"client_id": entra.state.default_app.id, "scope": "openid", "resource": "https://graph.microsoft.com"}
    if "v2.0" in path:
        del given["resource"]
    assert http.get(f"{entra.authority}/common/{path}", params=given).json()["device_code"]


def test_the_codes(codes: dict[str, Any]) -> None:
    """The recorded keys; nine letters, a quarter of an hour, five seconds."""
    assert list(codes) == ["user_code", "device_code", "verification_uri", "expires_in", "interval", "message"]
    assert len(codes["user_code"]) == 9
    assert (codes["expires_in"], codes["interval"]) == (900, 5)
    assert codes["user_code"] in codes["message"]
    assert codes["verification_uri"] in codes["message"]


def test_the_page_where_it_is_entered(
    entra: Emulator, proxied: httpx.Client, http: httpx.Client, codes: dict[str, Any]
) -> None:
    """In the public cloud it has an address of its own; elsewhere it is on the host that was asked."""
    assert codes["verification_uri"].startswith(f"{entra.authority}/")
    form = {"client_id": PUBLIC_APP, "scope": SCOPE}
    for host, page in (
        ("login.microsoftonline.com", "https://login.microsoft.com/device"),
        ("login.microsoftonline.us", "https://login.microsoftonline.us/common/oauth2/deviceauth"),
    ):
        said = proxied.post(f"https://{host}/organizations/oauth2/v2.0/devicecode", data=form).json()
        assert said["verification_uri"] == page
        assert "Enter code" in proxied.get(page).text
    assert "Enter code" in http.get(codes["verification_uri"]).text


def test_pending_then_the_token_then_nothing(entra: Emulator, ask: Ask, codes: dict[str, Any]) -> None:
    """70016 until the person is done, then one answer; a code that was redeemed is unknown."""
    pending = poll(ask, codes)
    assert (pending.status_code, pending.json()["error"]) == (400, "authorization_pending")
    assert pending.json()["error_codes"] == [70016]
    approve(entra)
    assert poll(ask, codes).json()["refresh_token"]
    assert poll(ask, codes).json()["error"] == "bad_verification_code"


def test_the_older_parameter_names_are_accepted(entra: Emulator, ask: Ask, codes: dict[str, Any]) -> None:
    """grant_type device_code, as MSAL for Go sends it, and `code` for the parameter."""
    approve(entra)
    answer = poll(ask, codes, grant_type="device_code", device_code=None, code=codes["device_code"])
    assert answer.status_code == 200


def test_a_device_code_expires(entra: Emulator, ask: Ask, codes: dict[str, Any]) -> None:
    """After its time it is 70020, and the page takes it no more."""
    entra.clock.advance(900)
    answer = poll(ask, codes).json()
    assert (answer["error"], answer["error_codes"]) == ("expired_token", [70020])


def test_another_clients_code(entra: Emulator, ask: Ask, codes: dict[str, Any]) -> None:
    """The code is the application's that asked for it."""
    app = entra.state.default_app
    answer = poll(ask, codes, client_id=app.id, client_secret=app.secrets[0].value)
    assert answer.json()["error_codes"] == [700007]


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"client_id": PUBLIC_APP}, 900144),
        ({"scope": SCOPE}, 900144),
        ({"client_id": "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1bff", "scope": SCOPE}, 700016),
        ({"client_id": PUBLIC_APP, "scope": "a/b c/d"}, 28000),
    ],
)
def test_requests_that_get_no_code(entra: Emulator, http: httpx.Client, form: dict[str, Any], code: int) -> None:
    """Errors as the token endpoint gives them."""
    answer = http.post(f"{entra.authority}/organizations/oauth2/v2.0/devicecode", data=form)
    assert answer.json()["error_codes"] == [code]
