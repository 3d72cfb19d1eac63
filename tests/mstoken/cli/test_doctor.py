"""mstoken doctor, by transcript: in an empty environment, in a GitHub Actions job, in an AKS pod, on a machine."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.program import Program, RunResult
from tests.support.token_service import Reply, TokenService
from tests.support.tool_stand_ins import StandIn

from entra_emulator import Emulator

TENANT = "3c1b7b9e-5f0a-4d5c-9a52-7d0a4d1c0e01"
CLIENT_ID = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b01"
IDENTITY = {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": CLIENT_ID}
JOB = {
    **IDENTITY,
    "GITHUB_ACTIONS": "true",
    "ACTIONS_ID_TOKEN_REQUEST_URL": "https://pipelines.actions.githubusercontent.com/x?api-version=2.0&k=url-secret",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "job-secret",
}


@pytest.fixture
def program(anonymous: Program) -> Program:
    """The program, with only the emulator's authority and certificate configured."""
    return anonymous


@pytest.fixture
def pod(program: Program, tmp_path: Path) -> dict[str, str]:
    """The variables of a pod with workload identity and identity binding."""
    (tmp_path / "token").write_text("eyJhbGciOiJSUzI1NiJ9.e30.federated-secret")
    return {
        **IDENTITY,
        "AZURE_FEDERATED_TOKEN_FILE": str(tmp_path / "token"),
        "AZURE_KUBERNETES_TOKEN_PROXY": "https://10.0.0.1:443/bind",
        "AZURE_KUBERNETES_SNI_NAME": "binding.example",
        "AZURE_KUBERNETES_CA_DATA": "ca-data-secret",
    }


@pytest.fixture
def late_host() -> Iterator[TokenService]:
    """A sign-in host whose clock is ten minutes behind ours."""
    from email.utils import formatdate
    from time import time

    service = TokenService()
    service.script = [lambda _: Reply(200, {}, {"Date": formatdate(time() - 600, usegmt=True)})]
    yield service
    service.close()


def section(result: RunResult, title: str) -> list[str]:
    """Return the lines below a heading."""
    found = re.search(rf"^{re.escape(title)}\n((?:  .*\n)*)", result.out, re.MULTILINE)
    return [line.strip() for line in found[1].splitlines()] if found else []


def settled(result: RunResult, program: Program, entra: Emulator) -> str:
    """Return the output with the parts that differ between runs replaced."""
    text = result.out.replace(str(program.folder), "HOME").replace(entra.authority, "AUTHORITY")
    cache = program.environment["MSTOKEN_CACHE_DIR"]
    return re.sub(r"  +", "  ", re.sub(r"127\.0\.0\.1:(?!9\b)\d+", "127.0.0.1:PORT", text.replace(cache, "CACHE")))


def test_in_an_empty_environment(program: Program, entra: Emulator) -> None:
    """Every link says why it is absent; exit code and error are those of mstoken get."""
    result = program("doctor")
    text = settled(result, program, entra)
    assert text.startswith(
        "Identity\n  environment  absent: not set: AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET or "
    )
    assert (
        "  workload identity  absent: not set: AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_FEDERATED_TOKEN_FILE\n"
        "  managed identity  absent: not running on Azure (no metadata service at http://127.0.0.1:9)\n"
        "  profile  absent: there is no profile named default in HOME/config/config.toml\n"
        "  Azure CLI  absent: az is not installed\n"
        "  Azure PowerShell  absent: pwsh is not installed\n"
        "  Azure Developer CLI  absent: azd is not installed\n"
        "\n"
        "Sign-in host\n"
        "  AUTHORITY  responds; the clocks agree\n"
    ) in text
    assert "  configuration  HOME/config/config.toml: not there\n" in text
    assert "  sign-ins  CACHE/vault: created when needed\n" in text
    assert text.endswith("\nNo token can be requested.\n")
    get = program("get", "graph")
    assert (result.code, result.err) == (get.code, get.err) == (2, result.err)


def test_in_a_github_job(program: Program, entra: Emulator) -> None:
    """Doctor names the job's OIDC token without showing or requesting it."""
    before = len(entra.requests)
    result = program("doctor", **JOB)
    assert section(result, "Identity")[1:] == [
        f"workload identity    used: client {CLIENT_ID} in tenant {TENANT}, by client assertion of GitHub Actions",
        "managed identity     not reached",
        "profile              not reached",
        "Azure CLI            not reached",
        "Azure PowerShell     not reached",
        "Azure Developer CLI  not reached",
    ]
    assert "ACTIONS_ID_TOKEN_REQUEST_TOKEN     set" in section(result, "Environment")
    assert "ACTIONS_ID_TOKEN_REQUEST_URL       set" in section(result, "Environment")
    assert (result.code, result.err) == (0, "")
    assert result.out.endswith("A token can be requested, with this identity: workload identity.\n")
    assert [(one.method, one.status) for one in entra.requests[before:]] == [("GET", 200)]


