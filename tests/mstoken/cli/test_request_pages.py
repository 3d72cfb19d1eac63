"""`mstoken request`: a service before a path, every page, and files."""

from __future__ import annotations

import json

import pytest
from tests.support.program import Program

from entra_emulator import Emulator


def test_every_page_is_printed_as_lines(at_entra: Program, entra: Emulator) -> None:
    before = len(entra.requests)
    result = at_entra("request", "GET", "graph:/users?$top=1&$select=id", "--all")
    assert (result.code, result.err) == (0, "")
    found = [json.loads(line)["id"] for line in result.out.splitlines()]
    assert sorted(found) == sorted(user.id for user in entra.state.default_tenant.users)
    assert sum("/users" in one.path for one in entra.requests[before:]) == len(found) > 1


def test_every_page_shows_its_head(at_entra: Program, entra: Emulator) -> None:
    result = at_entra("request", "GET", "graph:/users?$top=1&$select=id", "--all", "--include")
    pages = len(entra.state.default_tenant.users)
    assert (result.code, len(result.out.splitlines())) == (0, pages)
    assert result.err.count("HTTP 200\n") == pages > 1


def test_what_is_not_a_collection_is_one_line(at_entra: Program, entra: Emulator) -> None:
    user = entra.state.default_tenant.users[0]
    result = at_entra("request", "GET", f"graph:/users/{user.id}", "--all")
    assert result.code == 0
    assert json.loads(result.out)["id"] == user.id


def test_an_error_ends_the_pages_with_its_exit_code(at_entra: Program) -> None:
    result = at_entra("request", "GET", "graph:/no-such-collection", "--all")
    assert result.code == 4
    assert result.out == ""
    assert "returned 400" in result.err or "returned 404" in result.err


def test_save_writes_a_response_and_no_error(at_entra: Program) -> None:
    path = at_entra.folder / "organization.json"
    result = at_entra("request", "GET", "graph:/organization", "--save", str(path))
    assert (result.code, result.out) == (0, "")
    assert json.loads(path.read_bytes())["value"]
    path.write_text("before")
    result = at_entra("request", "GET", "graph:/no-such-collection", "--save", str(path))
    assert result.code == 4
    assert "error" in json.loads(result.out)
    assert path.read_text() == "before"
    assert [one.name for one in at_entra.folder.glob("*organization*")] == ["organization.json"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--all", "--save", "x"], "--save writes one response"),
        (["--save", "no/such/folder/x"], "cannot be written"),
        (["--save", ""], "--save is empty"),
    ],
)
def test_options_that_cannot_be_followed_are_refused(at_entra: Program, arguments: list[str], message: str) -> None:
    result = at_entra("request", "GET", "graph:/organization", *arguments)
    assert result.code == 2
    assert message in result.err


def test_slurp_prints_one_array(at_entra: Program, entra: Emulator) -> None:
    result = at_entra("request", "GET", "graph:/users?$top=1&$select=id", "--all", "--slurp")
    assert (result.code, result.err) == (0, "")
    assert [user["id"] for user in json.loads(result.out)] == [user.id for user in entra.state.default_tenant.users]


def test_slurp_prints_nothing_if_a_page_failed(at_entra: Program, entra: Emulator) -> None:
    """An array that lacks the rest would look complete."""
    entra.inject(service="graph", status=403, path="*/users", times=1)
    result = at_entra("request", "GET", "graph:/users", "--all", "--slurp")
    assert (result.code, result.out) == (4, "")


def test_a_limit_of_pages_says_that_there_are_more(at_entra: Program) -> None:
    result = at_entra("request", "GET", "graph:/users?$top=1&$select=id", "--all", "--max-pages", "1")
    assert (result.code, len(result.out.splitlines())) == (0, 1)
    assert result.err == "mstoken: Stopped after 1 page; the collection has more (--max-pages).\n"


def test_a_page_elsewhere_gets_nothing(at_entra: Program, entra: Emulator) -> None:
    """The items of the page before it are printed; the exit code is that of an error."""
    entra.inject(service="graph", next_link="https://evil.example/v1.0/users")
    result = at_entra("request", "GET", "graph:/users?$select=id", "--all")
    assert (result.code, len(result.out.splitlines())) == (4, len(entra.state.default_tenant.users))
    assert "The next page is at https://evil.example, not at https://graph.microsoft.com" in result.err


@pytest.mark.parametrize("option", [["--slurp"], ["--max-pages", "3"]])
def test_options_for_pages_need_all(at_entra: Program, option: list[str]) -> None:
    result = at_entra("request", "GET", "graph:/users", *option)
    assert result.code == 2
    assert f"{option[0]} is for all pages" in result.err
