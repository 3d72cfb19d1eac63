"""`mstoken get -o`: each output format, read back by what it is for."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from azure.identity import AzureCliCredential, AzureDeveloperCliCredential
from tests.support.at_entra import NADIA, sign_in
from tests.support.program import MSTOKEN, Program, one_token
from tests.support.pwsh import needs_pwsh, run_pwsh

from entra_emulator import Emulator


def test_json_has_the_times_in_two_forms(at_entra: Program) -> None:
    """Epoch seconds and ISO 8601 in UTC are the same moment."""
    shown = json.loads(at_entra("get", "graph", "--output", "json").out)
    assert shown["token"] == one_token(at_entra("get", "graph"))
    assert shown["token_type"] == "Bearer"
    assert datetime.fromisoformat(shown["expires_at"]) == datetime.fromtimestamp(shown["expires_on"], UTC)
    assert shown["expires_at"].endswith("Z")
    assert shown["refresh_on"] < shown["expires_on"]


def test_header_is_ready_for_curl(at_entra: Program) -> None:
    """The output is one line for `curl -H @-`."""
    token = one_token(at_entra("get", "graph"))
    assert one_token(at_entra("get", "graph", "-o", "header")) == f"Authorization: Bearer {token}"


def test_headers_are_an_object_for_mcp_clients(at_entra: Program) -> None:
    """Standard output is one JSON object of headers, also for a signed request, and nothing else."""
    token = one_token(at_entra("get", "graph"))
    printed = at_entra("get", "graph", "-o", "headers-json")
    assert json.loads(one_token(printed)) == {"Authorization": f"Bearer {token}"}
    bound = at_entra("get", "graph", "--pop", "https://graph.microsoft.com/v1.0/me", "-o", "headers-json")
    assert json.loads(bound.out)["Authorization"].startswith("PoP ")


def test_headers_without_a_token(anonymous: Program, entra: Emulator) -> None:
    """Without an identity, and when a person must sign in: an exit code, the command, and no output to misread."""
    done = anonymous("get", "graph", "-o", "headers-json")
    assert (done.code, done.raw) == (2, b"")
    sign_in(anonymous, entra)
    entra.revoke(NADIA)
    done = anonymous("get", "graph", "-o", "headers-json")
    assert (done.code, done.raw) == (3, b"")
    assert "mstoken login" in done.err


def test_env_is_safe_to_evaluate(at_entra: Program) -> None:
    """A shell that evaluates the output sets the variables to the token and its expiry."""
    shown = json.loads(at_entra("get", "graph", "-o", "json").out)
    script = f'eval "$({MSTOKEN} get graph -o env)"; printenv MSTOKEN_ACCESS_TOKEN MSTOKEN_EXPIRES_ON'
    told = subprocess.run(
        ["sh", "-c", script], env=at_entra.environment, capture_output=True, text=True, check=True
    ).stdout
    assert told.splitlines() == [shown["token"], str(shown["expires_on"])]


def test_env_sets_the_variable_that_name_gives(at_entra: Program) -> None:
    """`--name` chooses the variable; the same command from the cache prints the same."""
    token = one_token(at_entra("get", "graph"))
    for _ in range(2):
        assert at_entra("get", "graph", "-o", "env", "--name", "GRAPH").out == f"export GRAPH='{token}'\n"


@needs_pwsh
def test_powershell_is_safe_to_evaluate(at_entra: Program, tmp_path: Path) -> None:
    """Invoke-Expression sets the variables for the session and its programs; from the cache, the same."""
    shown = json.loads(at_entra("get", "graph", "-o", "json").out)
    program = """
    mstoken get graph -o powershell | Invoke-Expression
    $env:MSTOKEN_ACCESS_TOKEN; $env:MSTOKEN_EXPIRES_ON
    mstoken get graph -o powershell --name GRAPH | Invoke-Expression
    $env:GRAPH
    """
    done = run_pwsh(program, at_entra.environment, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [shown["token"], str(shown["expires_on"]), shown["token"]]


def test_dotenv_is_one_line_that_every_reader_takes(at_entra: Program) -> None:
    """No quotes: Docker would take them for a part of the token. From the cache, the same."""
    token = one_token(at_entra("get", "graph"))
    for _ in range(2):
        assert at_entra("get", "graph", "-o", "dotenv").out == f"MSTOKEN_ACCESS_TOKEN={token}\n"
    assert at_entra("get", "graph", "-o", "dotenv", "--name", "T").out == f"T={token}\n"


@pytest.mark.parametrize(("form", "variable"), [("github-env", "GITHUB_ENV"), ("github-output", "GITHUB_OUTPUT")])
def test_github_masks_the_token_and_appends_it_to_the_runners_file(
    at_entra: Program, tmp_path: Path, form: str, variable: str
) -> None:
    """The job's log gets the mask and nothing else; what an earlier step wrote stays, on a line of its own."""
    token, path = one_token(at_entra("get", "graph")), tmp_path / "runner"
    path.write_text("EARLIER=step without an end")
    for name in ((), ("--name", "GRAPH")):
        done = at_entra("get", "graph", "-o", form, *name, **{variable: str(path)})
        assert (done.out, done.err, done.code) == (f"::add-mask::{token}\n", "", 0)
    expected = ["EARLIER=step without an end", f"MSTOKEN_ACCESS_TOKEN={token}", f"GRAPH={token}"]
    assert path.read_text().splitlines() == expected


