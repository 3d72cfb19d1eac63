"""`--tenants`: one command in many tenants, with a result or a remedy for each."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.mstoken.cli.test_request import RequestCommand, command
from tests.support.program import MSTOKEN, Program, RunResult
from tests.support.token_service import CLIENT_ID, RecordedRequest, Reply

from entra_emulator import Emulator

__all__ = ["command"]

TROUBLE = {"consent_missing": 12, "mfa_required": 7, "blocked": 5, "gone": 4, "throttled": 3}
NADIA = "nadia@northwind-partner.example"


@pytest.fixture(scope="module")
def csp() -> Iterator[Emulator]:
    """A partner with 300 customers beside the built-in one, five kinds of trouble among them."""
    with Emulator({"customers": {"count": 300, **TROUBLE}}) as entra:
        yield entra


def at(program: Program, entra: Emulator, *, user: bool) -> Program:
    """The program in the environment of the partner: as its user, or as its application."""
    program.environment |= entra.environment() | {"MSTOKEN_CONFIG_DIR": str(program.config)}
    program.environment["MSTOKEN_CACHE_DIR"] = str(program.folder / "cache")
    if user:
        program.environment["MSTOKEN_REFRESH_TOKEN"] = entra.sign_in(NADIA)
    return program


def results(result: RunResult) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.out.splitlines()]


def test_a_partner_with_300_customers_gets_a_result_or_a_remedy_for_each(tmp_path: Path, csp: Emulator) -> None:
    """One command as the partner's user; the summary has each kind of trouble once."""
    program = at(Program(tmp_path), csp, user=True)
    done = program("request", "GET", "graph:/organization", "--tenants", "all-customers", "--max-wait", "5")
    found = {one["tenant"]: one for one in results(done)}
    customers = {one.id: one for one in csp.state.customers(csp.state.default_tenant)}
    assert set(found) == set(customers)
    assert Counter(one["outcome"] for one in found.values()) == {"done": 301 - sum(TROUBLE.values()), **TROUBLE}
    for tenant, one in found.items():
        if one["outcome"] == "done":
            assert one["body"]["value"][0]["id"] == tenant
            assert one["name"] == customers[tenant].name
        else:
            assert one["error"]["remedy"]
    first, *rest = done.err.splitlines()
    assert first == f"mstoken: {301 - sum(TROUBLE.values())} of 301 tenants done, {sum(TROUBLE.values())} failed."
    assert [line.split("(")[1].split(")")[0] for line in rest[::2]] == list(TROUBLE)
    assert all(line.strip().startswith("next: ") for line in rest[1::2])
    assert done.code == 6


def test_a_token_of_each_tenant_is_a_line(tmp_path: Path, csp: Emulator) -> None:
    """From a list on standard input: names once each, comments, and an earlier result."""
    program = at(Program(tmp_path), csp, user=False)
    listed = 'customer100.example\n\n# a\nCUSTOMER100.example\n{"tenant": "customer101.example"}\nno.example # x\n'
    done = program("get", "graph", "--tenants", "-", stdin=listed)
    found = {one["tenant"]: one for one in results(done)}
    assert {name: one["outcome"] for name, one in found.items()} == {
        "customer100.example": "done",
        "customer101.example": "done",
        "no.example": "gone",
    }
    one = program("get", "graph", "--tenant", "customer100.example", "-o", "json")
    assert {**json.loads(one.out), "tenant": "customer100.example", "outcome": "done"} == found["customer100.example"]
    assert done.code == 6


def test_one_reason_for_all_has_its_own_exit_code(tmp_path: Path, csp: Emulator) -> None:
    program = at(Program(tmp_path), csp, user=False)
    assert program("get", "graph", "--tenants", "-", stdin="no.example\nnot.example\n").code == 4
    assert program("get", "graph", "--tenants", "-", stdin="customer100.example\n").code == 0


