"""`mstoken request --wait`: the result of a long-running operation, its progress, and how a wait is resumed."""

from __future__ import annotations

import io
import json
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from tests.support.program import MSTOKEN, Program

from entra_emulator import Emulator
from entra_emulator.apis.arm import groups
from entra_emulator.model import ResourceGroup
from mstoken.cli.request_wait import _Shown
from mstoken.rest.operations import Operation, Progress

URL = "arm:/subscriptions/{subscription}/resourceGroups/rg-old?api-version=2022-12-01"


@pytest.fixture(autouse=True)
def _old_group(entra: Emulator) -> Iterator[None]:
    present = entra.state.default_tenant.subscriptions[0].resource_groups
    present.append(ResourceGroup("rg-old"))
    yield
    present[:] = [group for group in present if group.name != "rg-old"]


def polls(entra: Emulator, since: int = 0) -> int:
    return sum("operationresults" in logged.path.lower() for logged in entra.requests[since:])


def test_the_result_is_awaited(at_entra: Program, entra: Emulator) -> None:
    """Azure Resource Manager's deletion: 202 with Location until it is done."""
    before = len(entra.requests)
    result = at_entra("request", "DELETE", URL, "--wait")
    assert (result.code, result.out, result.err) == (0, "", "")
    assert polls(entra, before) >= 1
    assert at_entra("request", "GET", URL).code == 4


def test_without_it_the_first_response_is_printed(at_entra: Program, entra: Emulator) -> None:
    before = len(entra.requests)
    assert at_entra("request", "DELETE", URL).code == 0
    assert polls(entra, before) == 0


def test_an_interrupted_wait_prints_how_to_resume_it(
    at_entra: Program, entra: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """^C ends the wait; the printed command waits for the same operation, and deletes nothing again."""
    monkeypatch.setattr(groups, "DELETION_IN", 600.0)
    before = len(entra.requests)
    process = subprocess.Popen(
        [MSTOKEN, "request", "DELETE", URL, "--wait"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=at_entra.folder,
        env=at_entra.environment,
    )
    until = time.monotonic() + 30
    while not polls(entra, before) and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, said = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, b"")
    line = next(line for line in said.decode().splitlines() if "Wait for it again: " in line)
    command = shlex.split(line.partition("Wait for it again: ")[2])
    assert command[:3] == ["mstoken", "request", "DELETE"]
    for group in entra.state.default_tenant.subscriptions[0].resource_groups:
        group.deleted_on = 0.0 if group.name == "rg-old" else group.deleted_on
    before = len(entra.requests)
    result = at_entra(*command[1:])
    assert (result.code, result.err) == (0, "")
    assert [logged.method for logged in entra.requests[before:] if logged.service == "arm"] == ["GET"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--operation", "https://management.azure.com/x"), "Add --wait"),
        (("--wait", "--all"), "--all reads several"),
        (("--wait", "--tenants", "tenants.txt"), "--wait does not fit --tenants"),
        (("--wait", "--operation", "https://management.azure.com/x", "-d", "{}"), "no body"),
        (("--wait", "--operation", "http://management.azure.com/x"), "not https"),
    ],
)
def test_what_cannot_be_awaited_is_refused(
    at_entra: Program, entra: Emulator, arguments: tuple[str, ...], said: str
) -> None:
    before = len(entra.requests)
    result = at_entra("request", "DELETE", "/subscriptions/s?api-version=2022-12-01", *arguments)
    assert (result.code, said in result.err) == (2, True), result.err
    assert entra.requests[before:] == []


@pytest.mark.parametrize(("resources", "code"), [([], 0), ([{"type": "Contoso.Nothing/things"}], 4)])
def test_a_deployment_ends_with_its_resource_or_its_error(
    at_entra: Program, resources: list[object], code: int
) -> None:
    """PUT, Azure-AsyncOperation, and the resource in its final state."""
    template = {"contentVersion": "1.0.0.0", "resources": resources}
    body = json.dumps({"properties": {"mode": "Incremental", "template": template}})
    url = URL.replace("?", f"/providers/Microsoft.Resources/deployments/d{code}?")
    result = at_entra("request", "PUT", url, "-d", body, "--wait", "-q", "properties.provisioningState")
    assert (result.code, result.out) == (code, "" if code else '"Succeeded"\n')
    assert ("ended as Failed (DeploymentFailed)" in result.err) == bool(code)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_the_progress_on_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shorter text covers the longer one before it, and at the end nothing stays. A file gets nothing."""
    operation = Operation("PUT", "https://x/", "https://x/op", "status")
    monkeypatch.setattr(sys, "stderr", screen := _Terminal())
    shown = _Shown()
    shown.show(operation, None)
    shown.show(operation, Progress("running", "Creating\x1b[2J", 40.0))
    shown.show(operation, Progress("running", "Busy"))
    shown.erase()
    first, second, third, last, end = screen.getvalue().split("\r")[1:]
    assert first == "mstoken: running, after 0 seconds"
    assert second == "mstoken: Creating�[2J, 40 %, after 0 seconds"
    assert third.rstrip() == "mstoken: Busy, after 0 seconds"
    assert len(third) == len(second)
    assert (last.strip(), end) == ("", "")
    monkeypatch.setattr(sys, "stderr", file := io.StringIO())
    _Shown().show(operation, Progress("running", "Busy"))
    assert file.getvalue() == ""
