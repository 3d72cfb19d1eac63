"""`mstoken session`: requests as lines of JSON, answered by one process."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.support.certificates import identity
from tests.support.program import MSTOKEN, Program
from tests.support.slow_server import SlowServer
from tests.support.unsigned_tokens import app_v1, jwt

from entra_emulator import Emulator

PUBLIC_APP = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"


class Session:
    """A running `mstoken session`."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.ready = self.read()["ready"]
        self.lines: list[dict[str, Any]] = []
        """The messages and steps of the last request."""

    def write(self, request: dict[str, Any]) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()

    def read(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line.isascii()
        answer: dict[str, Any] = json.loads(line)
        return answer

    def __call__(self, method: str, *arguments: str, **fields: Any) -> dict[str, Any]:
        """Send a request and return its answer."""
        self.write({"id": "a", "method": method, "arguments": arguments, **fields})
        self.lines = []
        while True:
            answer = self.read()
            assert answer["id"] == "a"
            if "result" in answer or "error" in answer:
                return answer
            self.lines.append(answer)


@contextlib.contextmanager
def running(program: Program) -> Iterator[Session]:
    with subprocess.Popen(
        [MSTOKEN, "session"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=program.folder,
        env=program.environment,
        start_new_session=True,
    ) as process:
        try:
            yield Session(process)
            assert process.stdin
            process.stdin.close()
            assert process.wait(30) == 0
        finally:
            process.kill()


def token_requests(entra: Emulator) -> int:
    return sum(one.path.endswith("/token") for one in entra.requests)


def variables(program: Program, **more: str) -> dict[str, str]:
    return {name: text for name, text in program.environment.items() if name != "PATH"} | more


def test_a_token_comes_with_its_facts(at_entra: Program, entra: Emulator) -> None:
    with running(at_entra) as session:
        result = session("get", "graph")["result"]
    app, tenant = entra.state.default_app, entra.state.default_tenant
    assert (result["tenant"], result["user"], result["client_id"]) == (tenant.id, app.id, app.id)
    assert result["claims"]["aud"] == "https://graph.microsoft.com"
    assert abs(result["expires_on"] - result["claims"]["exp"]) < 60  # expires_in counts from the answer


def test_a_second_token_needs_no_request_and_no_file(at_entra: Program, entra: Emulator) -> None:
    with running(at_entra) as session:
        first = session("get", "graph")
        for folder in (at_entra.environment["MSTOKEN_CACHE_DIR"],):
            subprocess.run(["find", folder, "-type", "f", "-delete"], check=True)
        before = token_requests(entra)
        assert session("get", "graph") == first
    assert token_requests(entra) == before


@pytest.mark.parametrize("name", ["AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID"])
def test_each_request_is_served_under_its_own_variables(at_entra: Program, name: str) -> None:
    wrong = variables(at_entra, **{name: "00000000-1111-4222-8333-444444444444"})
    with running(at_entra) as session:
        assert "result" in session("get", "graph", environment=variables(at_entra))
        assert "error" in session("get", "graph", "--fresh", environment=wrong)
        assert "result" in session("get", "graph", "--fresh", environment=variables(at_entra))


def test_a_variable_that_a_request_does_not_bring_is_not_set(at_entra: Program) -> None:
    less = variables(at_entra)
    del less["AZURE_CLIENT_SECRET"]
    with running(at_entra) as session:
        assert "result" in session("get", "graph")
        error = session("get", "graph", environment=less)["error"]
    assert (error["kind"], error["exit_code"]) == ("not_configured", 2)


def test_a_relative_path_starts_at_the_folder_of_the_request(at_entra: Program, known: Emulator) -> None:
    folder = at_entra.folder / "somewhere"
    folder.mkdir()
    (folder / "app.pem").write_bytes(identity(0).pem())
    environment = variables(at_entra, AZURE_CLIENT_CERTIFICATE_PATH="app.pem")
    del environment["AZURE_CLIENT_SECRET"]
    with running(at_entra) as session:
        assert "error" in session("get", "graph", "--fresh", environment=environment, folder=str(at_entra.folder))
        assert "result" in session("get", "graph", "--fresh", environment=environment, folder=str(folder))


def test_an_error_has_code_remedy_and_exit_code(at_entra: Program) -> None:
    with running(at_entra) as session:
        error = session("get", "graph", environment=variables(at_entra, AZURE_CLIENT_SECRET="wrong"))["error"]
    assert (error["code"], error["kind"], error["exit_code"]) == (7000215, "credential_rejected", 4)
    assert error["service_message"].startswith("AADSTS7000215")
    assert error["remedy"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["graph", "--nonsense"], "No such option '--nonsense'"),
        (["graph", "--client-secret", "x"], "There is no option --client-secret"),
        (["--min-ttl", "soon", "graph"], "'soon' is not a valid whole number of seconds"),
        (["graph", "-o", "env"], "A session answers with JSON only."),
        (["graph", "--name", "TOKEN"], "--name is for the formats that set a variable."),
        ([], "No service or scope was given."),
    ],
    ids=["option", "secret", "number", "format", "name", "nothing"],
)
def test_a_wrong_argument_is_a_usage_error_as_on_the_command_line(
    at_entra: Program, arguments: list[str], message: str
) -> None:
    with running(at_entra) as session:
        error = session("get", *arguments)["error"]
    assert message in error["message"]
    assert error["exit_code"] == 2


