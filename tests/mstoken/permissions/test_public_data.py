"""Microsoft's public list of Graph permissions becomes our table; its documented traps are avoided."""

from __future__ import annotations

from typing import Any

import pytest

from mstoken.errors import UsageError
from mstoken.permissions.public_data import condensed, plain_path


def permission(schemes: dict[str, int], *path_sets: tuple[list[str], list[str], dict[str, str]]) -> dict[str, Any]:
    """Return a permission with privilege levels by scheme, and its path sets: schemes, methods, paths."""
    return {
        "schemes": {name: {"privilegeLevel": level} for name, level in schemes.items()},
        "pathSets": [{"schemeKeys": keys, "methods": methods, "paths": paths} for keys, methods, paths in path_sets],
    }


def table(**permissions: dict[str, Any]) -> Any:
    return condensed({"permissions": {name.replace("_", "."): fields for name, fields in permissions.items()}})


BOTH = {"DelegatedWork": 2, "Application": 3}


def test_the_least_privileged_permission_is_first() -> None:
    """Also if it comes later in the list; without a mark, the lower privilege level wins."""
    found = table(
        User_ReadWrite_All=permission(BOTH, (["DelegatedWork"], ["GET"], {"/users": ""})),
        User_Read_All=permission(BOTH, (["DelegatedWork"], ["GET"], {"/users": "least=DelegatedWork"})),
    )
    assert found == {"/users": {"GET": {"delegated": ["User.Read.All", "User.ReadWrite.All"]}}}


def test_of_several_marked_as_least_the_lowest_level_counts() -> None:
    found = table(
        User_ReadWrite_All=permission(
            {"DelegatedWork": 4}, (["DelegatedWork"], ["GET"], {"/u": "least=DelegatedWork"})
        ),
        User_ReadBasic_All=permission(
            {"DelegatedWork": 1}, (["DelegatedWork"], ["GET"], {"/u": "least=DelegatedWork"})
        ),
    )
    assert found["/u"]["GET"]["delegated"][0] == "User.ReadBasic.All"


def test_an_application_has_no_me() -> None:
    """The list says that it may POST /me/sendMail, which cannot work; /messages is another path."""
    paths = {"/me/sendMail": "least=Application,DelegatedWork", "/messages": ""}
    found = table(Mail_Send=permission(BOTH, (["DelegatedWork", "Application"], ["POST"], paths)))
    assert found["/me/sendmail"]["POST"] == {"delegated": ["Mail.Send"]}
    assert set(found["/messages"]["POST"]) == {"delegated", "application"}


def test_personal_accounts_are_left_out() -> None:
    found = table(User_Read=permission({"DelegatedPersonal": 1}, (["DelegatedPersonal"], ["GET"], {"/me": ""})))
    assert found == {}


def test_what_is_required_beside_a_permission_is_kept() -> None:
    paths = {"/a": "least=Application;AlsoRequires=B.Read.All,C.Read.All"}
    found = table(A_ReadWrite_All=permission(BOTH, (["Application"], ["POST"], paths)))
    assert found["/a"]["POST"]["application"] == ["A.ReadWrite.All+B.Read.All|C.Read.All"]


def test_placeholders_of_every_spelling_are_one() -> None:
    """The list has 87 spellings, mixed letter case, and functions with arguments."""
    assert plain_path("/Groups/{group-id}/members/{Id}/") == "/groups/{}/members/{}"
    assert plain_path("/applications(appid={value})") == "/applications(appid={})"


@pytest.mark.parametrize(
    "document",
    [None, [], {}, {"permissions": []}, {"permissions": {"A": {}}}, {"permissions": {"A": {"schemes": 1}}}, "text"],
)
def test_another_document_is_refused_by_name(document: Any) -> None:
    with pytest.raises(UsageError, match="not Microsoft's list"):
        condensed(document)
