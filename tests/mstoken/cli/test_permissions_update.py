"""`mstoken permissions update`: the complete public lists, from a server or a folder, and what they are used for."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.support.program import MSTOKEN, Program
from tests.support.public_permissions import FILES, PERMISSIONS, READ_ID, serve, write
from tests.support.token_service import Reply, TokenService

from mstoken.permissions.sources import sources

REPAIR = ("POST", "/subscriptions/s/providers/Microsoft.Bicycles/shops/one/repair")


@pytest.fixture
def mstoken(tmp_path: Path) -> Program:
    return Program(tmp_path)


def stored(mstoken: Program, name: str) -> Any:
    return json.loads((mstoken.config / name).read_text())


def test_it_shows_address_size_checksum_and_license_before_it_stores(
    mstoken: Program, token_service: TokenService
) -> None:
    """Without a terminal and without --yes nothing is stored, and the error says how."""
    address = serve(token_service)
    result = mstoken("permissions", "update", "graph", "--from", address)
    assert result.code == 2
    content = json.dumps(FILES["permissions.json"]).encode()
    for fact in (
        f"{address}/permissions.json",
        f"{len(content):,} bytes",
        hashlib.sha256(content).hexdigest(),
        "MIT, Copyright (c) 2020 Microsoft Graph",
        "1 paths, 2 operations",
    ):
        assert fact in result.out
    assert "--yes" in result.err
    assert list(mstoken.config.iterdir()) == []
    assert all("Authorization" not in request.headers for request in token_service.requests)


def test_the_fetched_list_answers_for_what_our_table_lacks(mstoken: Program, token_service: TokenService) -> None:
    """Also with the ids that the list has; our own table still counts for what it has."""
    assert mstoken("permissions", "GET", "/bicycles/7").code == 2
    result = mstoken("permissions", "update", "graph", "--yes", "--from", serve(token_service))
    assert (result.code, result.err) == (0, "")
    found = json.loads(mstoken("permissions", "GET", "/bicycles/7", "-o", "json").out)
    assert found["application"] == ["Bicycle.Read.All", "Bicycle.ReadWrite.All"]
    assert f"{READ_ID}=Role" in found["grant"]["application"][0]
    assert json.loads(mstoken("permissions", "GET", "/me", "-o", "json").out)["delegated"][0] == "User.Read"


def test_ids_and_consent_are_those_of_the_public_cloud(mstoken: Program, tmp_path: Path) -> None:
    """An id of a test environment, or one of two, is not used; the notice of the license stays with the copy."""
    assert mstoken("permissions", "update", "graph", "--yes", "--from", str(write(tmp_path / "files"))).code == 0
    document = stored(mstoken, "graph-permissions.json")
    assert document["delegated_ids"] == document["application_ids"] == {"Bicycle.Read.All": READ_ID}
    assert document["by_users"] == ["Bicycle.Read.All", "Bicycle.ReadWrite.All"]
    assert document["source"]["copyright"] == "Copyright (c) 2020 Microsoft Graph"


def test_a_user_consents_alone_where_the_list_says_so(mstoken: Program, tmp_path: Path) -> None:
    mstoken("permissions", "update", "graph", "--yes", "--from", str(write(tmp_path / "files")))
    assert "Sign in again and consent" in mstoken("permissions", "GET", "/bicycles/7").out


def test_fetched_roles_stand_before_the_general_ones(mstoken: Program, tmp_path: Path) -> None:
    """Only those of the service itself that people assign, the narrowest first; none with a condition."""
    before = json.loads(mstoken("permissions", *REPAIR, "-o", "json").out)
    assert before["roles"] == ["Contributor", "Owner"]
    assert mstoken("permissions", "update", "azure", "--yes", "--from", str(write(tmp_path / "files"))).code == 0
    found = json.loads(mstoken("permissions", *REPAIR, "-o", "json").out)
    assert found["roles"] == ["Bicycle Repair Operator", "Bicycle Contributor", "Contributor"]
    assert stored(mstoken, "azure-roles.json")["roles"]["Bicycle Agent"]["id"] == "id of Bicycle Agent"


def test_the_same_files_again_are_up_to_date_and_others_replace_them(
    mstoken: Program, token_service: TokenService
) -> None:
    """Without a question for the same bytes."""
    address = serve(token_service)
    assert mstoken("permissions", "update", "graph", "--yes", "--from", address).code == 0
    again = mstoken("permissions", "update", "graph", "--from", address, "-o", "json")
    assert again.code == 0
    assert json.loads(again.out)[0]["state"] == "unchanged"
    newer = {"permissions": {"Tram.Read.All": PERMISSIONS["permissions"]["Bicycle.Read.All"]}}
    result = mstoken(
        "permissions", "update", "graph", "--yes", "--from", serve(token_service, permissions=newer), "-o", "json"
    )
    assert json.loads(result.out)[0]["state"] == "stored"
    assert "Tram.Read.All" in mstoken("permissions", "GET", "/bicycles/7").out


@pytest.mark.parametrize(("typed", "kept"), [("y\n", True), ("\n", False), ("no\n", False)])
def test_at_a_terminal_it_asks(mstoken: Program, tmp_path: Path, typed: str, *, kept: bool) -> None:
    import os
    import pty

    ours, theirs = pty.openpty()
    try:
        os.write(ours, typed.encode())
        done = subprocess.run(
            [MSTOKEN, "permissions", "update", "azure", "--from", write(tmp_path / "files")],
            stdin=theirs,
            capture_output=True,
            env=mstoken.environment,
            timeout=60,
            check=False,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.returncode == 0
    assert b"Type y to store it" in done.stderr
    assert (mstoken.config / "azure-roles.json").exists() is kept


def test_a_file_without_an_expected_checksum_is_refused(mstoken: Program, tmp_path: Path) -> None:
    folder = write(tmp_path / "files")
    digests = [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in sources()["graph"].files]
    options = [part for digest in digests for part in ("--sha256", digest.upper())]
    refused = mstoken("permissions", "update", "graph", "--yes", "--from", str(folder), *options[:2])
    assert (refused.code, refused.out) == (2, "")
    assert f"provisioningInfo.json has the SHA-256 {digests[1]}" in refused.err
    assert mstoken("permissions", "update", "graph", "--yes", "--from", str(folder), *options).code == 0


@pytest.mark.parametrize(
    ("changed", "name", "said"),
    [
        ({"permissions": "<html>sign in</html>"}, "graph", "permissions.json is not JSON"),
        ({"permissions": {"permissions": [1]}}, "graph", "not Microsoft's list of Graph permissions"),
        ({"provisioningInfo": {}}, "graph", "list of the ids"),
        ({"built-in-roles-raw": []}, "azure", "not the list of Azure's built-in roles"),
        ({"built-in-roles-raw": [{"roleName": "x", "roleType": "BuiltInRole"}]}, "azure", "not the list of Azure's"),
    ],
)
def test_other_files_are_refused_by_name(
    mstoken: Program, token_service: TokenService, changed: dict[str, Any], name: str, said: str
) -> None:
    result = mstoken("permissions", "update", name, "--yes", "--from", serve(token_service, **changed))
    assert (result.code, result.out) == (2, "")
    assert said in result.err
    assert list(mstoken.config.iterdir()) == []


def test_what_cannot_be_fetched_is_said(mstoken: Program, token_service: TokenService, tmp_path: Path) -> None:
    serve(token_service)
    cases = [
        (("graph", "--from", f"{token_service.url}/elsewhere"), 4, "returned 404"),
        (("graph", "--from", "http://public.example/data"), 2, "is not https"),
        (("graph", "--from", str(tmp_path / "nothing")), 2, "cannot be read"),
        (("--from", str(tmp_path)), 2, "one data set"),
        (("gcp",), 2, "'gcp' is not one of"),
    ]
    for arguments, code, said in cases:
        result = mstoken("permissions", "update", "--yes", *arguments)
        assert (result.code, result.out) == (code, "")
        assert said in result.err
    token_service.script = [Reply(503)]
    assert mstoken("permissions", "update", "--yes", "graph", "--from", token_service.url).code == 5


@pytest.mark.parametrize("content", ["{", "[1]", '{"operations": {}}', '{"dated": 1, "operations": 7}'])
def test_a_spoiled_file_is_reported_and_our_own_table_used(mstoken: Program, content: str) -> None:
    (mstoken.config / "graph-permissions.json").write_text(content)
    result = mstoken("permissions", "GET", "/me")
    assert result.code == 0
    assert "mstoken permissions update" in result.err
    assert "User.Read" in result.out


def test_a_spoiled_list_of_roles_too(mstoken: Program) -> None:
    (mstoken.config / "azure-roles.json").write_text('{"roles": [1]}')
    result = mstoken("permissions", *REPAIR)
    assert "azure-roles.json cannot be read" in result.err
    assert "Contributor" in result.out


def test_help_has_both(mstoken: Program) -> None:
    """The name of the command is no method, so both forms live beside each other."""
    assert "METHOD URL" in mstoken("permissions", "--help").out
    assert "[graph|azure]..." in mstoken("help", "permissions", "update").out
    assert "Missing argument 'METHOD'" in mstoken("permissions").err