@pytest.mark.parametrize("group", ["cache", "config"])
def test_a_group_without_a_command_is_an_error_of_one_line(at_entra: Program, group: str) -> None:
    with running(at_entra) as session:
        error = session("run", group)["error"]
    assert (error["message"], error["remedy"]) == ("Missing command.", f"mstoken {group} --help")


@pytest.mark.parametrize(
    "line",
    [
        b"not json",
        b"[]",
        b'{"method": "get"}',
        b'{"id": {"a": 1}}',
        b"[" * 100_000,
        b"\xff",
    ],
    ids=["text", "array", "no id", "an object as id", "deep", "bytes"],
)
def test_a_line_that_is_no_request_is_refused_and_not_repeated(at_entra: Program, line: bytes) -> None:
    with running(at_entra) as session:
        assert session.process.stdin
        session.process.stdin.write(line + b"\n")
        session.process.stdin.flush()
        answer = session.read()
        assert answer["id"] is None
        assert answer["error"]["message"] == "A line is not a JSON object with an id."
        assert "result" in session("get", "graph")


@pytest.mark.parametrize(
    "request_",
    [
        {"method": "nonsense"},
        {"method": "get", "arguments": "graph"},
        {"method": "get", "arguments": [1]},
        {"method": "get", "environment": {"AZURE_TENANT_ID": 1}},
        {"method": "get", "environment": ["AZURE_TENANT_ID"]},
        {"method": "get", "folder": "/no/such/folder"},
        {"method": "run", "arguments": ["session"]},
        {"method": "run", "arguments": ["emulator"]},
        {"method": "run", "arguments": []},
    ],
    ids=json.dumps,
)
def test_a_request_that_cannot_be_served_is_refused(at_entra: Program, request_: dict[str, Any]) -> None:
    with running(at_entra) as session:
        session.write({"id": 7, **request_})
        answer = session.read()
    assert (answer["id"], answer["error"]["exit_code"]) == (7, 2)


def test_any_other_command_runs_with_its_input_and_output(at_entra: Program) -> None:
    token = jwt(app_v1(appid="x"))
    with running(at_entra) as session:
        result = session("run", "inspect", "-o", "json", stdin=token)["result"]
        assert json.loads(result["output"])["claims"]["appid"] == "x"
        assert result["exit_code"] == 0
        error = session("run", "explain", "nothing known")["error"]
        assert error["kind"] == "usage_error"


def test_messages_and_steps_arrive_as_lines_of_their_own(at_entra: Program) -> None:
    with running(at_entra) as session:
        session("run", "accounts")
        assert "There are no stored sign-ins" in session.lines[0]["message"]
        session("get", "graph", debug=True)
        assert any(line.get("debug", "").startswith("request: POST") for line in session.lines)
        session("get", "graph")
        assert session.lines == []


def test_a_sign_in_removed_elsewhere_leaves_no_token_in_the_session(at_entra: Program, entra: Emulator) -> None:
    for name in ("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"):
        del at_entra.environment[name]
    given = entra.sign_in("nadia@northwind-partner.example", PUBLIC_APP)
    assert at_entra("login", "--client-id", PUBLIC_APP, "--profile", "work", stdin=given).code == 0
    with running(at_entra) as session:
        assert session("get", "graph", "--profile", "work")["result"]["account"] == "work"
        assert at_entra("logout", "work").code == 0
        assert session("get", "graph", "--profile", "work")["error"]["exit_code"] in {2, 3}


