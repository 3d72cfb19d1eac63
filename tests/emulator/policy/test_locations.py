"""Conditional Access by named location: where a request comes from, and which policies apply there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.support.refusals import GRAPH, NADIA, Ask, app_only, home, refresh, required

from entra_emulator import ConfigError, Emulator
from entra_emulator.config import check
from entra_emulator.model import Location

OFFICE, ABROAD = "203.0.113.9", "2001:db8:7::1"


@pytest.fixture
def entra(entra: Emulator) -> Emulator:
    """The partner has two named locations; the office is trusted."""
    home(entra).locations += [
        Location("Office", ["203.0.113.0/24"], trusted=True),
        Location("Abroad", ["198.51.100.0/24", "2001:db8:7::/48"]),
    ]
    return entra


def come_from(address: str) -> dict[str, Any]:
    return {"headers": {"X-Forwarded-For": f"{address}, 10.0.0.1"}}


@pytest.mark.parametrize(
    ("policy", "address", "code"),
    [
        ({"locations": ["Abroad"]}, ABROAD, 53003),
        ({"locations": ["abroad"]}, "198.51.100.77", 53003),
        ({"locations": ["Abroad"]}, OFFICE, 0),
        ({"locations": ["Abroad"]}, "192.0.2.1", 0),
        ({"except_locations": ["trusted"]}, ABROAD, 53003),
        ({"except_locations": ["trusted"]}, "192.0.2.1", 53003),
        ({"except_locations": ["trusted"]}, OFFICE, 0),
        ({"locations": ["trusted"]}, OFFICE, 53003),
    ],
)
def test_a_policy_applies_in_its_locations(
    entra: Emulator, ask: Ask, policy: dict[str, Any], address: str, code: int
) -> None:
    """Block in some places, or everywhere but in the trusted ones; names in any letter case, IPv4 and IPv6."""
    required(entra, "block", **policy)
    body = ask(**refresh(entra), **come_from(address)).json()
    assert body.get("error_codes", [0]) == [code]


def test_a_second_factor_is_required_outside_trusted_locations(entra: Emulator, ask: Ask) -> None:
    """A sign-in that is good enough in the office is not elsewhere."""
    required(entra, "mfa", except_locations=["Office"])
    assert ask(**refresh(entra, mfa=False), **come_from(OFFICE)).status_code == 200
    assert ask(**refresh(entra, mfa=False), **come_from(ABROAD)).json()["error_codes"] == [50076]


def test_location_policies_apply_to_workloads(entra: Emulator, ask: Ask) -> None:
    """An application of its own may be let in from one place only."""
    required(entra, "block", workloads=True, except_locations=["Office"])
    assert ask(**app_only(), **come_from(OFFICE)).status_code == 200
    assert ask(**app_only(), **come_from(ABROAD)).json()["error_codes"] == [53003]


def test_the_settings_determine_the_default_address(
    entra: Emulator, ask: Ask, claims: Callable[[str], dict[str, Any]]
) -> None:
    """`settings.address` is for clients that cannot send a header; the token has the address in `ipaddr`."""
    required(entra, "block", locations=["Abroad"])
    token = ask(**refresh(entra), **come_from(OFFICE)).json()["access_token"]
    assert claims(token)["ipaddr"] == OFFICE
    assert claims(ask(**refresh(entra)).json()["access_token"])["ipaddr"] == "127.0.0.1"
    assert claims(ask(**refresh(entra), **come_from("not an address")).json()["access_token"])["ipaddr"] == "127.0.0.1"
    entra.state.settings.address = ABROAD
    assert ask(**refresh(entra)).json()["error_codes"] == [53003]


def test_location_policies_apply_at_the_sign_in_page(entra: Emulator, http: httpx.Client) -> None:
    """With prompt=none a browser that has a session is told in its application's words."""
    required(entra, "block", locations=["Abroad"])
    query = {
        "client_id": "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02",
        "response_type": "code",
        "redirect_uri": "http://localhost",
        "scope": GRAPH,
    }
    url = f"{entra.authority}/organizations/oauth2/v2.0/authorize"
    page = http.get(url, params=query).text
    form = {"flow": page.partition('name="flow" value="')[2].partition('"')[0], "choice": "sign-in"}
    form |= {"username": NADIA, "password": "emulator"}
    page = http.post(f"{entra.authority}/organizations/login", data=form, **come_from(ABROAD)).text
    assert "Approve sign in request" in page
    form = {"flow": form["flow"], "factor": "approve"}
    assert "AADSTS53003" in http.post(f"{entra.authority}/organizations/login", data=form, **come_from(ABROAD)).text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda entra: home(entra).locations.append(Location("Bad", ["everywhere"])), "not a range of IP addresses"),
        (lambda entra: required(entra, "block", locations=["Nowhere"]), "location is 'Nowhere'"),
        (lambda entra: setattr(entra.state.settings, "address", "here"), "not an IP address"),
    ],
)
def test_mistakes_are_refused(entra: Emulator, change: Callable[[Emulator], object], words: str) -> None:
    """A wrong range, location or address is refused where it is given, or when the state is checked."""

    def changed_and_checked() -> None:
        change(entra)
        check(entra.state)

    with pytest.raises(ConfigError, match=words):
        changed_and_checked()
