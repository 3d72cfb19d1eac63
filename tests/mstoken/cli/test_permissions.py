"""`mstoken permissions`: what a call needs, before it is made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.program import Program

APP = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b01"


@pytest.fixture
def mstoken(tmp_path: Path) -> Program:
    program = Program(tmp_path)
    program.environment |= {"AZURE_CLIENT_ID": APP, "AZURE_TENANT_ID": "contoso.example"}
    return program


@pytest.mark.parametrize("url", ["/me", "graph:/me", "https://graph.microsoft.com/v1.0/me?$select=id"])
def test_a_call_of_graph_shows_both_kinds_of_permission(mstoken: Program, url: str) -> None:
    """The least privileged one first, and the commands that grant it; an application has no /me."""
    result = mstoken("permissions", "GET", url)
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[0].startswith("GET /")
    assert lines[1].split()[:2] == ["delegated", "User.Read,"]
    assert f"az ad app permission add --id {APP}" in lines[2]
    assert "mstoken login --tenant contoso.example" in lines[3]
    assert lines[4].split(maxsplit=1) == ["application", "not possible"]


def test_json_has_every_permission(mstoken: Program) -> None:
    result = json.loads(mstoken("permissions", "get", "/users", "-o", "json").out)
    assert (result["method"], result["path"], result["guessed"]) == ("GET", "/users", False)
    assert result["application"][0] == "User.ReadBasic.All"
    assert "User.Read.All" in result["delegated"]
    assert set(result["grant"]) == {"delegated", "application"}
    assert any("mstoken get graph" in step for step in result["grant"]["application"])


def test_a_guess_is_marked(mstoken: Program) -> None:
    assert "a guess" in mstoken("permissions", "GET", "/users/$count").out


def test_a_call_of_resource_manager_shows_action_and_roles(mstoken: Program) -> None:
    """Placeholders may stand for ids, and the scope is that of the path."""
    result = mstoken("permissions", "PUT", "/subscriptions/{id}/resourceGroups/{name}")
    assert result.code == 0
    action, roles, grant = (line.split(maxsplit=1)[1] for line in result.out.splitlines()[1:])
    assert action == "Microsoft.Resources/subscriptions/resourceGroups/write"
    assert roles.startswith("Contributor")
    assert f"--assignee {APP} --role Contributor --scope '/subscriptions/{{id}}/resourceGroups/{{name}}'" in grant


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("PATCH", "/nothing/here"), "not in the table"),
        (("PUT", "/me"), "The table has GET"),
        (("GET", "partner:/customers"), "The permissions of partner are not known"),
        (("GET", "/tenants?api-version=2022-12-01"), "names no action"),
        (("GET", "users"), "is not a URL"),
    ],
    ids=["unknown", "other method", "other service", "no action", "no URL"],
)
def test_what_is_not_known_is_an_error(mstoken: Program, arguments: tuple[str, str], said: str) -> None:
    result = mstoken("permissions", *arguments)
    assert (result.code, result.out) == (2, "")
    assert said in result.err