@pytest.mark.parametrize("form", ["github-env", "github-output"])
def test_github_formats_are_refused_elsewhere_before_anything_is_requested(
    at_entra: Program, entra: Emulator, form: str
) -> None:
    """Without the runner's variable there is nowhere to put the token, and it does not go to the log instead."""
    before = len(entra.token_requests)
    done = at_entra("get", "graph", "-o", form)
    assert (done.out, done.code) == ("", 2)
    assert done.err == (
        f"mstoken: error: {form.upper().replace('-', '_')} is not set: this is not a step of GitHub Actions.\n"
        "  next: Elsewhere, use -o env, -o powershell or -o dotenv.\n"
    )
    assert len(entra.token_requests) == before


def test_a_github_file_that_cannot_be_written_leaves_the_token_masked(at_entra: Program, tmp_path: Path) -> None:
    """The mask comes first, so that nothing that fails later can show the token."""
    done = at_entra("get", "graph", "-o", "github-env", GITHUB_ENV=str(tmp_path))
    assert done.code == 2
    assert done.out.startswith("::add-mask::")
    assert "Is a directory" in done.err


@pytest.mark.parametrize("name", ["1ST", "A-B", "A B", "x;echo", "GRÜN", "$(id)"])
def test_a_name_that_is_no_variable_is_refused(at_entra: Program, name: str) -> None:
    """What no shell can set, or would run, is never printed."""
    done = at_entra("get", "graph", "-o", "env", "--name", name)
    assert (done.out, done.code) == ("", 2)
    assert "is not the name of a variable" in done.err


def test_a_name_without_a_format_that_sets_a_variable_is_refused(at_entra: Program) -> None:
    """It would have no effect otherwise."""
    done = at_entra("get", "graph", "--name", "GRAPH")
    assert (done.out, done.code) == ("", 2)
    assert "--name is for the formats that set a variable" in done.err


def test_az_is_what_the_azure_sdk_reads(at_entra: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """azure-identity reads the token and its expiry from an `az` that prints our output, in any time zone."""
    _stand_in(at_entra, monkeypatch, tmp_path, "az", "-o az")
    expected = json.loads(at_entra("get", "arm", "-o", "json").out)
    for zone in ("UTC", "America/New_York"):
        monkeypatch.setenv("TZ", zone)
        got = AzureCliCredential().get_token("https://management.azure.com/.default")
        assert (got.token, got.expires_on) == (expected["token"], expected["expires_on"])


def test_az_has_the_local_time_with_microseconds(at_entra: Program) -> None:
    """expiresOn is naive local time, expires_on the same moment as epoch seconds, tenant the configured one."""
    shown = json.loads(at_entra("get", "arm", "-o", "az", TZ="America/New_York").out)
    local = datetime.strptime(shown["expiresOn"], "%Y-%m-%d %H:%M:%S.%f")  # noqa: DTZ007 - naive is the contract
    utc = datetime.fromtimestamp(shown["expires_on"], UTC).replace(tzinfo=None)
    assert (utc - local).total_seconds() in {4 * 3600, 5 * 3600}
    assert (shown["tenant"], shown["tokenType"]) == (at_entra.environment["AZURE_TENANT_ID"], "Bearer")


def test_azd_is_what_the_azure_sdk_reads(at_entra: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """azure-identity reads the token and its expiry from an `azd` that prints our output."""
    _stand_in(at_entra, monkeypatch, tmp_path, "azd", "-o azd")
    monkeypatch.setenv("TZ", "UTC")  # elsewhere azure-identity reads azd's UTC as local time, a bug of its own
    expected = json.loads(at_entra("get", "arm", "-o", "json").out)
    got = AzureDeveloperCliCredential().get_token("https://management.azure.com/.default")
    assert (got.token, got.expires_on) == (expected["token"], expected["expires_on"])


def _stand_in(program: Program, monkeypatch: pytest.MonkeyPatch, folder: Path, name: str, options: str) -> None:
    """Make an executable `name` on the PATH that runs mstoken."""
    tools = folder / "tools"
    tools.mkdir()
    script = tools / name
    script.write_text(f"#!/bin/sh\nexec {MSTOKEN} get arm {options}\n")
    script.chmod(0o755)
    for variable, value in program.environment.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
