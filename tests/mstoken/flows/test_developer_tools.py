"""The sign-ins of the Azure CLI, Azure PowerShell and the Azure Developer CLI; stand-ins print what the tools print."""

from __future__ import annotations

import base64
import os
import time
from pathlib import Path
from typing import Any

import pytest
from tests.support.runners import Runner
from tests.support.tool_stand_ins import TOOLS, StandIn

from mstoken import (
    AccessBlocked,
    AzureCli,
    AzurePowerShell,
    NotConfigured,
    SignInRequired,
    TryLater,
    UnreadableAnswer,
    UsageError,
)
from mstoken.config.chain import default_settings
from mstoken.credentials.developer_tools import find_program

TENANT = "3c1b7b9e-5f0a-4d5c-9a52-7d0a4d1c0e01"
GRAPH = "https://graph.microsoft.com"
SECRET = "Zq8~kJh3LmN0pQrS7tUvWxYz1234567890ab.cD"


@pytest.fixture(params=TOOLS)
def tool(request: pytest.FixtureRequest, tmp_path: Path) -> StandIn:
    """Each of the three tools, with somebody signed in."""
    made = StandIn(tmp_path, request.param)
    made.signed_in()
    return made


@pytest.fixture
def az(tmp_path: Path) -> StandIn:
    """The Azure CLI, with somebody signed in."""
    made = StandIn(tmp_path, "az")
    made.signed_in()
    return made


def ask(runner: Runner, tool: StandIn, *scopes: str, tenant: str = "", **options: Any) -> Any:
    """A token of a new client with the tool's credential."""
    client = runner.client(tenant, "", tool.credential())
    return runner.run(lambda: client.get_token(*(scopes or ("graph",)), **options))


def test_the_tools_token_is_returned_with_its_expiry(runner: Runner, tool: StandIn) -> None:
    """Expiry is epoch seconds, whatever form the tool writes it in."""
    tool.prints_token("from-the-tool", 3000)
    token = ask(runner, tool)
    assert token.token == "from-the-tool"
    assert abs(token.expires_on - time.time() - 3000) < 60


def test_a_second_call_does_not_start_the_tool(runner: Runner, tool: StandIn) -> None:
    """Its tokens are cached like any others."""
    tool.prints_token("once")
    client = runner.client("", "", tool.credential())
    for _ in range(2):
        assert runner.run(lambda: client.get_token("graph")).token == "once"
    assert tool.runs == 1


def test_another_sign_in_to_the_tool_gets_another_token(tool: StandIn) -> None:
    """`az login` as somebody else changes the cache partition, so that nobody gets the previous user's token."""
    from mstoken import Client
    from mstoken.stores.memory import memory_stores

    stores = memory_stores()
    for user in ("nadia", "otto"):
        tool.signed_in(user)
        tool.prints_token(f"token-of-{user}")
        assert Client("", "", tool.credential(), stores=stores).get_token("graph").token == f"token-of-{user}"
    tool.signed_in("nadia")
    assert Client("", "", tool.credential(), stores=stores).get_token("graph").token == "token-of-nadia"


def test_without_a_sign_in_file_processes_share_no_token(tmp_path: Path) -> None:
    """The partition is then one of this process alone."""
    tool = StandIn(tmp_path, "az")
    nobody = AzureCli(environment={"HOME": "/proc/nowhere"})
    assert tool.credential().sign_in_fingerprint() == nobody.sign_in_fingerprint()
    tool.signed_in()
    assert tool.credential().sign_in_fingerprint() != nobody.sign_in_fingerprint()


def test_az_receives_the_resource_and_the_tenant(runner: Runner, az: StandIn) -> None:
    """The arguments are those that azure-identity uses."""
    az.prints_token("t")
    ask(runner, az, tenant=TENANT)
    wanted = ["account", "get-access-token", "--output", "json", "--resource", GRAPH, "--tenant", TENANT]
    assert az.arguments == wanted