def test_in_a_pod(program: Program, entra: Emulator, pod: dict[str, str]) -> None:
    """Doctor names the token file and the token proxy; tokens and certificates do not show."""
    result = program("doctor", **pod)
    assert section(result, "Identity")[1] == (
        f"workload identity    used: client {CLIENT_ID} in tenant {TENANT}, by workload identity, "
        "through the token proxy https://10.0.0.1:443/bind"
    )
    shown = dict(line.split(maxsplit=1) for line in section(result, "Environment"))
    assert shown["AZURE_KUBERNETES_TOKEN_PROXY"] == "https://10.0.0.1:443/bind"
    assert shown["AZURE_KUBERNETES_CA_DATA"] == "set"
    assert (result.code, result.err) == (0, "")


def test_a_pod_without_its_token_file_fails_as_get_does(program: Program, pod: dict[str, str]) -> None:
    """Doctor reports what would make mstoken get fail."""
    pod["AZURE_FEDERATED_TOKEN_FILE"] = "/proc/nowhere/token"
    result = program("doctor", **pod)
    assert result.code == program("get", "graph", **pod).code == 2
    assert "/proc/nowhere/token" in result.err
    assert result.out.endswith("No token can be requested.\n")


def test_on_a_machine(program: Program, entra: Emulator) -> None:
    """Doctor names the source of the managed identity, and sends only a probe."""
    with entra.machine() as machine:
        result = program("doctor", **machine.environment("imds"))
        [probe] = machine.requests
        assert (probe.status, probe.scope) == (400, None)
        got = program("doctor", **machine.environment("app_service"))
        assert len(machine.requests) == 1
    assert section(result, "Identity")[2].startswith("managed identity     used: the system-assigned identity")
    assert machine.url("app_service") in section(got, "Identity")[2]
    assert result.code == got.code == 0


def test_a_part_of_a_platforms_variables_is_named(program: Program) -> None:
    """Doctor and the error say which variable is missing, and IMDS is not asked in its place."""
    part = {"AZURE_POD_IDENTITY_AUTHORITY_HOST": "", "IDENTITY_ENDPOINT": "http://127.0.0.1:41/msi/token"}
    why = "IDENTITY_ENDPOINT is set, but not IDENTITY_HEADER (App Service, Functions, Service Fabric) or IMDS_ENDPOINT"
    result = program("doctor", **part)
    assert section(result, "Identity")[2].startswith(f"managed identity     absent: {why}")
    assert f"managed identity: {why}" in program("get", "graph", **part).err
    alone = program("get", "graph", **part, AZURE_TOKEN_CREDENTIALS="ManagedIdentityCredential")
    assert alone.err.startswith(f"mstoken: error: {why}")
    assert "unset IDENTITY_ENDPOINT" in alone.err


def test_a_region_is_not_used_and_doctor_says_so(program: Program, entra: Emulator) -> None:
    """Of the variables of the Azure SDKs, this one changes no token here; `mstoken get` prints no note about it."""
    given = IDENTITY | {"AZURE_CLIENT_SECRET": entra.state.default_app.secrets[0].value}
    result = program("doctor", **given, AZURE_REGIONAL_AUTHORITY_NAME="westeurope")
    [note] = section(result, "Notes")
    assert "AZURE_REGIONAL_AUTHORITY_NAME is set and not used: regional sign-in hosts serve Microsoft's own" in note
    got = program("get", "graph", **given, AZURE_REGIONAL_AUTHORITY_NAME="westeurope")
    assert (got.code, got.err) == (0, "")


def test_a_profile_without_its_sign_in_fails(program: Program) -> None:
    """Doctor looks the profile's sign-in up in the vault; it does not fall back to the chain."""
    program.profile(f'[profile.work]\ntenant = "{TENANT}"\nclient_id = "{CLIENT_ID}"\naccount = "work"\n')
    result = program("doctor", "--profile", "work")
    assert section(result, "Identity")[0].startswith("options or MSTOKEN_PROFILE  used: client")
    assert "mstoken login" in result.err
    assert result.code == program("get", "graph", "--profile", "work").code


