"""`Client.from_profile` and `AsyncClient.from_profile`: a profile's identity, with this machine's stores."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT, TokenService

from entra_emulator import Emulator
from mstoken import UsageError
from mstoken.protocol.jwt import decode

MSTOKEN = Path(sys.executable).with_name("mstoken")


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The configuration file of a user whose environment sets nothing else."""
    for name in os.environ:
        if name.startswith(("AZURE_", "MSTOKEN_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("MSTOKEN_CONFIG_DIR", str(tmp_path))
    monkeypatch.setenv("MSTOKEN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("MSTOKEN_VAULT_KEY", base64.b64encode(bytes(32)).decode())
    return tmp_path / "config.toml"


def write(config: Path, **profile: str) -> None:
    config.write_text("[profile.work]\n" + "".join(f'{key} = "{value}"\n' for key, value in profile.items()))
    config.chmod(0o600)


@pytest.fixture
def app_profile(config: Path, token_service: TokenService, monkeypatch: pytest.MonkeyPatch) -> None:
    """A profile of an application, whose secret is in a variable."""
    monkeypatch.setenv("WORK_SECRET", "secret-of-the-profile")
    settings = {"tenant": TENANT, "client_id": CLIENT_ID, "client_secret": "env:WORK_SECRET"}
    write(config, **settings, authority=token_service.url)


@pytest.mark.usefixtures("app_profile")
def test_the_profile_selects_identity_and_authority(runner: Runner, token_service: TokenService) -> None:
    """Tenant, client ID, secret and authority are those of the profile; its reference is followed."""
    client: Any = runner.client_class.from_profile("work")
    assert runner.run(lambda: client.get_token("graph")).token == "token-1"
    [request] = token_service.requests
    assert request.path == f"/{TENANT}/oauth2/v2.0/token"
    assert (request.form["client_id"], request.form["client_secret"]) == (CLIENT_ID, "secret-of-the-profile")


@pytest.mark.usefixtures("app_profile")
def test_tokens_are_cached_in_the_users_stores(runner: Runner, token_service: TokenService) -> None:
    """A second client of the profile returns the first one's token without a request."""
    clients: list[Any] = [runner.client_class.from_profile("work") for _ in range(2)]
    tokens = [runner.run(lambda: client.get_token("graph")).token for client in clients]  # noqa: B023
    assert tokens == ["token-1", "token-1"]
    assert len(token_service.requests) == 1


def run_mstoken(*arguments: str, stdin: str = "") -> str:
    done = subprocess.run([MSTOKEN, *arguments], input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_sign_in_of_the_command_line_is_used_and_renewed(
    entra: Emulator, config: Path, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`mstoken login` stores it; the client gets the user's token, and a new refresh token replaces the stored one."""
    user, tenant, app = "nadia@northwind-partner.example", entra.state.default_tenant, entra.state.default_app
    monkeypatch.setenv("WORK_SECRET", app.secrets[0].value)
    where = ["--tenant", tenant.id, "--client-id", app.id, "--authority", entra.authority]
    reference = ["--client-secret-ref", "env:WORK_SECRET"]
    run_mstoken("login", "--profile", "work", *where, *reference, "--no-verify", stdin=entra.sign_in(user))

    client: Any = runner.client_class.from_profile("work")
    token = runner.run(lambda: client.get_token("arm"))
    assert decode(token.token).claims["upn"] == user
    [sign_in] = json.loads(run_mstoken("accounts", "-o", "json"))
    assert (sign_in["account"], len(sign_in["renewals"])) == ("work", 1)


def test_a_profile_that_does_not_exist_is_named(runner: Runner, config: Path) -> None:
    """The error names it, and no request is made."""
    write(config, tenant=TENANT)
    with pytest.raises(UsageError, match="elsewhere"):
        runner.client_class.from_profile("elsewhere")
