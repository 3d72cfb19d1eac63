"""`mstoken login` with one of Microsoft's public clients by its name; the user's name in `accounts`; `logout`."""

from __future__ import annotations

import json
import os
import pty
import re
import tomllib
from collections.abc import Iterator

import pytest
from tests.support.program import Program
from tests.support.running import Running
from tests.support.scripted_user import ScriptedUser

from entra_emulator import Emulator
from mstoken.services.public_clients import client_id_of, public_clients

NADIA = "nadia@northwind-partner.example"
AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
NAMES = [client.name for client in public_clients()]


@pytest.fixture
def nadia(entra: Emulator) -> Iterator[ScriptedUser]:
    person = ScriptedUser(entra, NADIA)
    yield person
    person.close()


@pytest.fixture(autouse=True)
def device_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Polling without long pauses."""
    monkeypatch.setattr("entra_emulator.login.device.INTERVAL_IN", 1)


def sign_in(program: Program, person: ScriptedUser, *options: str) -> Running:
    """`mstoken login --device` with the code entered by the person, up to its end."""
    login = Running(program, "login", "--device", *options)
    login.says("(mstoken: Open)")
    found = re.search(r"Open (\S+) on any device and enter the code (\S+)", login.err)
    assert found
    person.enter_code(*found.groups())
    code, out = login.end()
    assert (code, out) == (0, ""), login.err
    return login


@pytest.mark.parametrize("name", NAMES)
def test_a_name_stands_for_the_client_id(anonymous: Program, nadia: ScriptedUser, name: str) -> None:
    """Each of them signs in, gets tokens afterwards, and stands in the profile by its ID."""
    sign_in(anonymous, nadia, "--client-id", name)
    [profile] = tomllib.loads((anonymous.config / "config.toml").read_text())["profile"].values()
    assert profile["client_id"] == client_id_of(name)
    assert anonymous("get", "graph").code == 0


@pytest.mark.parametrize(("typed", "number_of"), [("1", 0), ("azure-powershell", 1)])
def test_at_a_terminal_the_applications_are_offered(
    anonymous: Program, nadia: ScriptedUser, typed: str, number_of: int
) -> None:
    """With what each may request and a sentence on consent; a number or a name chooses one."""
    ours, theirs = pty.openpty()
    login = Running(anonymous, "login", "--device", stdin=theirs)
    os.close(theirs)
    login.says("(Client ID, number or name)")
    for client in public_clients():
        assert f"{client.name} " in login.err
        assert client.may in login.err
        assert client.consent in login.err
    os.write(ours, f"{typed}\n".encode())
    login.says("(mstoken: Open)")
    found = re.search(r"Open (\S+) on any device and enter the code (\S+)", login.err)
    assert found
    nadia.enter_code(*found.groups())
    code, _ = login.end()
    os.close(ours)
    assert code == 0, login.err
    assert public_clients()[number_of].id in (anonymous.config / "config.toml").read_text()


@pytest.mark.parametrize(("typed", "said"), [("", "no application"), ("azurecli", "neither a client ID nor one of")])
def test_an_answer_that_chooses_nothing_ends_the_login(anonymous: Program, typed: str, said: str) -> None:
    """The error says what to write instead."""
    ours, theirs = pty.openpty()
    login = Running(anonymous, "login", stdin=theirs)
    os.close(theirs)
    login.says("(Client ID, number or name)")
    os.write(ours, f"{typed}\n".encode())
    code, _ = login.end()
    os.close(ours)
    assert code == 2
    assert said in login.err
    assert "azure-cli" in login.err


def test_in_a_pipe_no_application_is_chosen(anonymous: Program) -> None:
    """The error has the recipe for a registration first, then the names."""
    done = anonymous("login", "--device")
    assert done.code == 2
    assert "Client ID, number or name" not in done.err
    assert done.err.index("az ad app create") < done.err.index("--client-id azure-cli")


def test_ones_own_application_takes_precedence(anonymous: Program, nadia: ScriptedUser) -> None:
    """Nothing is offered where AZURE_CLIENT_ID or the profile names an application."""
    own = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"
    anonymous.environment["AZURE_CLIENT_ID"] = own
    login = sign_in(anonymous, nadia)
    assert "No application is named" not in login.err
    assert own in (anonymous.config / "config.toml").read_text()


def test_every_public_client_has_an_id_of_its_own_and_one_sentence() -> None:
    """The file is what the login offers."""
    assert {"azure-cli", "azure-powershell", "graph-cli", "vscode"} <= set(NAMES)
    assert len({client.id for client in public_clients()}) == len(NAMES)
    for client in public_clients():
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", client.id)
        assert client.consent.endswith(".")
        assert client.consent.count(". ") == 0


def test_accounts_shows_the_users_name(anonymous: Program, nadia: ScriptedUser) -> None:
    """As the sign-in said, in the table and as JSON; renewals keep it."""
    sign_in(anonymous, nadia, "--client-id", "azure-cli")
    assert anonymous("get", "arm", "--fresh").code == 0
    [record] = json.loads(anonymous("accounts", "-o", "json").out)
    assert (record["account"], record["username"], record["client_id"]) == ("default", NADIA, AZURE_CLI)
    assert f"default  {NADIA}  " in anonymous("accounts").out


def test_logout_needs_no_name_for_the_only_sign_in(anonymous: Program, nadia: ScriptedUser) -> None:
    """An empty name is refused: a variable that is not set must not choose it."""
    sign_in(anonymous, nadia, "--client-id", "azure-cli", "--profile", "work")
    assert anonymous("logout", "").code == 2
    done = anonymous("logout")
    assert (done.code, done.out) == (0, "")
    assert "Removed the sign-in work and" in done.err
    assert json.loads(anonymous("accounts", "-o", "json").out) == []
    assert "There are no sign-ins." in anonymous("logout").err


def test_logout_of_one_of_several_needs_its_name_or_all(anonymous: Program, entra: Emulator) -> None:
    """Without a name nothing is removed; `--all` removes each and says so."""
    identity = {"AZURE_TENANT_ID": entra.state.default_tenant.id, "AZURE_CLIENT_ID": entra.state.default_app.id}
    given = identity | {"AZURE_CLIENT_SECRET": entra.state.default_app.secrets[0].value}
    for name in ("work", "home"):
        assert anonymous("login", "--profile", name, stdin=entra.sign_in(NADIA), **given).code == 0
    done = anonymous("logout")
    assert done.code == 2
    assert "There are 2 stored sign-ins; name the one to remove." in done.err
    assert "home, work; or all: mstoken logout --all" in done.err
    assert anonymous("logout", "work", "--all").code == 2
    done = anonymous("logout", "--all")
    assert done.code == 0
    assert [line.split(" and ")[0] for line in done.err.splitlines()] == [
        f"mstoken: Removed the sign-in {name}" for name in ("home", "work")
    ]
    assert anonymous("logout", "--all").err == "mstoken: There are no stored sign-ins.\n"