def test_a_call_can_select_another_tenant(runner: Runner, az: StandIn) -> None:
    """`tenant_id` of get_token is passed on, and each tenant has its own token."""
    az.prints_token("t")
    ask(runner, az, tenant_id="contoso.com")
    assert az.arguments[-2:] == ["--tenant", "contoso.com"]


def test_az_receives_single_permissions_as_scopes(runner: Runner, az: StandIn) -> None:
    """Only a resource's default scope can be named by its resource."""
    az.prints_token("t")
    ask(runner, az, f"{GRAPH}/User.Read", f"{GRAPH}/Mail.Read")
    assert az.arguments[4:] == ["--scope", f"{GRAPH}/User.Read", f"{GRAPH}/Mail.Read"]


def test_a_subscription_is_passed_to_az(runner: Runner, az: StandIn) -> None:
    """It selects the account; az accepts no tenant beside it."""
    az.prints_token("t")
    client = runner.client("", "", AzureCli("Northwind Production", environment=az.environment))
    runner.run(lambda: client.get_token("graph"))
    assert az.arguments[-2:] == ["--subscription", "Northwind Production"]


def test_a_subscription_of_another_tenant_is_refused(runner: Runner, az: StandIn) -> None:
    """The tenant in az's answer is compared with the requested one."""
    az.prints('{"accessToken": "t", "expires_on": 4102444800, "tenant": "72f988bf-86f1-41af-91ab-2d7cd011db47"}')
    client = runner.client(TENANT, "", AzureCli("elsewhere", environment=az.environment))
    with pytest.raises(UsageError, match="not of 3c1b7b9e"):
        runner.run(lambda: client.get_token("graph"))


@pytest.mark.parametrize("subscription", ["a & calc", "a'b", "$(id)", 'a"b', "a\nb"])
def test_a_subscription_that_a_shell_could_run_is_refused(subscription: str) -> None:
    """On Windows az is a batch file, whose arguments a shell reads."""
    with pytest.raises(UsageError, match="cannot be passed to az"):
        AzureCli(subscription)


def test_a_scope_that_a_shell_could_run_is_refused(runner: Runner, tool: StandIn) -> None:
    """Nothing is started."""
    with pytest.raises(UsageError, match="cannot be passed"):
        ask(runner, tool, "api://orders&calc/.default")
    assert tool.runs == 0


def test_azd_receives_scope_tenant_and_claims(runner: Runner, tmp_path: Path) -> None:
    """azd alone can meet a claims challenge without a new sign-in."""
    azd = StandIn(tmp_path, "azd")
    azd.prints_token("t")
    claims = '{"access_token":{"nbf":{"essential":true}}}'
    ask(runner, azd, tenant=TENANT, claims=claims)
    wanted = ["auth", "token", "--output", "json", "--no-prompt", "--scope", f"{GRAPH}/.default", "--tenant-id", TENANT]
    assert azd.arguments == [*wanted, "--claims", base64.b64encode(claims.encode()).decode()]


def test_powershell_gets_an_encoded_script(runner: Runner, tmp_path: Path) -> None:
    """It loads no profile, prompts for nothing, and asks for the resource in the tenant."""
    pwsh = StandIn(tmp_path, "pwsh")
    pwsh.prints_token("t")
    ask(runner, pwsh, tenant=TENANT)
    assert pwsh.arguments[:3] == ["-NoProfile", "-NonInteractive", "-EncodedCommand"]
    script = base64.b64decode(pwsh.arguments[3]).decode("utf-16-le")
    assert f"Get-AzAccessToken -WarningAction Ignore -ResourceUrl '{GRAPH}' -TenantId '{TENANT}'" in script


def test_powershell_has_no_tokens_for_single_permissions(runner: Runner, tmp_path: Path) -> None:
    """Get-AzAccessToken takes a resource only."""
    with pytest.raises(UsageError, match="cannot request single permissions"):
        ask(runner, StandIn(tmp_path, "pwsh"), f"{GRAPH}/User.Read")


