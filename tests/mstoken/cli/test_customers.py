"""User flows of Azure AD B2C and tenants of External ID on the command line and in profiles."""

from __future__ import annotations

import json
import ssl
import tomllib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.support.program import Program
from tests.support.running import Running
from tests.support.scripted_user import ScriptedUser

from entra_emulator import Emulator
from entra_emulator.model import Grant

TENANT = "northwindpartner.onmicrosoft.com"
TOOL = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"
ORDERS = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b03"
DEFAULT = "api://northwind-orders/.default"
OTTO = "otto@northwind-partner.example"
B2C, CIAM = "https://northwindpartner.b2clogin.com", "https://northwindpartner.ciamlogin.com"
FLOW = f"{B2C}/{TENANT}/B2C_1_susi"


@pytest.fixture
def otto(entra: Emulator) -> Iterator[ScriptedUser]:
    person = ScriptedUser(entra, OTTO)
    yield person
    person.close()


@pytest.fixture
def daemon(anonymous: Program, entra: Emulator) -> Program:
    """The program with an application's id and secret, and neither tenant nor authority."""
    app = entra.state.default_app
    anonymous.environment |= {"AZURE_CLIENT_ID": app.id, "AZURE_CLIENT_SECRET": app.secrets[0].value}
    del anonymous.environment["AZURE_AUTHORITY_HOST"]
    return anonymous


def profiles(program: Program) -> dict[str, Any]:
    return dict(tomllib.loads((program.config / "config.toml").read_text())["profile"])


def claims(program: Program, token: str) -> dict[str, Any]:
    done = program("inspect", "-o", "json", stdin=token)
    return dict(json.loads(done.out)["claims"])


@pytest.mark.parametrize("authority", [FLOW, f"{B2C}/tfp/{TENANT}/B2C_1_susi/", CIAM, f"{CIAM}/{TENANT}"])
def test_an_applications_token_by_option_or_variable(daemon: Program, authority: str) -> None:
    """The authority names the tenant, so none has to be given."""
    by_option = daemon("get", "--authority", authority, "--scope", DEFAULT)
    assert by_option.code == 0, by_option.err
    daemon.environment["AZURE_AUTHORITY_HOST"] = authority
    by_variable = daemon("get", "--scope", DEFAULT, "--fresh")
    assert by_variable.code == 0, by_variable.err
    found = claims(daemon, by_variable.out)
    assert found["aud"] == ORDERS
    assert found.get("tfp", "") == ("B2C_1_susi" if "b2clogin" in authority else "")


def test_an_authority_in_a_profile_outranks_the_tenant_of_the_environment(daemon: Program, entra: Emulator) -> None:
    """AZURE_TENANT_ID is often set, for another tenant; a profile whose authority names one is not about that."""
    app = entra.state.default_app
    (daemon.config / "config.toml").write_text(
        f'[profile.shop]\nauthority = "{FLOW}"\nclient_id = "{app.id}"\nclient_secret = "env:AZURE_CLIENT_SECRET"\n'
    )
    daemon.environment["AZURE_TENANT_ID"] = "3c1b7b9e-5f0a-4d5c-9a52-7d0a4d1c0e02"
    got = daemon("get", "--profile", "shop", "--scope", DEFAULT)
    assert got.code == 0, got.err
    assert claims(daemon, got.out)["tfp"] == "B2C_1_susi"
    other = daemon("get", "--profile", "shop", "--tenant", "other.com", "--scope", DEFAULT)
    assert other.code == 2
    assert f"names the tenant {TENANT}, the setting other.com" in other.err


