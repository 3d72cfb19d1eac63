"""Which permissions a call of Graph needs, according to the table that comes with mstoken."""

from __future__ import annotations

import re

import pytest

from mstoken.permissions.requirements import first_words, graph_path, in_words, own_table, suffices


@pytest.mark.parametrize(
    ("method", "path", "delegated", "application"),
    [
        ("GET", "/users", "User.ReadBasic.All", "User.ReadBasic.All"),
        ("GET", "/v1.0/users", "User.ReadBasic.All", "User.ReadBasic.All"),
        ("get", "/beta/Users/?$top=5", "User.ReadBasic.All", "User.ReadBasic.All"),
        ("GET", "/me", "User.Read", None),
        ("POST", "/users/ana@contoso.example/sendMail", "Mail.Send", "Mail.Send"),
        ("POST", "/me/sendMail", "Mail.Send", None),
        ("GET", "/communications/callRecords/3c1b7b9e-5f0a-4d5c-9a52-000000000001", None, "CallRecords.Read.All"),
        ("POST", "/applications/{id}/addPassword", "Application.ReadWrite.All", "Application.ReadWrite.OwnedBy"),
        ("GET", "/users('ana@contoso.example')", "User.ReadBasic.All", "User.ReadBasic.All"),
    ],
)
def test_a_call_has_the_least_permission_of_each_caller(
    method: str, path: str, delegated: str | None, application: str | None
) -> None:
    """Version, query, letter case and the value of an id do not matter; None means that the caller cannot call."""
    found = own_table().find(method, path)
    assert found is not None
    assert (found.delegated and found.delegated[0], found.application and found.application[0]) == (
        delegated,
        application,
    )
    assert not found.guessed


@pytest.mark.parametrize(
    ("method", "path", "row"),
    [
        ("GET", "/users/$count", "/users"),
        ("DELETE", "/groups/1/owners/$ref", "/groups/{}"),
        ("GET", "/groups/1/members/microsoft.graph.user", "/groups/{}/members"),
    ],
)
def test_a_path_that_the_list_lacks_gets_its_neighbor_as_a_guess(method: str, path: str, row: str) -> None:
    found = own_table().find(method, path)
    assert found is not None
    assert (found.path, found.guessed, found.method) == (row, True, method)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/nothing/of/the/kind"), ("PUT", "/me"), ("GET", "/users/1/2/3/4/5"), ("GET", ""), ("GET", "/$count")],
)
def test_an_unknown_call_is_unknown(method: str, path: str) -> None:
    assert own_table().find(method, path) is None


def test_an_id_is_not_taken_for_an_operator() -> None:
    """`$count` in the place of an id is not an id, and the literal path wins over the placeholder."""
    table = own_table()
    assert graph_path("//v1.0//me/") == "/me"
    literal = table.find("GET", "/users/delta")
    assert literal is None or literal.path in {"/users/delta", "/users/{}"}
    assert table.find("POST", "/users/$count") is None or table.find("POST", "/users/$count").guessed  # type: ignore[union-attr]


def test_the_methods_of_a_path_are_listed() -> None:
    assert {"GET", "POST"} <= set(own_table().methods("/users"))
    assert own_table().methods("/nope") == ()


def test_every_row_of_the_table_is_well_formed() -> None:
    """Paths are normalized, each entry names permissions, and an application has no /me."""
    table, entry_form = own_table(), re.compile(r"[A-Z]\w*(?:[.-]\w+)+(?:[+|][A-Z]\w*(?:[.-]\w+)+)*")
    assert len([1 for methods in table.operations.values() for _ in methods]) > 200
    for path, methods in table.operations.items():
        assert path == graph_path(path)
        for method, callers in methods.items():
            assert method in {"GET", "POST", "PATCH", "PUT", "DELETE"}
            assert callers
            assert set(callers) <= {"delegated", "application"}
            assert not (path.startswith("/me") and "application" in callers), path
            for entries in callers.values():
                assert entries
                assert all(entry_form.fullmatch(entry) for entry in entries), (path, method, entries)


def test_nearly_every_row_has_a_permission_that_a_command_can_grant() -> None:
    """The command needs the permission's id; the least privileged entry that has one is granted."""
    table = own_table()
    rows = [
        (path, caller == "delegated", entries)
        for path, methods in table.operations.items()
        for row in methods.values()
        for caller, entries in row.items()
    ]
    missing = [path for path, user, entries in rows if not _has_id(table.to_grant(entries, user=user), user=user)]
    assert len(missing) <= len(rows) // 30, missing


def _has_id(entry: str, *, user: bool) -> bool:
    return bool(own_table().permission_id(entry.partition("+")[0].partition("|")[0], user=user))


def test_a_permission_that_only_an_owner_grants_is_not_the_one_to_grant() -> None:
    """It stays the least privileged one that is named."""
    found = own_table().find("GET", "/chats/1/messages")
    assert found is not None
    assert found.application is not None
    assert found.application[0] == "ChatMessage.Read.Chat"
    assert own_table().to_grant(found.application, user=False) == "Chat.Read.All"


def test_what_suffices() -> None:
    """One of the alternatives of every part."""
    assert suffices("A.Read", {"A.Read"})
    assert not suffices("A.Read", {"A.Write"})
    assert suffices("A.Write+B.Read|C.Read", {"A.Write", "C.Read"})
    assert not suffices("A.Write+B.Read|C.Read", {"A.Write"})
    assert in_words("A.Write+B.Read|C.Read") == "A.Write with B.Read or C.Read"


@pytest.mark.parametrize(
    ("entries", "text"),
    [
        (["A"], "A"),
        (["A", "B"], "A or B"),
        (["A", "B", "C"], "A, B or C"),
        (["A", "B", "C", "D", "E"], "A, B, C or one of 2 others"),
    ],
)
def test_entries_in_words(entries: list[str], text: str) -> None:
    assert first_words(entries) == text
