"""The dashboard in a real Chromium, wide and on a phone: axe-core finds nothing serious, and nothing is cut off."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from tests.support.chromium import Chromium

from entra_emulator import Emulator
from entra_emulator.model import Location

PAGES = ["/", "/requests", "/tokens", "/policies", "/faults", "/tenants/northwind-partner.example"]
SIZES = {"wide": (1280, 900), "phone": (390, 844)}


@pytest.fixture
def entra(entra: Emulator) -> Emulator:
    """Something of everything: requests, a refusal, tokens, a fault, policies, a locked and a risky account."""
    app, tenant = entra.state.default_app, entra.state.default_tenant
    url = f"{entra.authority}/{tenant.id}/oauth2/v2.0/token"
    form = {"client_id": app.id, "grant_type": "client_credentials", "scope": "https://graph.microsoft.com/.default"}
    with httpx.Client(verify=entra.ssl_context, trust_env=False) as client:
        client.post(url, data={**form, "client_secret": app.secrets[0].value}).raise_for_status()
        client.post(url, data={**form, "client_secret": "wrong"})
    entra.inject(status=429, retry_after_in=30, times=None)
    tenant.locations.append(Location("Office", ["203.0.113.0/24"], trusted=True))
    entra.add_policy("block", resources=["arm"], except_locations=["trusted"], user_risk=["high"])
    tenant.users[1].locked_until, tenant.users[1].risk = entra.clock.now() + 60, "high"
    return entra


@pytest.fixture(params=SIZES)
def browser(request: pytest.FixtureRequest, entra: Emulator, chromium: Chromium) -> Iterator[Chromium]:
    """The browser at one size, with the dashboard opened by its link."""
    chromium.resize(*SIZES[request.param])
    chromium.visit(f"{entra.admin_url}/?key={entra.admin_key}")
    chromium.sees("Overview")
    yield chromium
    chromium.resize(900, 900)


@pytest.mark.parametrize("path", PAGES)
def test_its_pages(entra: Emulator, browser: Chromium, path: str) -> None:
    """axe-core finds nothing serious, and the page does not scroll sideways (its tables may)."""
    browser.visit(f"{entra.admin_url}{path}")
    assert browser.faults() == []
    assert browser.overflows() == 0


def test_the_page_that_asks_for_the_key(entra: Emulator, chromium: Chromium) -> None:
    """Without a key, and with a wrong one."""
    chromium.visit(f"{entra.admin_url}/requests")
    assert chromium.faults() == []
    chromium.fill(key="wrong")
    chromium.press("Open the dashboard")
    chromium.says("not the key")
    assert chromium.faults() == []


def test_a_mistake_in_a_form(entra: Emulator, browser: Chromium) -> None:
    """What could not be done is told at the top of the page, which passes axe as well."""
    browser.visit(f"{entra.admin_url}/faults")
    browser.press("Order")
    browser.says("needs one of")
    assert browser.faults() == []


def test_a_form_and_a_button(entra: Emulator, browser: Chromium) -> None:
    """A browser posts the dashboard's forms: a failure is ordered, seen in the list, and taken back."""
    browser.visit(f"{entra.admin_url}/faults")
    browser.fill(code="50076")
    browser.press("Order")
    browser.says("AADSTS50076")
    assert [one.code for one in entra.faults] == [0, 50076]
    browser.press("Remove")
    browser.unsays("HTTP 429")
    browser.press("Remove")
    browser.says("None.")
    assert entra.faults == []
