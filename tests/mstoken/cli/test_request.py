"""`mstoken request`: the unchanged response, its explanation, and no token in the output."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.program import Program, RunResult
from tests.support.token_service import CLIENT_ID, TENANT, RecordedRequest, Reply, TokenService, token_reply

from mstoken.rest.api_errors import parse_api_error

SECRET = "not-a-real-secret"


def header(request: RecordedRequest, name: str) -> str:
    """Return a header of a request by its name in any letter case, '' if it was not sent."""
    return next((value for key, value in request.headers.items() if key.lower() == name), "")


class RequestCommand:
    """`mstoken request`, with one server as its token service and API."""

    def __init__(self, service: TokenService, program: Program) -> None:
        self.service, self.program = service, program
        self.answers(lambda request: Reply(200, {"path": request.path}))

    def answers(self, api: Callable[[RecordedRequest], Reply]) -> None:
        self.service.script = [lambda request: token_reply() if request.path.endswith("/token") else api(request)]

    @property
    def requests(self) -> list[RecordedRequest]:
        """The requests that the API received."""
        return [request for request in self.service.requests if not request.path.endswith("/token")]

    def __call__(self, *arguments: str, stdin: bytes = b"", terminal: bool = False) -> RunResult:
        variables = {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": CLIENT_ID, "AZURE_CLIENT_SECRET": SECRET}
        words = ("request", *arguments, "--authority", self.service.url)
        if terminal:
            return self.program.at_terminal(*words, columns=80, **variables)
        return self.program(*words, stdin=stdin, **variables)

    def to_api(self, method: str, path: str, *arguments: str, stdin: bytes = b"", terminal: bool = False) -> RunResult:
        url = self.service.url
        return self(method, url + path, "--scope", "graph", "--origin", url, *arguments, stdin=stdin, terminal=terminal)


@pytest.fixture
def command(tmp_path: Path, token_service: TokenService) -> RequestCommand:
    return RequestCommand(token_service, Program(tmp_path))


def test_the_body_is_printed_unchanged(command: RequestCommand) -> None:
    """A program gets the exact bytes of the response, also binary ones, and nothing else."""
    body = bytes(range(256)) + b'{"a":  1}'
    command.answers(lambda _: Reply(200, body))
    result = command.to_api("get", "/v1.0/photo")
    assert (result.code, result.raw, result.err) == (0, body, "")
    assert command.requests[0].method == "GET"
    assert header(command.requests[0], "authorization") == "Bearer token-1"


def test_json_is_indented_at_a_terminal(command: RequestCommand) -> None:
    """Binary content is not printed at a terminal."""
    command.answers(lambda _: Reply(200, b'{"name":"\\u001b[31m","list":[1]}'))
    assert json.loads(command.to_api("GET", "/x", terminal=True).out) == {"name": "\x1b[31m", "list": [1]}
    assert len(command.to_api("GET", "/x", terminal=True).out.splitlines()) == 6
    command.answers(lambda _: Reply(200, b"\xff\xfe\x00\x1b[31m"))
    result = command.to_api("GET", "/x", terminal=True)
    assert (result.code, result.out) == (0, "")
    assert "not text (8 bytes)" in result.err
    command.answers(lambda _: Reply(200, b"plain \x1b[31m\ttext\r\n"))
    assert command.to_api("GET", "/x", terminal=True).out == "plain \N{REPLACEMENT CHARACTER}[31m    text\n"


def test_method_headers_and_data_are_sent(command: RequestCommand, tmp_path: Path) -> None:
    """Data comes from the argument, a file or standard input; JSON sets its type unless a header does."""
    (tmp_path / "body.json").write_bytes(b'{"from": "file"}')
    for data, stdin in (('{"from": "text"}', b""), ("@body.json", b""), ("-", b'{"from": "stdin"}')):
        assert command.to_api("post", "/x", "-d", data, "-H", "ConsistencyLevel: eventual", stdin=stdin).code == 0
    assert [json.loads(request.body)["from"] for request in command.requests] == ["text", "file", "stdin"]
    assert {request.method for request in command.requests} == {"POST"}
    assert {header(request, "content-type") for request in command.requests} == {"application/json"}
    assert {header(request, "consistencylevel") for request in command.requests} == {"eventual"}
    command.to_api("PATCH", "/x", "-d", "{}", "--header", "content-type:application/merge-patch+json")
    command.to_api("PATCH", "/x", "-d", "plain text", "-H", "Prefer: a", "-H", "prefer: b")
    merge, plain = command.requests[-2:]
    assert header(merge, "content-type") == "application/merge-patch+json"
    assert header(plain, "content-type") == ""
    assert header(plain, "prefer") == "a, b"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "utf-8", "utf-32"])
@pytest.mark.parametrize("source", ["file", "pipe"])
def test_json_is_sent_as_utf_8_without_a_mark(
    command: RequestCommand, tmp_path: Path, encoding: str, source: str
) -> None:
    """Whatever Windows PowerShell or an editor made of it (RFC 8259 section 8.1)."""
    text = '{"displayName": "Zoë 日本"}\r\n'
    content = ("\ufeff" if encoding.endswith(("le", "be")) else "").encode(encoding) + text.encode(encoding)
    path = tmp_path / "body.json"
    path.write_bytes(content)
    if source == "file":
        command.to_api("POST", "/x", "-d", f"@{path}")
    else:
        command.to_api("POST", "/x", "-d", "-", stdin=content)
    (sent,) = command.requests
    assert (sent.body, header(sent, "content-type")) == (text.encode(), "application/json")


def test_what_is_not_json_is_sent_byte_for_byte(command: RequestCommand) -> None:
    """A mark may belong to a file that is uploaded."""
    content = "\ufefftext".encode("utf-16-le")
    command.to_api("PUT", "/x", "-d", "-", stdin=content)
    (sent,) = command.requests
    assert (sent.body, header(sent, "content-type")) == (content, "")


def test_fields_are_sent_as_json(command: RequestCommand) -> None:
    """With their types, and with the type of the body."""
    command.to_api("POST", "/x", "-F", "count=3", "-F", "on=true", "-f", "text=3", "-F", "list[]=a", "-F", "o[p]=null")
    (sent,) = command.requests
    assert json.loads(sent.body) == {"count": 3, "on": True, "list": ["a"], "o": {"p": None}, "text": "3"}
    assert header(sent, "content-type") == "application/json"


def test_parameters_are_encoded(command: RequestCommand) -> None:
    """Beside those in the URL; a repeated name stays so."""
    command.to_api("GET", "/x?a=1", "--param", "filter=b eq 'c&d'", "--param", "n=1", "--param", "n=")
    assert command.requests[-1].path == "/x?a=1&%24filter=b+eq+%27c%26d%27&n=1&n="


def test_csv_cannot_steer_the_terminal(command: RequestCommand) -> None:
    """A pipe gets the bytes as they are."""
    command.answers(lambda _: Reply(200, {"value": [{"name": "a\x1b[2J"}]}))
    for name in ("csv", "tsv", "table"):
        assert "\x1b[2J" not in command.to_api("GET", "/x", "-o", name, terminal=True).out
    assert command.to_api("GET", "/x", "-o", "csv").out.splitlines() == ["name", "a\x1b[2J"]


def test_a_query_may_contain_spaces(command: RequestCommand) -> None:
    """OData filters are written with spaces; they are sent percent-encoded, and the host and path stay unchanged."""
    assert command.to_api("GET", "/users?$filter=startswith(displayName,'A') and accountEnabled eq true").code == 0
    assert command.requests[-1].path == "/users?$filter=startswith(displayName,'A')%20and%20accountEnabled%20eq%20true"


def test_include_prints_status_and_headers_on_standard_error(command: RequestCommand) -> None:
    """Standard output contains only the body."""
    command.answers(lambda _: Reply(201, {"id": 1}, {"Location": "https://x.example/1"}))
    result = command.to_api("POST", "/x", "-i")
    assert result.err.splitlines()[0] == "HTTP 201"
    assert "location: https://x.example/1" in result.err
    assert json.loads(result.out) == {"id": 1}


def error(code: str, message: str) -> dict[str, Any]:
    """Return an error body as Graph and Azure Resource Manager write it."""
    return {"error": {"code": code, "message": message}}


@pytest.mark.parametrize(
    ("status", "body", "code", "said", "step"),
    [
        (400, error("BadRequest", "Wrong.\x1b[2J"), 4, "400 (BadRequest). Wrong.", ""),
        (401, {}, 4, "returned 401.", "mstoken get graph"),
        (403, error("Authorization_RequestDenied", "No."), 4, "403 (Authorization_RequestDenied)", "mstoken inspect"),
        (403, error("X", "Unable to initialize the authorization context."), 4, "GDAP", "delegatedAdminRelationships"),
        (403, {"odata.error": {"code": "Denied", "message": {"value": "No."}}}, 4, "403 (Denied). No.", "inspect"),
        (404, error("ResourceNotFound", "Gone."), 4, "404 (ResourceNotFound). Gone.", "Check the URL"),
        (401, {"code": 900421, "description": "MFA"}, 3, "401 (900421). Partner Center", "mstoken login --tenant"),
        (403, "<html>no</html>", 4, "returned 403.", "inspect"),
        (408, "", 5, "returned 408.", "Try again"),
        (429, error("TooManyRequests", "Slow down."), 5, "429 (TooManyRequests)", "Wait a moment"),
        (500, error("InternalServerError", "Oops."), 5, "500 (InternalServerError). Oops.", "Try again"),
        (503, "", 5, "returned 503.", "Try again"),
    ],
)  # fmt: skip
def test_an_error_response_is_printed_and_explained(
    command: RequestCommand, status: int, body: Any, code: int, said: str, step: str
) -> None:
    """The body is printed whatever the status; its meaning and the next step go to standard error."""
    reply = Reply(status, body)
    command.answers(lambda _: reply)
    result = command.to_api("GET", "/v1.0/x?key=hidden", "--retries", "0")
    assert (result.code, result.raw) == (code, reply.payload())
    first, _, rest = result.err.partition("\n")
    assert first.startswith(f"mstoken: error: GET {command.service.url}/v1.0/x returned {status}")
    assert said in first
    assert step in rest
    assert "\x1b" not in result.err
    assert "hidden" not in result.err


def test_the_requested_wait_is_reported(command: RequestCommand) -> None:
    """The next step contains the wait that the API requests."""
    command.answers(lambda _: Reply(429, "", {"Retry-After": "17"}))
    assert "  next: Try again in 17 seconds." in command.to_api("GET", "/x", "--retries", "0").err


def test_a_bearer_challenge_is_explained(command: RequestCommand) -> None:
    """A 401 without a body is explained by its Bearer challenge."""
    command.answers(
        lambda _: Reply(401, "", {"WWW-Authenticate": 'Bearer error="invalid_token", error_description="x"'})
    )
    result = command.to_api("GET", "/x")
    assert result.code == 4
    assert "expired, revoked, or not meant for it" in result.err
    assert "mstoken get graph" in result.err


def test_a_claims_challenge_is_answered_with_another_token(command: RequestCommand) -> None:
    """A challenge with claims leads to a token with them, and the request is sent again."""
    claims = json.dumps({"access_token": {"nbf": {"essential": True, "value": "1"}}})
    challenge = f'Bearer error="insufficient_claims", claims="{base64.b64encode(claims.encode()).decode()}"'
    tokens = iter(["first", "second"])

    def answer(request: RecordedRequest) -> Reply:
        if request.path.endswith("/token"):
            return token_reply(next(tokens))
        met = header(request, "authorization") == "Bearer second"
        return Reply(200, {"met": True}) if met else Reply(401, "", {"WWW-Authenticate": challenge})

    command.service.script = [answer]
    result = command.to_api("GET", "/x")
    assert (result.code, json.loads(result.out)) == (0, {"met": True})
    assert json.loads(command.service.requests[2].form["claims"]) == json.loads(claims)


def test_a_redirect_of_a_write_is_reported_and_not_followed(command: RequestCommand) -> None:
    """Neither the body nor the token is sent to the target."""
    command.answers(lambda _: Reply(302, "", {"Location": f"{command.service.url}/elsewhere?sig=hidden"}))
    result = command.to_api("POST", "/x", "-d", "{}")
    assert result.code == 0
    assert f"It redirects to {command.service.url}/elsewhere; mstoken does not send a token there." in result.err
    assert "hidden" not in result.err
    assert len(command.requests) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("GET", "https://evil.example/x", "--scope", "graph"), 4, "nothing was sent"),
        (("GET", "https://graph.microsoft.com.evil.example/v1.0/me"), 2, "No service in the catalogue"),
        (("GET", "graph.microsoft.com/v1.0/me"), 2, "is not a URL"),
        (("GET", "https://graph.micro soft.com/v1.0/me"), 2, "is not a URL"),
        (("GET", "//evil.example/subscriptions"), 2, "is not a URL"),
        (("GET", "/\\evil.example/subscriptions"), 2, "is not a URL"),
        (("GET", "/subscriptionsx"), 2, "is not a URL"),
        (("GET", "/v1.0/me"), 2, "is not a URL"),
        (("GET", "http://graph.microsoft.com/v1.0/me"), 2, "https"),
        (("GET", "https://graph.microsoft.com/", "-H", "Authorization: Bearer abc"), 2, "Authorization header itself"),
        (("GET", "https://graph.microsoft.com/", "-H", "authorization : x"), 2, "Authorization header itself"),
        (("GET", "https://graph.microsoft.com/", "-H", "no colon"), 2, "'Name: value'"),
        (("GET", "https://graph.microsoft.com/", "-H", "A: b\r\nC: d"), 2, "control character"),
        (("G ET", "https://graph.microsoft.com/"), 2, "is not a method"),
        (("https://graph.microsoft.com/", "GET"), 2, "is not a method"),
        (("POST", "https://graph.microsoft.com/", "-d", "@missing.json"), 2, "cannot be read"),
    ],
)
def test_invalid_requests_are_refused_before_anything_is_sent(
    command: RequestCommand, arguments: tuple[str, ...], code: int, said: str
) -> None:
    """Foreign hosts, partial URLs, forged headers and missing files end the command before any request."""
    result = command(*arguments)
    assert (result.code, result.out) == (code, "")
    assert said in result.err
    assert "  next: " in result.err
    assert command.service.requests == []
    assert "abc" not in result.err


def test_a_path_of_azure_resource_manager_is_completed(tmp_path: Path) -> None:
    """/subscriptions is completed with the cloud's own host: the emulator's proxy sees the request for it."""
    result = Program(tmp_path)(
        "emulator", "--", "mstoken", "request", "GET", "/subscriptions?api-version=2022-12-01", "-i"
    )
    assert result.code == 0, result.err
    assert json.loads(result.out)["value"][0]["id"].startswith("/subscriptions/")


def test_the_url_determines_the_token(tmp_path: Path) -> None:
    """Without --scope the token is the one for the URL's service."""
    result = Program(tmp_path)(
        "emulator", "--", "mstoken", "request", "GET", "https://graph.microsoft.com/v1.0/organization"
    )
    assert result.code == 0, result.err
    assert "verifiedDomains" in json.loads(result.out)["value"][0]