def test_login_with_a_user_flow_and_tokens_afterwards(anonymous: Program, entra: Emulator, otto: ScriptedUser) -> None:
    """The profile has everything; the tokens of two flows are cached apart."""
    entra.state.default_tenant.grants.append(Grant(TOOL, ORDERS, scopes=["Orders.Read"]))
    login = Running(anonymous, "login", "--browser", "--authority", FLOW, "--client-id", TOOL, "--profile", "shop")
    url = login.says(r"^(https://\S+/oauth2/v2.0/authorize\S+)")
    assert url.startswith(f"{FLOW}/oauth2/v2.0/authorize")
    otto.authorize(url).follow()
    code, out = login.end()
    assert (code, out) == (0, ""), login.err
    assert f"Signed in as {OTTO}" in login.err
    assert f"Next: mstoken get {TOOL} --profile shop" in login.err
    del anonymous.environment["AZURE_AUTHORITY_HOST"]
    assert profiles(anonymous)["shop"] == {"tenant": TENANT, "client_id": TOOL, "account": "shop", "authority": FLOW}
    own = anonymous("get", TOOL, "--profile", "shop")
    assert own.code == 0, own.err
    assert claims(anonymous, own.out)["aud"] == TOOL
    read = anonymous("get", "--scope", "api://northwind-orders/Orders.Read", "--profile", "shop")
    assert claims(anonymous, read.out)["scp"] == "Orders.Read"
    other = anonymous("get", TOOL, "--profile", "shop", "--authority", f"{B2C}/{TENANT}/B2C_1_reset")
    assert other.code == 4
    assert f"This sign-in was issued by {FLOW.lower()}" in other.err
    listed = json.loads(anonymous("accounts", "-o", "json").out)
    assert [entry["authority"] for entry in listed] == [FLOW.lower()]
    kept = anonymous("keepalive", "--older-than", "0")
    assert kept.code == 0, kept.err


def test_login_with_a_refresh_token_of_a_user_flow(anonymous: Program, entra: Emulator, otto: ScriptedUser) -> None:
    query = f"client_id={TOOL}&response_type=code&redirect_uri=http://localhost:1/&scope={TOOL} offline_access"
    code = otto.authorize(f"{FLOW}/oauth2/v2.0/authorize?{query}").fields["code"]
    form = {"client_id": TOOL, "grant_type": "authorization_code", "code": code, "redirect_uri": "http://localhost:1/"}
    issued = httpx.post(
        f"{entra.authority}/{TENANT}/B2C_1_susi/oauth2/v2.0/token",
        data=form,
        verify=ssl.create_default_context(cafile=entra.ca_file),
    )
    del anonymous.environment["AZURE_AUTHORITY_HOST"]
    done = anonymous("login", "--authority", FLOW, "--client-id", TOOL, stdin=issued.json()["refresh_token"])
    assert done.code == 0, done.err
    assert f"Next: mstoken get {TOOL}" in done.err
    assert anonymous("get", TOOL, "--fresh").code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("get", "graph", "--authority", FLOW), "'graph' is no scope of a user flow"),
        (("get", "--authority", B2C, "--scope", DEFAULT), f"{B2C}/{TENANT}/B2C_1_NAME"),
        (("get", "--authority", f"{B2C}/{TENANT}/susi", "--scope", DEFAULT), f"Did you mean {FLOW}?"),
        (("request", "GET", "https://orders.test/x", "--authority", FLOW), "Name the scope: --scope SCOPE"),
        (("login", "--device", "--authority", FLOW), "has no tokens for DeviceCode"),
    ],
)
def test_refused_by_name(daemon: Program, entra: Emulator, arguments: tuple[str, ...], said: str) -> None:
    before = len(entra.requests)
    done = daemon(*arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert len(entra.requests) == before


def test_an_unknown_user_flow(daemon: Program) -> None:
    done = daemon("get", "--authority", f"{B2C}/{TENANT}/B2C_1_other", "--scope", DEFAULT)
    assert done.code != 0
    assert "HTTP 404" in done.err


def test_config_and_doctor_know_the_authority(daemon: Program, entra: Emulator) -> None:
    assert daemon("config", "set", "authority", FLOW, "--profile", "shop").code == 0
    wrong = daemon("config", "set", "authority", f"{B2C}/{TENANT}", "--profile", "shop")
    assert wrong.code == 2
    assert "names no user flow" in wrong.err
    daemon.environment["AZURE_AUTHORITY_HOST"] = FLOW
    doctor = daemon("doctor", "-o", "json")
    found = json.loads(doctor.out)["authority"]
    assert (found["url"], found.get("failure")) == (B2C, None)
    assert entra.requests[-1].path == f"/{TENANT}/B2C_1_susi/v2.0/.well-known/openid-configuration"
    assert entra.requests[-1].status == 200
