"""The real Azure CLI, signed in to the emulator: its sign-in is mstoken's too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bench.results import Unavailable
from tests.support.azure_cli import RealAz
from tests.support.program import Program
from tests.support.runners import Runner
from tests.support.scripted_user import ScriptedUser

from entra_emulator import Emulator
from mstoken import AzureCli, Client, Misconfigured, SignInRequired
from mstoken.protocol.jwt import decode


@pytest.fixture
def az(entra: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RealAz:
    """az without a sign-in; this process finds it on its PATH."""
    try:
        made = RealAz(tmp_path / "az", entra)
    except Unavailable as error:
        pytest.skip(str(error))
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    return made


@pytest.fixture
def program(az: RealAz, tmp_path: Path) -> Program:
    """`mstoken` beside az, without an identity of its own."""
    made = Program(tmp_path)
    given = az.entra.environment() | az.environment
    made.environment |= {name: value for name, value in given.items() if name not in _OWN}
    made.environment["MSTOKEN_CONFIG_DIR"] = str(made.config)
    return made


_OWN = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "MSTOKEN_CONFIG_DIR", "PATH")


def token_claims(token: str) -> dict[str, Any]:
    return decode(token).claims


def test_an_existing_az_login_works(runner: Runner, az: RealAz, entra: Emulator) -> None:
    """A service principal's sign-in, its token and its refusals."""
    client = runner.client("", "", AzureCli(timeout_in=60))
    with pytest.raises(SignInRequired, match="Nobody is signed in to Azure CLI"):
        runner.run(lambda: client.get_token("graph"))
    az.sign_in_as_application()
    token = runner.run(lambda: client.get_token("graph"))
    assert token_claims(token.token)["appid"] == entra.state.default_app.id
    assert token_claims(token.token)["exp"] - 2 <= token.expires_on <= token_claims(token.token)["exp"]


def test_a_users_az_login_serves_every_service_and_subscription(
    az: RealAz, nadia: ScriptedUser, program: Program
) -> None:
    """After `az login --use-device-code` there is nothing to set up; a profile selects the subscription."""
    az.sign_in_as_user(nadia)
    environment = program.environment | {"PATH": az.environment["PATH"]}
    program.environment = environment
    for service in ("graph", "arm"):
        done = program("get", service)
        assert done.code == 0, done.err
        assert token_claims(done.out.strip())["upn"] == "nadia@northwind-partner.example"
    program.profile('[profile.work]\ndeveloper_tool = "azure-cli"\nsubscription = "Northwind Production"\n')
    assert program("get", "arm", "--profile", "work").code == 0
    program.profile('[profile.work]\ndeveloper_tool = "azure-cli"\nsubscription = "Southwind"\n')
    done = program("get", "arm", "--profile", "work")
    assert (done.code, done.out) == (2, "")
    assert "The Azure CLI has no subscription 'Southwind'." in done.err
    assert "next: List those of its accounts: az account list --all --output table" in done.err


def test_the_second_get_does_not_start_az(az: RealAz, program: Program) -> None:
    """The token comes from the cache until the sign-in changes."""
    az.sign_in_as_application()
    program.environment["PATH"] = az.environment["PATH"]
    first = program("get", "graph")
    assert first.code == 0, first.err
    requests = len(az.entra.requests)
    assert program("get", "graph").out == first.out
    assert len(az.entra.requests) == requests
    assert az.run("logout").returncode == 0
    after = program("get", "graph")
    assert after.code == 2
    assert "Azure CLI: nobody is signed in to az" in after.err


def test_an_unknown_tenant_is_refused_with_our_message(az: RealAz) -> None:
    """az ends with several lines of MSAL's; Entra's code decides about the message."""
    az.sign_in_as_application()
    client = Client("12345678-1234-1234-1234-123456789012", "", AzureCli(timeout_in=60))
    with pytest.raises(Misconfigured, match="AADSTS90002") as caught:
        client.get_token("graph")
    assert "12345678-1234-1234-1234-123456789012" in caught.value.remedy
    assert "tenant_name" not in str(caught.value)  # a word of MSAL's


def test_a_tenant_on_the_command_line_is_passed_to_az(az: RealAz, nadia: ScriptedUser, program: Program) -> None:
    """With nothing but an `az login`, `--tenant` needs no application beside it; each tenant has its own token."""
    az.sign_in_as_user(nadia)
    program.environment["PATH"] = az.environment["PATH"]
    tenant = az.entra.state.default_tenant.id
    done = program("get", "graph", "--tenant", tenant)
    assert done.code == 0, done.err
    assert token_claims(done.out.strip())["tid"] == tenant
    nowhere = "12345678-1234-1234-1234-123456789012"
    refused = program("get", "graph", "--tenant", nowhere)
    assert (refused.code, refused.out) == (4, ""), refused.err
    assert "AADSTS90002" in refused.err
    assert nowhere in refused.err