def test_a_service_that_needs_a_user_is_refused_before_any_request(command: RequestCommand) -> None:
    """Partner Center with an application's credential ends with exit code 3."""
    result = command("GET", "https://api.partnercenter.microsoft.com/v1/customers")
    assert (result.code, result.out, command.service.requests) == (3, "", [])
    assert "mstoken login" in result.err


def test_an_unverified_service_is_called_with_a_warning(command: RequestCommand) -> None:
    """The request is sent all the same."""
    url = command.service.url
    result = command("GET", f"{url}/x", "--scope", "aadgraph", "--origin", url)
    assert result.code == 0
    assert result.err == "mstoken: Azure AD Graph: Microsoft has retired this service.\n"


def test_secret_and_token_never_show(command: RequestCommand) -> None:
    """Neither is on standard error in any failure, even with tracebacks."""
    command.answers(lambda _: Reply(500, "boom"))
    url = command.service.url
    variables = {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": CLIENT_ID, "AZURE_CLIENT_SECRET": SECRET}
    arguments = (
        "--debug",
        "request",
        "GET",
        f"{url}/x",
        "--scope",
        "graph",
        "--origin",
        url,
        "--authority",
        url,
        "-i",
        "--retries",
        "1",
    )
    result = command.program(*arguments, **variables)
    assert result.code == 5
    assert SECRET not in result.err
    assert "token-1" not in result.err


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"error": {"code": "A", "message": "m\\n n"}}', ("A", "m n")),
        (b'{"error": "invalid_token", "error_description": "d"}', ("invalid_token", "d")),
        (b'{"code": 10001, "description": "d"}', ("10001", "d")),
        (b'{"error": {"code": null, "message": ["x"]}}', ("", "")),
        (b'{"error": {"code": true}}', ("", "")),
        (b"[1]", ("", "")),
        (b"{", ("", "")),
        (b"[" * 100_000, ("", "")),
        (b"", ("", "")),
    ],
)
def test_error_bodies_of_every_form_are_parsed(body: bytes, found: tuple[str, str]) -> None:
    """Code and message are found in each API's form; a body without them gives neither."""
    assert parse_api_error(body) == found