def test_a_tool_that_is_not_installed_is_named(runner: Runner, tool: StandIn) -> None:
    """The message says where to get it and how to sign in."""
    tool.path.unlink()
    with pytest.raises(NotConfigured, match="is not installed") as caught:
        ask(runner, tool)
    assert "https://learn.microsoft.com/" in caught.value.remedy
    assert tool.credential().sign_in_command in caught.value.remedy


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("az", "ERROR: Please run 'az login' to setup account."),
        ("azd", '{"error": "not logged in, run `azd auth login` to login"}'),
        ("pwsh", "Get-AzAccessToken: Run Connect-AzAccount to login."),
    ],
)
def test_a_tool_without_a_sign_in_says_how_to_sign_in(runner: Runner, tmp_path: Path, program: str, said: str) -> None:
    """The command names the tenant that was asked for."""
    tool = StandIn(tmp_path, program)
    tool.prints("", said, code=1)
    with pytest.raises(SignInRequired, match="Nobody is signed in") as caught:
        ask(runner, tool, tenant=TENANT)
    assert f"{tool.credential().sign_in_command} " in caught.value.remedy
    assert TENANT in caught.value.remedy


def test_entras_error_is_explained(runner: Runner, tool: StandIn) -> None:
    """The code decides about the error's class; the next step is the tool's own sign-in."""
    tool.prints("", f"ERROR: AADSTS50173: The grant is revoked. Trace ID: 1-2\n{SECRET}\naz login", code=1)
    with pytest.raises(SignInRequired, match="AADSTS50173") as caught:
        ask(runner, tool)
    assert tool.credential().sign_in_command in caught.value.remedy
    assert SECRET not in str(caught.value)
    tool.prints("", "AADSTS53003: Access is blocked by Conditional Access policies.", code=1)
    with pytest.raises(AccessBlocked):
        ask(runner, tool)


def test_what_a_failing_tool_prints_is_in_no_message(runner: Runner, tool: StandIn) -> None:
    """It may be anything; the message says which command shows it."""
    tool.prints(SECRET, f"Traceback: password={SECRET}", code=7)
    with pytest.raises(UnreadableAnswer, match="exit code 7") as caught:
        ask(runner, tool)
    assert SECRET not in f"{caught.value!r} {caught.value}"
    assert "Run it yourself" in caught.value.remedy


@pytest.mark.parametrize("printed", ["", "[]", "null", "{}", '{"token": 7, "accessToken": 7, "expires_on": 1}', "eyJ"])
def test_output_without_a_token_is_refused(runner: Runner, tool: StandIn, printed: str) -> None:
    """Nothing is guessed from it, and it is in no message."""
    tool.prints(printed)
    with pytest.raises(UnreadableAnswer, match="not a token response"):
        ask(runner, tool)


def test_a_claims_challenge_needs_a_new_sign_in_to_az(runner: Runner, az: StandIn) -> None:
    """az meets it only at sign-in; the command has the challenge in it."""
    with pytest.raises(SignInRequired, match="claims challenge") as caught:
        ask(runner, az, claims='{"access_token":{"acrs":{"essential":true,"value":"c1"}}}')
    assert "az login --scope https://graph.microsoft.com/.default --claims-challenge eyJh" in caught.value.remedy
    assert az.runs == 0


def test_a_tool_that_hangs_is_killed_with_its_children(runner: Runner, tool: StandIn) -> None:
    """az is a script that starts Python; a program that it started must not keep mstoken waiting."""
    tool.prints("", seconds=60)
    client = runner.client("", "", tool.credential(timeout_in=0.5))
    started = time.monotonic()
    with pytest.raises(TryLater, match=r"no token within 0\.5 seconds"):
        runner.run(lambda: client.get_token("graph"))
    assert time.monotonic() - started < 10


