"""`mstoken request --delta FILE`: changes as lines of JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.program import Program

from entra_emulator import Emulator
from entra_emulator.model import User

URL = "graph:/users/delta"


def test_the_next_run_prints_what_has_changed(at_entra: Program, entra: Emulator, tmp_path: Path) -> None:
    command = ("request", "GET", URL, "--param", "select=displayName", "--delta", str(tmp_path / "users.delta"))
    first = at_entra(*command)
    users = entra.state.default_tenant.users
    assert [json.loads(line)["id"] for line in first.out.splitlines()] == [user.id for user in users]
    users.append(User("new@northwind-partner.example", "New"))
    second = at_entra(*command)
    assert (second.code, second.err) == (0, "")
    assert [json.loads(line)["displayName"] for line in second.out.splitlines()] == ["New"]


@pytest.mark.parametrize("given", [["--all"], ["--save", "x"], ["-o", "csv"], ["-d", "{}"], ["--include"]])
def test_changes_are_lines_of_a_get_request(at_entra: Program, tmp_path: Path, given: list[str]) -> None:
    result = at_entra("request", "GET", URL, "--delta", str(tmp_path / "x"), *given)
    assert (result.code, result.out) == (2, "")
    assert "--delta exclude each other: changes are lines of JSON." in result.err
