"""`mstoken services`: the catalogue for users and programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.program import Program

from mstoken.services import catalogue


@pytest.fixture
def mstoken(tmp_path: Path) -> Program:
    return Program(tmp_path)


def test_a_search_prints_aligned_columns(mstoken: Program) -> None:
    """One match per line, name first, scope in the third column, without headings for a program."""
    result = mstoken("services", "key", "vault")
    assert (result.code, result.err) == (0, "")
    assert result.out == "keyvault  Azure Key Vault  https://vault.azure.net/.default\n"


def test_all_services_of_the_public_cloud_are_listed(mstoken: Program) -> None:
    """Without a text every service of the cloud is listed, in aligned columns."""
    result = mstoken("services")
    lines = result.out.splitlines()
    expected = [service for service in catalogue() if "public" in service.endpoints]
    assert [line.split()[0] for line in lines] == [service.name for service in expected]
    assert len({line.index(service.title) for line, service in zip(lines, expected, strict=True)}) == 1


def test_services_that_need_a_user_or_are_unverified_are_marked(mstoken: Program) -> None:
    """The last column marks services that an application alone cannot use, and unconfirmed ones."""
    rows = {line.split()[0]: line for line in mstoken("services").out.splitlines()}
    assert rows["partner"].endswith("  needs a user")
    assert rows["aadgraph"].endswith("  retired")
    assert rows["graph"].endswith("/.default")
    recalled = next(
        service for service in catalogue() if service.verified == "recalled" and "public" in service.endpoints
    )
    assert "unverified" in rows[recalled.name].split("  ")[-1]


def test_the_cloud_determines_the_scopes(mstoken: Program) -> None:
    """--cloud, or the cloud of environment and profile, determines the services and scopes shown."""
    named = mstoken("services", "graph", "--cloud", "AzureChinaCloud", "--output", "json")
    assert json.loads(named.out)[0]["scope"] == "https://microsoftgraph.chinacloudapi.cn/.default"
    assert mstoken("services", "graph", "-o", "json", MSTOKEN_CLOUD="china").out == named.out
    assert mstoken("services", "graph", "-o", "json", AZURE_AUTHORITY_HOST="login.chinacloudapi.cn").out == named.out
    mstoken.profile('[profile.default]\ntenant = "t.example"\nclient_id = "c"\ncloud = "china"\n')
    assert mstoken("services", "graph", "-o", "json").out == named.out


def test_an_invalid_configuration_does_not_prevent_a_listing(mstoken: Program) -> None:
    """The catalogue does not need the profile."""
    mstoken.profile("this is no TOML [")
    assert mstoken("services", "vault").code == 0


def test_json_has_every_field(mstoken: Program) -> None:
    """One list with all that a user needs of each service."""
    found = json.loads(mstoken("services", "spo", "-o", "json").out)[0]
    assert found["name"] == "sharepoint"
    assert found["scope"] == "https://*.sharepoint.com/.default"
    assert {"app_id", "api", "instances", "needs_user", "verified", "retired", "clouds"} <= found.keys()


def test_names_are_printed_one_per_line(mstoken: Program) -> None:
    """For loops in a shell."""
    names = mstoken("services", "-o", "names").out.splitlines()
    assert "graph" in names
    assert all(" " not in name for name in names)


def test_a_terminal_gets_headings_and_rows_that_fit(mstoken: Program) -> None:
    """At a terminal the columns have headings, and titles are shortened so that rows fit on a line."""
    result = mstoken.at_terminal("services", "microsoft", columns=124)
    lines = result.out.splitlines()
    assert lines[0].split() == ["NAME", "TITLE", "SCOPE", "REMARKS"]
    assert all(len(line) <= 124 for line in lines)
    assert any("…" in line for line in lines)
    assert "…" not in mstoken("services", "microsoft").out


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://graph.microsoft.com/v1.0/me", "graph"),
        ("https://org.crm4.dynamics.com", "dataverse"),
        ("https://myvault.vault.azure.net/secrets/x?api-version=7.4", "keyvault"),
        ("https://api.partnercenter.microsoft.com/user_impersonation", "partner"),
    ],
)
def test_a_url_finds_its_service(mstoken: Program, address: str, name: str) -> None:
    """Remedies name `mstoken services` with the requested resource, which is often an instance's own."""
    result = mstoken("services", address, "-o", "names")
    assert (result.code, result.out, result.err) == (0, f"{name}\n", "")


@pytest.mark.parametrize(
    ("arguments", "next_step"),
    [
        (("gragh",), "  next: Did you mean graph?"),
        (("https://nowhere.example/x",), "  next: For an API outside the catalogue, pass its scope"),
        (("kubernetes", "--cloud", "delos"), "  next: Other clouds have"),
        (("--cloud", "chima"), "  next: Did you mean china?"),
    ],
)
def test_a_search_without_a_match_is_an_error_with_a_suggestion(
    mstoken: Program, arguments: tuple[str, ...], next_step: str
) -> None:
    """Exit code 2, nothing on standard output, and a hint."""
    result = mstoken("services", *arguments)
    assert (result.code, result.out) == (2, "")
    assert next_step in result.err