@pytest.mark.parametrize(
    ("words", "stdin", "said"),
    [
        (("get", "graph", "--tenants", "-", "-o", "env"), "a.example", "--tenants prints lines of JSON"),
        (("get", "graph", "--tenants", "-"), "", "The list names no tenant."),
        (("get", "graph", "--tenants", "-"), "two words", "more than the name of a tenant"),
        (("get", "graph", "--tenants", "-"), '{"id": 1}', "Line 1 of the list has no tenant."),
        (("get", "graph", "--tenants", "absent.txt"), "", "'absent.txt' cannot be read"),
        (("get", "graph", "--tenants", "-", "--concurrency", "0"), "a.example", "--concurrency"),
        (("request", "GET", "graph:/x", "--resume", "f"), "", "--resume is for a list of tenants."),
        (("request", "GET", "graph:/x", "--tenants", "-", "--save", "f"), "a", "--save does not fit --tenants"),
        (("request", "GET", "graph:/x", "--tenants", "-", "-o", "csv"), "a", "--output does not fit --tenants"),
        (("request", "POST", "graph:/x", "--tenants", "-", "-d", "-"), "a", "both the tenants and the body"),
        (("request", "--stdin", "--tenants", "f"), "{}", "--tenants and --stdin exclude each other"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_sent(
    command: RequestCommand, words: tuple[str, ...], stdin: str, said: str
) -> None:
    values = {"AZURE_TENANT_ID": "x.example", "AZURE_CLIENT_ID": CLIENT_ID, "AZURE_CLIENT_SECRET": "s"}
    result = command.program(*words, "--authority", command.service.url, stdin=stdin, **values)
    assert (result.code, result.out) == (2, "")
    assert said in result.err
    assert command.service.requests == []


def in_tenants(command: RequestCommand, method: str, names: str, *words: str) -> RunResult:
    return command.to_api(method, "/v1.0/x", "--tenants", "-", *words, stdin=names.encode())


def test_items_of_all_pages_and_a_query(command: RequestCommand) -> None:
    """Each line has the tenant's own items."""

    def pages(request: RecordedRequest) -> Reply:
        link = f"{command.service.url}/v1.0/x?page=2"
        return Reply(
            200, {"value": [{"n": 3}]} if "page" in request.path else {"value": [{"n": 1}], "@odata.nextLink": link}
        )

    command.answers(pages)
    result = in_tenants(command, "GET", "a.example\nb.example", "--all", "-q", "[].n")
    assert sorted((one["tenant"], one["body"]) for one in results(result)) == [
        ("a.example", [1, 3]),
        ("b.example", [1, 3]),
    ]


def test_nothing_is_done_twice_after_a_resumption(command: RequestCommand, tmp_path: Path) -> None:
    """Tenants that are done are left out, those that failed are tried again, and a torn last line is cut off."""
    no = Reply(403, {"error": {"code": "No", "message": "No."}}, {"Content-Type": "application/json"})
    command.answers(lambda _: no if len(command.requests) == 1 else Reply(200, {}))
    first = in_tenants(
        command, "GET", "a.example\nb.example\nc.example", "--resume", "run.ndjson", "--concurrency", "1"
    )
    assert [one["outcome"] for one in results(first)] == ["refused", "done", "done"]
    assert (results(first)[0]["status"], results(first)[0]["body"]["error"]["code"]) == (403, "No")
    file = tmp_path / "run.ndjson"
    assert file.stat().st_mode & 0o777 == 0o600
    whole = file.read_bytes()
    file.write_bytes(whole + b'{"tenant": "d.exam')
    again = in_tenants(command, "GET", "a.example\nb.example\nc.example\nd.example", "--resume", "run.ndjson")
    assert {one["tenant"]: one["outcome"] for one in results(again)} == {"a.example": "done", "d.example": "done"}
    assert again.err == "mstoken: 4 of 4 tenants done, 0 failed.\n"
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line.get("tenant") for line in lines[1:4]] == ["a.example", "b.example", "c.example"]
    assert len(command.requests) == 5
    assert not (tmp_path / "run.ndjson.lock").exists()


@pytest.mark.parametrize("change", [("DELETE",), ("GET", "-H", "X-Other: 1"), ("GET", "--param", "a=1")])
def test_the_file_of_another_request_is_refused(command: RequestCommand, change: tuple[str, ...]) -> None:
    in_tenants(command, "GET", "a.example", "--resume", "run.ndjson")
    result = in_tenants(command, change[0], "b.example", *change[1:], "--resume", "run.ndjson")
    assert (result.code, len(command.requests)) == (2, 1)
    assert "results of another request: GET" in result.err


def test_a_file_of_something_else_is_refused_and_kept(command: RequestCommand, tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine\n")
    result = in_tenants(command, "GET", "a.example", "--resume", "notes")
    assert (result.code, (tmp_path / "notes").read_text()) == (2, "mine\n")
    assert "Line 1 of 'notes' is not what --resume wrote." in result.err


def test_a_post_that_may_have_been_executed_is_listed_and_not_repeated(command: RequestCommand) -> None:
    """After a 500, nobody knows; after a 403, it was not executed."""
    answers = {1: Reply(500, {}), 2: Reply(403, {})}
    command.answers(lambda _: answers.get(len(command.requests), Reply(200, {})))
    names = "a.example\nb.example\nc.example"
    first = in_tenants(command, "POST", names, "--resume", "run", "--concurrency", "1")
    assert [one["outcome"] for one in results(first)] == ["unknown", "refused", "done"]
    again = in_tenants(command, "POST", names, "--resume", "run")
    assert {one["tenant"]: one["outcome"] for one in results(again)} == {"a.example": "unknown", "b.example": "done"}
    assert (again.code, len(command.requests)) == (6, 4)
    assert "1 unknown whether executed (unknown): a.example" in again.err


def start(command: RequestCommand, method: str, names: str, *words: str) -> subprocess.Popen[str]:
    """Start the command with a list of tenants, one at a time."""
    url = command.service.url
    options = ("--scope", "graph", "--origin", url, "--authority", url, "--tenants", "list", "--concurrency", "1")
    (command.program.folder / "list").write_text(names)
    return subprocess.Popen(
        [MSTOKEN, "request", method, f"{url}/v1.0/x", *options, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=command.program.folder,
        env=command.program.environment
        | {"AZURE_TENANT_ID": "x.example", "AZURE_CLIENT_ID": CLIENT_ID, "AZURE_CLIENT_SECRET": "s"},
    )


def hang_from(command: RequestCommand, number: int) -> None:
    """Answer the request with this number late."""

    def answer(_: RecordedRequest) -> Reply:
        if len(command.requests) == number:
            time.sleep(3)
        return Reply(200, {})

    command.answers(answer)


def wait_for_requests(command: RequestCommand, number: int) -> None:
    until = time.monotonic() + 20
    while len(command.requests) < number:
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.parametrize("way", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_run_that_ends_in_the_middle_continues(command: RequestCommand, way: signal.Signals, method: str) -> None:
    """The tenant in progress is done again for GET, and in doubt for POST; the others are done once."""
    hang_from(command, 2)
    names = "a.example\nb.example\nc.example\n"
    process = start(command, method, names, "--resume", "run")
    wait_for_requests(command, 2)
    os.kill(process.pid, way)
    _, said = process.communicate(timeout=20)
    if way == signal.SIGINT:
        assert process.returncode == 130
        assert "1 of 3 tenants done, 0 failed, 2 without a result." in said
        assert "The same command continues" in said
    command.answers(lambda _: Reply(200, {}))
    again = start(command, method, names, "--resume", "run")
    out, _ = again.communicate(timeout=20)
    found = {one["tenant"]: one["outcome"] for one in map(json.loads, out.splitlines())}
    assert found == {"b.example": "done" if method == "GET" else "unknown", "c.example": "done"}
    assert len(command.requests) == (4 if method == "GET" else 3)


def test_two_runs_cannot_use_one_file(command: RequestCommand) -> None:
    hang_from(command, 1)
    process = start(command, "GET", "a.example", "--resume", "run")
    wait_for_requests(command, 1)
    second = start(command, "GET", "a.example", "--resume", "run")
    _, said = second.communicate(timeout=20)
    process.kill()
    process.communicate()
    assert second.returncode == 2
    assert "Another run uses 'run'." in said


def test_a_terminal_shows_how_far_it_is(command: RequestCommand) -> None:
    """On standard error, above which the results stand; none of it in a pipe."""
    import pty  # not on Windows

    ours, theirs = pty.openpty()
    options = ("--scope", "graph", "--origin", command.service.url, "--authority", command.service.url)
    process = subprocess.Popen(
        [MSTOKEN, "request", "GET", f"{command.service.url}/x", *options, "--tenants", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=theirs,
        cwd=command.program.folder,
        env=command.program.environment
        | {"AZURE_TENANT_ID": "x.example", "AZURE_CLIENT_ID": CLIENT_ID, "AZURE_CLIENT_SECRET": "s"},
    )
    out, _ = process.communicate(b"a.example\nb.example\n", timeout=20)
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert len(out.splitlines()) == 2
    assert "of 2 tenants, 0 failed, " in shown
    assert "/s" in shown
    assert shown.replace("\r\n", "\n").endswith("mstoken: 2 of 2 tenants done, 0 failed.\n")
