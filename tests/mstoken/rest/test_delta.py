"""What has changed since the last run: with Client and AsyncClient, at the emulator and at an API that misbehaves."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest
from tests.mstoken.rest.test_pages import Api, at_emulator, listed, page
from tests.support.runners import Runner
from tests.support.token_service import Reply, TokenService

from entra_emulator import Emulator
from entra_emulator.model import User
from mstoken import ApiRefused, UntrustedOrigin, UsageError

URL = "graph:/users/delta?$select=displayName"


def test_only_changes_come_and_the_file_is_private(runner: Runner, entra: Emulator, tmp_path: Path) -> None:
    client, file = at_emulator(runner, entra), tmp_path / "users.delta"
    users = entra.state.default_tenant.users

    def run() -> list[Any]:
        return listed(runner, client, "delta", URL, str(file), headers={"Prefer": "odata.maxpagesize=1"})

    assert [item["id"] for item in run()] == [user.id for user in users]
    assert set(json.loads(file.read_bytes())) == {"resource", "tenant", "link"}
    if os.name == "posix":
        assert file.stat().st_mode & 0o777 == 0o600
    assert run() == []
    gone = users.pop()
    users.append(User("new@northwind-partner.example", "New"))
    assert [item.get("displayName", item.get("@removed")) for item in run()] == ["New", {"reason": "changed"}]
    assert gone.id
    assert [path.name for path in tmp_path.iterdir()] == ["users.delta"]


def test_an_expired_link_starts_over_and_says_so(
    runner: Runner, entra: Emulator, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """410 with a Location after seven days, and syncStateNotFound when the service has forgotten the run."""
    client, file = at_emulator(runner, entra), str(tmp_path / "users.delta")
    every = listed(runner, client, "delta", URL, file)
    caplog.set_level(logging.WARNING, "mstoken")
    entra.clock.advance(8 * 24 * 3600)
    again = listed(runner, at_emulator(runner, entra), "delta", URL, file)
    assert [item["id"] for item in again] == [item["id"] for item in every]
    state = json.loads(Path(file).read_bytes())
    Path(file).write_text(json.dumps({**state, "link": state["link"].partition("=")[0] + "=unknown"}))
    assert listed(runner, at_emulator(runner, entra), "delta", URL, file) == every
    said = "The stored link has expired: this run starts over, and all items follow."
    assert [record.message for record in caplog.records if "expired" in record.message] == [said] * 2


def test_a_file_of_something_else_is_refused(runner: Runner, entra: Emulator, tmp_path: Path) -> None:
    client, file = at_emulator(runner, entra), tmp_path / "users.delta"
    listed(runner, client, "delta", URL, str(file))
    state = file.read_bytes()
    with pytest.raises(UsageError, match=r"for another resource: .*/users/delta; it is left as it is"):
        listed(runner, client, "delta", "graph:/groups/delta", str(file))
    file.write_text(json.dumps({**json.loads(state), "tenant": "contoso.com"}))
    with pytest.raises(UsageError, match=r"for another tenant: contoso.com"):
        listed(runner, client, "delta", URL, str(file))
    file.write_bytes(b"my notes")
    with pytest.raises(UsageError, match="is not a file of a delta query"):
        listed(runner, client, "delta", URL, str(file))
    assert file.read_bytes() == b"my notes"
    file.write_text(json.dumps({**json.loads(state), "link": "https://evil.example/users/delta"}))
    with pytest.raises(UntrustedOrigin):
        listed(runner, client, "delta", URL, str(file))


def test_a_run_that_fails_is_repeated(runner: Runner, token_service: TokenService, tmp_path: Path) -> None:
    """After an error on a later page, and for a collection without a delta link, nothing is stored."""
    file = tmp_path / "x.delta"
    answers = {"/1": page([1], f"{token_service.url}/2"), "/2": Reply(403, {"error": {"code": "Forbidden"}})}
    api = Api(runner, token_service, answers)
    for error in (ApiRefused, UsageError):
        with pytest.raises(error):
            listed(runner, api.client, "delta", f"{api.url}/1", str(file), scope="graph", origin=api.url)
        assert not file.exists()
        answers["/2"] = page([2])
    answers["/2"] = Reply(200, {"value": [2], "@odata.deltaLink": f"{api.url}/3"})
    given = {"scope": "graph", "origin": api.url}
    assert listed(runner, api.client, "delta", f"{api.url}/1", str(file), **given) == [1, 2]
    answers["/3"] = Reply(410, {})
    answers["/1"] = Reply(410, {})
    with pytest.raises(ApiRefused):  # what is gone the second time is an error, not a loop
        listed(runner, api.client, "delta", f"{api.url}/1", str(file), **given)
    assert json.loads(file.read_bytes())["link"].endswith("/3")