def test_canceling_the_current_request_ends_the_process(at_entra: Program) -> None:
    """A blocking call cannot be stopped from outside; the caller starts another session."""
    server = SlowServer(b"")
    with (
        server as silent,
        subprocess.Popen(
            [MSTOKEN, "session"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=at_entra.folder,
            env=at_entra.environment | {"AZURE_AUTHORITY_HOST": silent},
        ) as process,
    ):
        session = Session(process)
        session.write({"id": 1, "method": "get", "arguments": ["graph", "--tenant", "contoso.example"]})
        assert server.asked.wait(60)
        session.write({"cancel": 1})
        answer = session.read()
        assert (answer["id"], answer["error"]["kind"], answer["error"]["exit_code"]) == (1, "interrupted", 130)
        assert process.wait(10) == 130


def test_canceling_a_request_that_waits_leaves_the_others(at_entra: Program) -> None:
    with running(at_entra) as session:
        session.write({"cancel": 2})
        session.write({"id": 2, "method": "get", "arguments": ["graph"]})
        assert session.read()["error"]["kind"] == "interrupted"
        assert "result" in session("get", "graph")


def test_an_interrupt_at_the_terminal_does_not_end_an_idle_session(at_entra: Program) -> None:
    with running(at_entra) as session:
        session("get", "graph")
        os.kill(session.process.pid, signal.SIGINT)
        assert "result" in session("get", "graph")


def test_no_secret_is_in_the_answers_about_a_refused_one(at_entra: Program) -> None:
    secret = "x~secret-that-nobody-may-see"
    with running(at_entra) as session:
        environment = variables(at_entra, AZURE_CLIENT_SECRET=secret)
        answer = session("get", "graph", environment=environment, debug=True)
    assert "error" in answer
    assert secret not in json.dumps([answer, session.lines])


def items_of(session: Session, url: str, wanted: str, pages: int) -> tuple[list[Any], dict[str, Any]]:
    """Request a collection; ask for `pages` pages. Return the items and the final answer."""
    session.write({"id": 5, "method": "request", "request": {"url": url}, "items": wanted})
    found = []
    while "result" not in (answer := session.read()) and "error" not in answer:
        found += answer["items"]
        if "more" in answer:
            pages -= 1
            session.write({"id": 5, "more": pages > 0})
    return found, answer


def test_the_items_of_every_page_arrive_on_lines_of_their_own(at_entra: Program, entra: Emulator) -> None:
    users = entra.state.default_tenant.users
    with running(at_entra) as session:
        found, answer = items_of(session, "graph:/users?$top=1", "all", 1000)
        assert sorted(user["id"] for user in found) == sorted(user.id for user in users)
        assert (answer["result"]["status"], "body" in answer["result"]) == (200, False)


@pytest.mark.parametrize(("wanted", "pages"), [("first", 1000), ("all", 1)])
def test_a_page_that_the_caller_does_not_want_is_not_requested(
    at_entra: Program, entra: Emulator, wanted: str, pages: int
) -> None:
    before = len(entra.requests)
    with running(at_entra) as session:
        found, answer = items_of(session, "graph:/users?$top=1", wanted, pages)
        assert (len(found), answer["result"]["status"]) == (1, 200)
        assert "result" in session("get", "graph")
    assert sum("/users" in one.path for one in entra.requests[before:]) == 1


def test_an_answer_for_another_request_does_not_continue_this_one(at_entra: Program, entra: Emulator) -> None:
    with running(at_entra) as session:
        session.write({"id": 4, "more": True})
        session.write({"cancel": 9, "more": True})
        found, _ = items_of(session, "graph:/users?$top=1", "all", 1)
    assert len(found) == 1


def test_a_large_page_comes_in_several_lines(at_entra: Program, entra: Emulator) -> None:
    tenant = entra.state.default_tenant
    tenant.users += [replace(tenant.users[0], id=f"{n:032}", upn=f"u{n}@contoso.example") for n in range(250)]
    with running(at_entra) as session:
        session.write({"id": 5, "method": "request", "request": {"url": "graph:/users?$top=999"}, "items": "first"})
        lines = [len(session.read()["items"]) for _ in range(3)]
        assert "result" in session.read()
    assert (lines[:2], sum(lines)) == ([100, 100], len(tenant.users))


def test_without_items_a_response_is_one_body(at_entra: Program, entra: Emulator) -> None:
    with running(at_entra) as session:
        result = session("request", request={"url": "graph:/users?$top=1"})["result"]
        one = session("request", request={"url": f"graph:/users/{result['body']['value'][0]['id']}"}, items="all")
    assert "@odata.nextLink" in result["body"]
    assert one["result"]["body"]["id"] == result["body"]["value"][0]["id"]


@pytest.mark.parametrize(
    ("request_", "kind", "code"),
    [
        ({"url": "graph:/users/nobody@nowhere.example"}, "api_refused", "Request_ResourceNotFound"),
        ({"url": "https://evil.example/users", "scope": "graph"}, "untrusted_origin", None),
        ({"uri": "graph:/users"}, "usage_error", None),
        (["graph:/users"], "usage_error", None),
    ],
    ids=["refused", "elsewhere", "field", "array"],
)
def test_a_request_that_fails_is_an_error(at_entra: Program, request_: object, kind: str, code: str | None) -> None:
    with running(at_entra) as session:
        for items in (None, "all"):
            error = session("request", request=request_, items=items)["error"]
            assert (error["kind"], error["code"]) == (kind, code)
        error = session("request", request={"url": "graph:/users"}, items="some")["error"]
    assert error["exit_code"] == 2


def test_the_body_of_a_request_is_text_or_a_value(at_entra: Program) -> None:
    batch = {"requests": [{"id": "漢字", "method": "GET", "url": "/organization"}]}
    with running(at_entra) as session:
        for body in (batch, json.dumps(batch, ensure_ascii=False)):
            answer = session("request", request={"url": "graph:/$batch", "body": body})
            [response] = answer["result"]["body"]["responses"]
            assert (response["id"], response["status"]) == ("漢字", 200)