def test_a_host_that_does_not_respond_is_reported(program: Program, entra: Emulator) -> None:
    """The exit code is 5, as for any network failure; the proxy's password does not show."""
    secret = entra.state.default_app.secrets[0].value
    closed = "http://user:hidden@127.0.0.1:9"
    given = IDENTITY | {"AZURE_CLIENT_SECRET": secret, "HTTPS_PROXY": closed, "https_proxy": closed}
    result = program("doctor", **given, AZURE_AUTHORITY_HOST="login.microsoftonline.com")
    assert "no response: The proxy http://127.0.0.1:9 refused the connection" in section(result, "Sign-in host")[0]
    network = dict(line.split(maxsplit=1) for line in section(result, "Proxies and certificates"))
    assert network["https_proxy"] == "the proxy is http://127.0.0.1:9, with a name and a password"
    assert network["HTTPS_PROXY"] == "not used: https_proxy counts"
    assert result.code == 5
    assert "Check https_proxy and NO_PROXY." in result.err
    assert "hidden" not in result.out + result.err


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("HTTPS_PROXY", '"http://user:hidden@127.0.0.1:9"'),
        ("ALL_PROXY", "ftp://user:hidden@127.0.0.1:9"),
        ("NO_PROXY", "10.0.0.0/99"),
        ("SSL_CERT_FILE", "/proc/nowhere/ca.pem"),
        ("SSL_CERT_DIR", "/proc/nowhere"),
        ("REQUESTS_CA_BUNDLE", "/proc/nowhere/bundle.pem"),
    ],
)
def test_a_network_setting_that_cannot_be_used_is_named(
    program: Program, entra: Emulator, name: str, written: str
) -> None:
    """As text and as JSON, with the error and the exit code of `mstoken get`, which sends nothing."""
    who = IDENTITY | {"AZURE_CLIENT_SECRET": entra.state.default_app.secrets[0].value}
    unset = dict.fromkeys(("https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY"), "")
    proxy = {} if name in {"HTTPS_PROXY", "ALL_PROXY"} else {"HTTPS_PROXY": "http://127.0.0.1:9"}
    given = who | unset | proxy | {"AZURE_AUTHORITY_HOST": "login.microsoftonline.com", name: written}
    text, get = program("doctor", **given), program("get", "graph", **given)
    assert (text.code, text.err) == (get.code, get.err)
    assert text.code == 2
    assert name in text.err
    assert f"{name} " in "\n".join(section(text, "Proxies and certificates"))
    assert "cannot be used: " in text.out
    found = json.loads(program("doctor", "-o", "json", **given).out)
    [setting] = [one for one in found["network"] if one["name"] == name]
    assert setting["error"] == found["problem"]["message"]
    assert setting["remedy"] == found["problem"]["remedy"]
    assert "hidden" not in text.out + text.err + get.err + json.dumps(found)


def test_a_wrong_clock_is_reported(program: Program, late_host: TokenService) -> None:
    """Ten minutes are more than Entra accepts."""
    result = program("doctor", **IDENTITY, AZURE_CLIENT_SECRET="x", AZURE_AUTHORITY_HOST=late_host.url)
    assert re.search(r"this machine's clock is (9 minutes|10 minutes) ahead", section(result, "Sign-in host")[0])
    assert [request.method for request in late_host.requests] == ["GET"]


def test_secrets_never_show(program: Program, entra: Emulator, pod: dict[str, str]) -> None:
    """Not in text, not in JSON, not in errors; nor does a secret in the place of an ID."""
    secrets = {
        "AZURE_CLIENT_SECRET": "hidden-1",
        "AZURE_PASSWORD": "hidden-2",
        "MSTOKEN_REFRESH_TOKEN": "hidden-3",
        "MSTOKEN_VAULT_KEY": "aGlkZGVuLTQ=",
        "IDENTITY_HEADER": "hidden-5",
        "MSI_SECRET": "hidden-6",
        "AZURE_NEW_THING": "hidden-7",
        "AZURE_CLIENT_ID": "hidden-8~secret",
    }
    for form in ("text", "json"):
        result = program("doctor", "-o", form, **(JOB | pod | secrets))
        everything = result.out + result.err
        for secret in ("hidden", "aGlkZGVu", "job-secret", "url-secret", "federated-secret", "ca-data-secret"):
            assert secret not in everything


def test_as_json(program: Program, entra: Emulator) -> None:
    """One object with all results, for scripts, the exit code included."""
    result = program("doctor", "-o", "json")
    found: dict[str, Any] = json.loads(result.out)
    links = ("environment", "workload identity", "managed identity", "profile")
    tools = ("Azure CLI", "Azure PowerShell", "Azure Developer CLI")
    assert [(link["name"], link["state"]) for link in found["links"]] == [(name, "absent") for name in (*links, *tools)]
    assert found["authority"]["url"] == entra.authority
    assert abs(found["authority"]["clock_ahead_in"]) < 5
    assert found["environment"]["AZURE_AUTHORITY_HOST"] == entra.authority
    assert found["exit_code"] == result.code == 2
    assert found["problem"]["remedy"]


def test_an_invalid_choice_is_reported_with_the_rest(program: Program) -> None:
    """A diagnosis does not end at the first problem."""
    result = program("doctor", AZURE_TOKEN_CREDENTIALS="production")
    assert result.code == 2
    assert "AZURE_TOKEN_CREDENTIALS" in result.err
    assert section(result, "Places")


def test_a_tools_sign_in_is_found_without_starting_the_tool(program: Program, tmp_path: Path) -> None:
    """Doctor requests no token: the tool's own files say that somebody is signed in."""
    az = StandIn(tmp_path, "az")
    program.environment |= {"PATH": str(az.bin), "HOME": str(tmp_path)}
    assert "Azure CLI            absent: nobody is signed in to az" in section(program("doctor"), "Identity")
    az.signed_in()
    result = program("doctor")
    assert f"Azure CLI            used: whoever is signed in to Azure CLI, by {az.path}" in section(result, "Identity")
    assert (result.code, az.runs) == (0, 0)
