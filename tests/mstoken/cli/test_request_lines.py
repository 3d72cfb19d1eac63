"""`mstoken request --stdin`: requests as lines of JSON, and a line with the result of each."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
from tests.mstoken.cli.test_request import RequestCommand, command, header
from tests.support.program import MSTOKEN, Program, RunResult
from tests.support.token_service import Reply

from entra_emulator import Emulator
from mstoken.cli import request_lines
from mstoken.cli.request import _OF_ONE_REQUEST as ONE_REQUEST
from mstoken.cli.request import request
from mstoken.cli.request_lines import FIELDS

__all__ = ["command"]


def results(result: RunResult) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.out.splitlines()]


def lines(*requests: Any) -> str:
    return "".join(json.dumps(one) + "\n" for one in requests)


def test_each_request_has_one_result_in_order(at_entra: Program, entra: Emulator) -> None:
    tenant = entra.state.default_tenant
    result = at_entra(
        "request",
        "--stdin",
        stdin=lines(
            {"id": "first", "url": "graph:/organization", "method": "get"},
            {"id": 2, "url": f"graph:/users/{tenant.users[0].id}"},
            {"url": "graph:/$batch", "body": {"requests": [{"id": "a", "method": "GET", "url": "/organization"}]}},
        ),
    )
    organization, user, batch = results(result)
    assert (result.code, result.err) == (0, "")
    assert (organization["line"], organization["id"], organization["status"]) == (1, "first", 200)
    assert organization["body"]["value"][0]["id"] == tenant.id
    assert organization["headers"]["content-type"].startswith("application/json")
    assert (user["line"], user["id"], user["body"]["id"]) == (2, 2, tenant.users[0].id)
    assert (batch["line"], "id" in batch, batch["body"]["responses"][0]["status"]) == (3, False, 200)


def test_each_line_has_its_own_tenant(at_entra: Program, entra: Emulator) -> None:
    customers = [tenant for tenant in entra.state.tenants.values() if tenant is not entra.state.default_tenant]
    asked = [entra.state.default_tenant.id, *(tenant.id for tenant in customers), entra.state.default_tenant.id]
    result = at_entra("request", "--stdin", stdin=lines(*({"url": "graph:/organization", "tenant": t} for t in asked)))
    found = [one["body"]["value"][0]["id"] if "error" not in one else one["error"]["kind"] for one in results(result)]
    assert len(found) == len(asked) > 2
    assert found[0] == found[-1] == asked[0]
    assert all(one in (tenant, "consent_required", "misconfigured") for one, tenant in zip(found, asked, strict=True))


def test_one_process_gets_one_token_for_all_lines(at_entra: Program, entra: Emulator) -> None:
    before = len(entra.requests)
    assert at_entra("request", "--stdin", stdin=lines({"url": "graph:/users"}) * 20).code == 0
    paths = [one.path for one in entra.requests[before:]]
    assert sum(path.endswith("/token") for path in paths) == 1
    assert sum("/users" in path for path in paths) == 20


def test_a_request_that_the_api_refuses_has_its_response_and_its_meaning(at_entra: Program) -> None:
    result = at_entra(
        "request", "--stdin", stdin=lines({"url": "graph:/users/nobody@x.example"}, {"url": "graph:/users"})
    )
    refused, found = results(result)
    assert (refused["status"], refused["body"]["error"]["code"]) == (404, "Request_ResourceNotFound")
    assert (refused["error"]["code"], refused["error"]["exit_code"]) == ("Request_ResourceNotFound", 4)
    assert (found["status"], "error" in found) == (200, False)
    assert (result.code, result.err) == (6, "mstoken: 1 of 2 requests failed.\n")


WRONG: dict[str, tuple[bytes, str]] = {
    "text": (b"GET graph:/users", "Line 1 is not a JSON object."),
    "array": (b"[]", "Line 1 is not a JSON object."),
    "deep": (b"[" * 100_000, "Line 1 is not a JSON object."),
    "bytes": (b'{"url": "\xff"}', "Line 1 is not a JSON object."),
    "NaN": (b'{"url": "graph:/x", "body": [NaN]}', "Line 1 is not a JSON object."),
    "twice": (b'{"url": "graph:/x", "url": "graph:/y"}', "Line 1 is not a JSON object."),
    "twice in the body": (b'{"url": "graph:/x", "body": {"a": 1, "a": 2}}', "Line 1 is not a JSON object."),
    "infinite": (b'{"url": "graph:/x", "body": 1e999}', "The field body cannot be sent as JSON in UTF-8."),
    "half a character": (b'{"url": "graph:/x", "body": "\\ud800"}', "The field body cannot be sent as JSON in UTF-8."),
    "no url": (b'{"method": "GET"}', "The request has no url."),
    "another field": (b'{"uri": "graph:/users"}', "A request has no field 'uri'."),
    "no tenant": (b'{"url": "graph:/users", "tenant": null}', "The field tenant is not a text with content."),
    "empty tenant": (b'{"url": "graph:/users", "tenant": ""}', "The field tenant is not a text with content."),
    "a number": (b'{"url": 1}', "The field url is not a text with content."),
    "an object": (b'{"url": "graph:/x", "scope": "System.Object[]"}', "The field scope is an object that PowerShell"),
    "a method": (b'{"url": "graph:/x", "method": "GET x"}', "'GET x' is not a method."),
    "headers": (b'{"url": "graph:/x", "headers": ["a: b"]}', "The field headers is not an object of texts."),
    "a header": (b'{"url": "graph:/x", "headers": {"a:b": "c"}}', "The field headers is not an object of texts."),
    "a line end": (b'{"url": "graph:/x", "headers": {"a": "b\\r\\nc: d"}}', "contains a control character"),
    "the token": (b'{"url": "graph:/x", "headers": {"authorization": "x"}}', "sets the Authorization header itself"),
    "timeout": (b'{"url": "graph:/x", "timeout": "5"}', "The field timeout is not a whole number of seconds."),
    "true": (b'{"url": "graph:/x", "timeout": true}', "The field timeout is not a whole number of seconds."),
    "retries": (b'{"url": "graph:/x", "retries": -1}', "The field retries is not a whole number."),
    "a flag": (b'{"url": "graph:/x", "retry_unsafe": "yes"}', "The field retry_unsafe is neither true nor false."),
    "params": (b'{"url": "graph:/x", "params": {"a": null}}', "The field params is not an object"),
    "a parameter": (b'{"url": "graph:/x", "params": {"a": "System.Object[]"}}', "A value of the field params is"),
    "an expression": (b'{"url": "graph:/organization", "query": "["}', "--query is not JMESPath"),
    "an operation": (b'{"url": "graph:/x", "wait": true}', "A request has no field 'wait'."),
    "a delta": (b'{"url": "graph:/x", "delta": "f"}', "A request has no field 'delta'."),
    "pages": (b'{"url": "graph:/x", "max_pages": 2}', "A request has no field 'max_pages'."),
    "saved selection": (b'{"url": "graph:/x", "save": "f", "query": "a"}', "--save writes the whole response"),
    "elsewhere": (b'{"url": "https://evil.example/", "scope": "graph"}', "evil.example"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_line_that_cannot_be_sent_is_an_error_of_that_line(at_entra: Program, entra: Emulator, case: str) -> None:
    line, message = WRONG[case]
    before = len(entra.requests)
    result = at_entra("request", "--stdin", stdin=line + b'\n\n{"url": "graph:/organization"}\n')
    wrong, found = results(result)
    assert message in wrong["error"]["message"]
    assert (wrong["line"], wrong["error"]["exit_code"]) == (1, 4 if case == "elsewhere" else 2)
    assert (found["line"], found["status"]) == (3, 200)
    assert result.code == 6
    assert [one.path for one in entra.requests[before:] if not one.path.endswith("/token")] == ["/v1.0/organization"]


def test_a_line_that_is_too_long_is_refused_without_being_read_into_memory(at_entra: Program, entra: Emulator) -> None:
    long = b'{"url": "graph:/organization", "body": "' + b"x" * (3 * request_lines.MAX_LINE) + b'"}\n'
    result = at_entra("request", "--stdin", stdin=long + b'{"url": "graph:/organization"}')
    refused, found = results(result)
    assert refused["error"]["message"] == "Line 1 is longer than 16 MB."
    assert (found["line"], found["status"]) == (2, 200)


def test_nothing_to_do_is_no_error(at_entra: Program) -> None:
    for stdin in (b"", b"\n \n"):
        result = at_entra("request", "--stdin", stdin=stdin)
        assert (result.code, result.out, result.err) == (0, "", "")


def test_a_mark_and_crlf_of_windows_are_no_part_of_a_line(at_entra: Program) -> None:
    stdin = b'\xef\xbb\xbf{"url": "graph:/organization"}\r\n{"url": "graph:/organization"}\r\n'
    assert [one["status"] for one in results(at_entra("request", "--stdin", stdin=stdin))] == [200, 200]


def test_options_hold_for_lines_that_say_nothing_else(command: RequestCommand) -> None:
    url = command.service.url
    stdin = lines(
        {"url": f"{url}/a", "body": "text"},
        {"url": f"{url}/b", "method": "put", "body": [1], "headers": {"Prefer": "b"}},
        {"url": f"{url}/c", "body": None, "headers": {"X": "c"}},
    )
    words = ("--stdin", "--scope", "graph", "--origin", url, "-H", "Prefer: a", "--timeout", "20")
    assert command(*words, stdin=stdin.encode()).code == 0
    sent = [(one.method, one.path, one.body, header(one, "prefer")) for one in command.requests]
    assert sent == [("POST", "/a", b"text", "a"), ("PUT", "/b", b"[1]", "a, b"), ("GET", "/c", b"", "a")]
    assert [header(one, "content-type") for one in command.requests] == ["", "application/json", ""]


def test_a_line_has_the_options_of_one_request(command: RequestCommand) -> None:
    url = command.service.url
    stdin = lines(
        {"url": f"{url}/a", "params": {"top": 5, "flag": True, "in": ["x y", "z"]}, "retries": 0, "retry_unsafe": True},
        {"url": f"{url}/b", "max_wait": 1, "query": "value"},
    )
    assert command("--stdin", "--scope", "graph", "--origin", url, stdin=stdin.encode()).code == 0
    assert [one.path for one in command.requests] == ["/a?%24top=5&flag=true&in=x+y&in=z", "/b"]


BODIES: dict[str, tuple[Reply, dict[str, Any]]] = {
    "text": (Reply(200, b"a\tb", {"Content-Type": "text/plain"}), {"body": "a\tb"}),
    "xml": (Reply(200, b"<a/>", {"Content-Type": "application/xml"}), {"body": "<a/>"}),
    "bytes": (Reply(200, b"\x00\xff", {"Content-Type": "image/png"}), {"base64": "AP8="}),
    "nothing": (Reply(204, b"", {}), {}),
    "null": (Reply(200, b"null", {"Content-Type": "application/json; charset=utf-8"}), {"body": None}),
    "an error page": (Reply(400, b"<html>", {"Content-Type": "application/json"}), {"body": "<html>"}),
}


@pytest.mark.parametrize("form", BODIES)
def test_each_kind_of_body_has_a_form(command: RequestCommand, form: str) -> None:
    reply, expected = BODIES[form]
    command.answers(lambda _: reply)
    url = command.service.url
    result = command("--stdin", "--scope", "graph", "--origin", url, stdin=lines({"url": url + "/x"}).encode())
    [found] = results(result)
    assert {name: found[name] for name in ("body", "base64") if name in found} == expected
    assert found["status"] == reply.status


def test_json_that_is_none_is_an_error_with_its_status(command: RequestCommand) -> None:
    command.answers(lambda _: Reply(200, b"<html>", {"Content-Type": "application/json"}))
    url = command.service.url
    result = command("--stdin", "--scope", "graph", "--origin", url, stdin=lines({"url": url + "/x"}).encode())
    [found] = results(result)
    assert (found["status"], found["error"]["kind"], "body" in found) == (200, "unreadable_answer", False)


def test_a_line_may_name_a_file_for_the_response(at_entra: Program) -> None:
    path = at_entra.folder / "organization.json"
    [found, unwritable] = results(
        at_entra(
            "request",
            "--stdin",
            stdin=lines(
                {"url": "graph:/organization", "save": str(path)}, {"url": "graph:/organization", "save": "no/such/x"}
            ),
        )
    )
    assert (found["status"], "body" in found) == (200, False)
    assert json.loads(path.read_bytes())["value"]
    assert ("status" in unwritable, unwritable["error"]["exit_code"]) == (False, 2)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["GET"], "METHOD"),
        (["GET", "graph:/users"], "METHOD"),
        (["-d", "x"], "--data"),
        (["--all"], "--all"),
        (["--save", "x"], "--save"),
        (["-i"], "--include"),
        (["--delta", "x"], "--delta"),
    ],
)
def test_what_each_line_says_itself_is_refused_beside_stdin(
    at_entra: Program, arguments: list[str], named: str
) -> None:
    result = at_entra("request", "--stdin", *arguments, stdin=lines({"url": "graph:/users"}))
    assert (result.code, result.out) == (2, "")
    assert f"{named} and --stdin exclude each other" in result.err


def test_every_option_is_a_field_or_is_refused_beside_stdin() -> None:
    """A new option of the command must be one or the other: an option without effect would mislead."""
    assert {one.name for one in request.params} - FIELDS.keys() - ONE_REQUEST == {
        "again",  # --continue refuses every other option
        "batch",  # refuses what it cannot have itself
        "concurrency",  # needs --tenants, which is refused
        "debug",
        "stdin",
    }


def test_without_stdin_both_arguments_are_required(at_entra: Program) -> None:
    for arguments, named in (([], "METHOD"), (["GET"], "URL")):
        result = at_entra("request", *arguments)
        assert result.code == 2
        assert f"Missing argument '{named}'" in result.err


def test_a_result_comes_before_the_next_line_is_written(at_entra: Program) -> None:
    """So that another program can use it as its counterpart."""
    with subprocess.Popen(
        [MSTOKEN, "request", "--stdin"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=at_entra.folder,
        env=at_entra.environment,
    ) as process:
        assert process.stdin
        assert process.stdout
        for number in (1, 2):
            process.stdin.write(b'{"url": "graph:/organization"}\n')
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["line"] == number
        process.stdin.close()
        assert process.wait(30) == 0
