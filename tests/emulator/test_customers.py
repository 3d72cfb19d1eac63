"""A partner's customers by the hundred: one line of a configuration, with trouble among them."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from entra_emulator import ConfigError, Emulator
from entra_emulator.config import load
from entra_emulator.customers import TROUBLES

PARTNER_APP = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b01"
USER_CODES = {
    "consent_missing": 65001,
    "mfa_required": 50074,
    "blocked": 53003,
    "app_disabled": 7000112,
    "gone": 5000224,
    "throttled": None,
    "ended": 50020,
    "vanishing": 0,
    "": 0,
}
APP_CODES = USER_CODES | {"consent_missing": 7000229, "mfa_required": 0, "ended": 0}


@pytest.fixture(scope="module")
def partner() -> Iterator[Emulator]:
    with Emulator({"customers": {"count": 20, **dict.fromkeys(TROUBLES, 2)}}) as entra:
        yield entra


@pytest.fixture(scope="module")
def http(partner: Emulator) -> Iterator[httpx.Client]:
    with httpx.Client(verify=partner.ssl_context, trust_env=False) as client:
        yield client


def token(partner: Emulator, http: httpx.Client, tenant: str, *, user: bool) -> httpx.Response:
    """Request a token of Graph in a tenant: for the partner's user, or for its application."""
    app = partner.state.default_app
    form = {"client_id": app.id, "client_secret": app.secrets[0].value, "scope": "https://graph.microsoft.com/.default"}
    if user:
        refresh_token = partner.sign_in(partner.state.default_user.upn if partner.state.default_user else "", app.id)
        form |= {"grant_type": "refresh_token", "refresh_token": refresh_token}
    else:
        form |= {"grant_type": "client_credentials"}
    return http.post(f"{partner.authority}/{tenant}/oauth2/v2.0/token", data=form)


def code_of(response: httpx.Response) -> int | None:
    """The AADSTS code, 0 for a token, None for a 429."""
    if response.status_code == 429:
        assert int(response.headers["Retry-After"]) > 60
        return None
    return 0 if response.status_code == 200 else int(response.json()["error_codes"][0])


@pytest.mark.parametrize("user", [True, False], ids=["user", "application"])
@pytest.mark.parametrize("trouble", ["", *TROUBLES])
def test_each_trouble_has_its_refusal(partner: Emulator, http: httpx.Client, trouble: str, user: bool) -> None:  # noqa: FBT001
    """One of the two tenants of a trouble is asked as the user, the other as the application."""
    number = 2 * TROUBLES.index(trouble) + 1 if trouble else 17
    response = token(partner, http, f"customer{number + (not user):03}.example", user=user)
    assert code_of(response) == (USER_CODES if user else APP_CODES)[trouble]


def test_the_partner_lists_its_customers(partner: Emulator, http: httpx.Client) -> None:
    """Those whose relationship is active, by page."""
    access = token(partner, http, partner.state.default_tenant.id, user=False).json()["access_token"]
    headers = {"Authorization": f"Bearer {access}"}
    path = "/tenantRelationships/delegatedAdminRelationships?$filter=status eq 'active'&$select=customer"
    found = http.get(partner.api("graph") + path, headers=headers).json()["value"]
    names = {one["customer"]["displayName"] for one in found}
    ended = {f"Customer {2 * TROUBLES.index('ended') + number:03}" for number in (1, 2)}
    assert {"Customer 001", "Customer 020"} <= names
    assert not names & ended


def test_a_tenant_vanishes_in_the_middle() -> None:
    """It issues a token, and then neither an API nor the token endpoint knows it."""
    with Emulator({"customers": {"count": 1, "vanishing": 1}}) as entra, httpx.Client(verify=entra.ssl_context) as http:
        first = token(entra, http, "customer001.example", user=False)
        headers = {"Authorization": f"Bearer {first.json()['access_token']}"}
        assert http.get(entra.api("graph") + "/organization", headers=headers).status_code == 401
        again = token(entra, http, "customer001.example", user=False)
    assert (code_of(first), code_of(again)) == (0, 90002)


def test_one_line_is_a_whole_configuration(tmp_path: Path) -> None:
    """It has the built-in partner, and three hundred customers with ids that never change."""
    file = tmp_path / "partner.toml"
    file.write_text("customers = { count = 300 }\n")
    state = load(file)
    customers = state.customers(state.default_tenant)
    assert (len(customers), state.default_app.id) == (301, PARTNER_APP)
    assert [one.id for one in customers] == [one.id for one in load(file).customers(state.default_tenant)]


@pytest.mark.parametrize(
    ("customers", "problem"),
    [
        ({"count": 1, "gone": 1, "blocked": 1}, "the others are 2 together"),
        ({"count": -1}, "none is below 0"),
        ({"count": 3, "gone": -1}, "none is below 0"),
        ({"count": 3, "lost": 1}, "customers.lost: unknown key"),
        ({}, "customers: missing"),
        (3, "customers: expected a table"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(customers: object, problem: str) -> None:
    """With the key in the message."""
    with pytest.raises(ConfigError, match=problem):
        load({"customers": customers})