def test_the_tool_runs_apart_from_the_current_folder_and_mstokens_secrets(
    runner: Runner, tool: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gets the rest of the environment, as its own settings and proxies are there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MSTOKEN_VAULT_KEY", SECRET)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:8080")
    tool.prints_token("t")
    ask(runner, tool)
    assert tool.cwd == os.path.realpath("/bin")
    assert "MSTOKEN_VAULT_KEY" not in tool.inherited
    assert tool.inherited["HTTPS_PROXY"] == "http://proxy.example:8080"


@pytest.mark.parametrize("path", ["", ".", "bin", ":bin", "::", "./bin:"])
def test_a_program_in_the_current_folder_is_not_found(az: StandIn, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """Only absolute folders of PATH are searched: the current folder may be somebody else's."""
    monkeypatch.chdir(az.folder)
    assert (az.folder / "bin" / "az").exists()
    assert find_program("az", {"PATH": path}) == ""


def chain_client(runner: Runner, environ: dict[str, str]) -> Any:
    return runner.client_class.from_settings(default_settings(environ=environ))


def test_the_default_chain_ends_with_the_tools(runner: Runner, tool: StandIn, clean: dict[str, str]) -> None:
    """An existing sign-in works without any setting."""
    tool.prints_token("from-the-chain")
    client = chain_client(runner, clean | tool.environment)
    assert runner.run(lambda: client.get_token("graph")).token == "from-the-chain"
    assert client.credential.served.name == tool.credential().tool


def test_the_chain_tries_the_tools_in_azure_identitys_order(
    runner: Runner, tmp_path: Path, clean: dict[str, str]
) -> None:
    """az, then PowerShell, then azd; one that nobody is signed in to is not started."""
    names = [link.name for link in default_settings(environ=clean).credential.links]  # type: ignore[union-attr]
    assert names[-3:] == ["Azure CLI", "Azure PowerShell", "Azure Developer CLI"]
    tool = StandIn(tmp_path, "az")
    with pytest.raises(NotConfigured, match="Azure CLI: nobody is signed in to az"):
        runner.run(lambda: chain_client(runner, clean | tool.environment).get_token("graph"))
    assert tool.runs == 0


def test_an_expired_sign_in_of_a_tool_is_skipped(runner: Runner, az: StandIn, clean: dict[str, str]) -> None:
    """az itself decides; the next link is tried."""
    az.prints("", "Please run 'az login' to setup account.", code=1)
    with pytest.raises(NotConfigured, match="Azure PowerShell: pwsh is not installed"):
        runner.run(lambda: chain_client(runner, clean | az.environment).get_token("graph"))


def test_a_refusal_of_a_tools_sign_in_ends_the_chain(runner: Runner, az: StandIn, clean: dict[str, str]) -> None:
    """As with every link: another identity in its place would be a surprise."""
    az.prints("", "AADSTS50173: The grant is revoked.", code=1)
    with pytest.raises(SignInRequired, match="AADSTS50173"):
        runner.run(lambda: chain_client(runner, clean | az.environment).get_token("graph"))


@pytest.mark.parametrize(
    ("choice", "outcome"),
    [
        ("AzureCliCredential", "used"),
        ("dev", "used"),
        ("prod", "left out"),
        ("AzurePowerShellCredential", "left out"),
    ],
)
def test_azure_token_credentials_selects_a_tool(
    runner: Runner, az: StandIn, clean: dict[str, str], choice: str, outcome: str
) -> None:
    """The names are azure-identity's."""
    az.prints_token("t")
    client = chain_client(runner, clean | az.environment | {"AZURE_TOKEN_CREDENTIALS": choice})
    if outcome == "used":
        assert runner.run(lambda: client.get_token("graph")).token == "t"
    else:
        with pytest.raises(NotConfigured, match="excludes it"):
            runner.run(lambda: client.get_token("graph"))
        assert az.runs == 0


def test_a_tools_fields_show_no_environment() -> None:
    """The repr of a credential is for logs."""
    assert repr(AzurePowerShell(environment={"PATH": "/bin"})) == "AzurePowerShell(timeout_in=20.0)"
