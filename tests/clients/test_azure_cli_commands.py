"""What people do with the Azure CLI once it is signed in: directory, resource groups, role assignments, secrets."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from bench.results import Unavailable
from tests.support.azure_cli import RealAz
from tests.support.language_client import NADIA
from tests.support.program import MSTOKEN
from tests.support.scripted_user import ScriptedUser

from entra_emulator import Emulator
from mstoken import Client, DeviceCode, DevicePrompt

pytestmark = pytest.mark.languages
both_ways = pytest.mark.parametrize("az", ["by name", "by URL"], indirect=True)


@pytest.fixture
def az(entra: Emulator, tmp_path: Path, request: pytest.FixtureRequest) -> RealAz:
    """az without a sign-in: its own AzureCloud, which the proxy leads to the emulator, or a cloud with its URLs."""
    try:
        made = RealAz(tmp_path / "az", entra)
    except Unavailable as error:
        pytest.skip(str(error))
    made.by_name = getattr(request, "param", "by name") == "by name"
    return made


def result_of(az: RealAz, *arguments: str) -> Any:
    """What a command prints, as JSON."""
    done = az.run(*arguments, "--output", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout or "null")


def test_a_browser_sign_in_in_ci(az: RealAz, entra: Emulator) -> None:
    """`az login` itself, where the browser is `mstoken emulator sign-in`."""
    az.register_cloud()
    command = f"{MSTOKEN} emulator sign-in --user {NADIA} %s"
    tenant = entra.state.default_tenant.id
    environment = {**az.env, "AZURE_CORE_LOGIN_EXPERIENCE_V2": "false", "BROWSER": command}
    login = [az.command, "login", "--tenant", tenant, "--allow-no-subscriptions", "--output", "json"]
    done = subprocess.run(login, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert [account["user"]["name"] for account in json.loads(done.stdout)] == [NADIA]
    assert result_of(az, "account", "get-access-token")["tenant"] == tenant


@both_ways
def test_directory(az: RealAz, entra: Emulator) -> None:
    """az ad: the application, its service principal, users and groups; a user that does not exist is an error."""
    app, nadia = entra.state.default_app, entra.state.user(NADIA)
    entra.add_group("Bakers", [NADIA])
    az.sign_in_as_application()
    assert result_of(az, "ad", "sp", "show", "--id", app.id)["appId"] == app.id
    assert app.id in [item["appId"] for item in result_of(az, "ad", "app", "list", "--all")]
    assert nadia
    assert result_of(az, "ad", "user", "show", "--id", NADIA)["id"] == nadia[1].id
    assert [item["displayName"] for item in result_of(az, "ad", "group", "list")] == ["Bakers"]
    members = result_of(az, "ad", "group", "member", "list", "--group", "Bakers")
    assert [item["userPrincipalName"] for item in members] == [NADIA]
    missing = az.run("ad", "user", "show", "--id", "nobody@northwind-partner.example")
    assert missing.returncode
    assert "does not exist" in missing.stderr


def test_the_recipe_for_an_application_of_your_own(az: RealAz, nadia: ScriptedUser, entra: Emulator) -> None:
    """The commands of docs/sign-in.md register an application with which a person signs in to mstoken."""
    page = (Path(__file__).parents[2] / "docs" / "sign-in.md").read_text(encoding="utf-8")
    [recipe] = re.findall(r"^```text\n(\$ app=.*?)^```$", page, re.MULTILINE | re.DOTALL)
    commands = re.sub(r"^(\$|>) ", "", recipe.partition("$ mstoken login")[0], flags=re.MULTILINE)
    az.sign_in_as_user(nadia)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f'{commands}\nprintf %s "$app"'],
        env={**az.env, **az.environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr

    def enter(prompt: DevicePrompt) -> None:
        threading.Thread(target=nadia.enter_code, args=(prompt.verification_uri, prompt.user_code), daemon=True).start()

    tenant = entra.state.default_tenant.id
    with Client(tenant, done.stdout, DeviceCode(prompt=enter)) as client:
        token = client.get_token("https://graph.microsoft.com/User.Read").token
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert (claims["appid"], claims["upn"]) == (done.stdout, NADIA)
    assert "User.Read" in claims["scp"].split()


@both_ways
def test_resource_groups_and_roles(az: RealAz, entra: Emulator) -> None:
    """az group makes, shows and deletes a group, which a Reader may not; az names those who have the roles."""
    az.sign_in_as_application()
    made = result_of(az, "group", "create", "--name", "rg-new", "--location", "westeurope")
    assert made["properties"]["provisioningState"] == "Succeeded"
    assert "rg-new" in [item["name"] for item in result_of(az, "group", "list")]
    assert az.run("group", "delete", "--name", "rg-new", "--yes").returncode == 0
    gone = az.run("group", "show", "--name", "rg-new")
    assert (gone.returncode, "ResourceGroupNotFound" in gone.stderr) == (3, True)
    names = {item["principalName"] for item in result_of(az, "role", "assignment", "list", "--all")}
    assert {NADIA, entra.state.default_app.id} <= names
    subscription = entra.state.default_tenant.subscriptions[0]
    subscription.readers, subscription.contributors = subscription.contributors, []
    refused = az.run("group", "create", "--name", "rg-new", "--location", "westeurope")
    assert (refused.returncode, "AuthorizationFailed" in refused.stderr) == (1, True)


def test_key_vault(az: RealAz) -> None:
    """az keyvault secret finds the authority by the vault's challenge; a secret that does not exist is an error."""
    az.sign_in_as_application()
    vault = ("--vault-name", "northwind", "--name")
    assert result_of(az, "keyvault", "secret", "show", *vault, "greeting")["value"] == "hello from the vault"
    result_of(az, "keyvault", "secret", "set", *vault, "colour", "--value", "green")
    assert result_of(az, "keyvault", "secret", "show", *vault, "colour")["value"] == "green"
    missing = az.run("keyvault", "secret", "show", *vault, "nothing")
    assert (missing.returncode, "SecretNotFound" in missing.stderr) == (3, True)


@both_ways
def test_user(az: RealAz, nadia: ScriptedUser) -> None:
    """A person signs in with a device code, and az knows who it is."""
    az.sign_in_as_user(nadia)
    assert result_of(az, "ad", "signed-in-user", "show")["userPrincipalName"] == NADIA


@both_ways
def test_refused_secret(az: RealAz, entra: Emulator) -> None:
    """az login ends with Entra's words."""
    app, tenant = entra.state.default_app, entra.state.default_tenant
    az.register_cloud()
    principal = ["--username", app.id, "--password=wrong", "--tenant", tenant.id]
    done = az.run("login", "--service-principal", *principal)
    assert done.returncode
    assert "AADSTS7000215" in done.stderr
