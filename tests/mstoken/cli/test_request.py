"""`mstoken request`: the answer as it came, what it means beside it, and the token nowhere else."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.program import Program, RunResult
from tests.support.token_service import CLIENT_ID, TENANT, RecordedRequest, Reply, TokenService, token_reply

from mstoken.cli.api_response import parse_api_error

SECRET = "not-a-real-secret"


def header(request: RecordedRequest, name: str) -> str:
    """A header of a request by its name in any case, '' when it was not sent."""
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
        """What the API saw."""
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


def test_the_body_comes_as_it_is(command: RequestCommand) -> None:
    """A program gets the very bytes of the answer, binary ones too, and nothing else."""
    body = bytes(range(256)) + b'{"a":  1}'
    command.answers(lambda _: Reply(200, body))
    result = command.to_api("get", "/v1.0/photo")
    assert (result.code, result.raw, result.err) == (0, body, "")
    assert command.requests[0].method == "GET"
    assert header(command.requests[0], "authorization") == "Bearer token-1"


def test_a_person_gets_json_indented(command: RequestCommand) -> None:
    """At a terminal JSON is indented; bytes that are no text are not sent to it."""
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
    """Data comes from the argument, a file or standard input; JSON names its type unless a header does."""
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


def test_a_filter_may_have_blanks(command: RequestCommand) -> None:
    """OData's examples are written with blanks; they are sent as URLs have them, and the place is never touched."""
    assert command.to_api("GET", "/users?$filter=startswith(displayName,'A') and accountEnabled eq true").code == 0
    assert command.requests[-1].path == "/users?$filter=startswith(displayName,'A')%20and%20accountEnabled%20eq%20true"


def test_include_shows_the_head_beside_the_body(command: RequestCommand) -> None:
    """Status and headers go to standard error, so that what is piped on stays the body."""
    command.answers(lambda _: Reply(201, {"id": 1}, {"Location": "https://x.example/1"}))
    result = command.to_api("POST", "/x", "-i")
    assert result.err.splitlines()[0] == "HTTP 201"
    assert "location: https://x.example/1" in result.err
    assert json.loads(result.out) == {"id": 1}


def error(code: str, message: str) -> dict[str, Any]:
    """An error body as Graph and Azure Resource Manager write it."""
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
def test_an_error_answer_is_printed_and_explained(
    command: RequestCommand, status: int, body: Any, code: int, said: str, step: str
) -> None:
    """The body is printed whatever the status; what it means and the next step are said beside it."""
    reply = Reply(status, body)
    command.answers(lambda _: reply)
    result = command.to_api("GET", "/v1.0/x?key=hidden")
    assert (result.code, result.raw) == (code, reply.payload())
    first, _, rest = result.err.partition("\n")
    assert first.startswith(f"mstoken: error: GET {command.service.url}/v1.0/x returned {status}")
    assert said in first
    assert step in rest
    assert "\x1b" not in result.err
    assert "hidden" not in result.err


def test_the_wait_that_was_asked_for_is_told(command: RequestCommand) -> None:
    """Where the API says how long to wait, so does the next step."""
    command.answers(lambda _: Reply(429, "", {"Retry-After": "17"}))
    assert "  next: Try again in 17 seconds." in command.to_api("GET", "/x").err


def test_a_challenge_tells_what_was_wrong_with_the_token(command: RequestCommand) -> None:
    """A 401 without a body still says what its Bearer challenge says."""
    command.answers(
        lambda _: Reply(401, "", {"WWW-Authenticate": 'Bearer error="invalid_token", error_description="x"'})
    )
    result = command.to_api("GET", "/x")
    assert result.code == 4
    assert "expired, revoked, or not meant for it" in result.err
    assert "mstoken get graph" in result.err


def test_a_claims_challenge_is_answered_with_another_token(command: RequestCommand) -> None:
    """A challenge that names claims brings a token with them, and the call is made again."""
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


def test_a_redirect_is_told_and_not_followed(command: RequestCommand) -> None:
    """A token is not carried to where an answer points."""
    command.answers(lambda _: Reply(302, "", {"Location": f"{command.service.url}/elsewhere?sig=hidden"}))
    result = command.to_api("GET", "/x")
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
def test_what_would_go_wrong_is_refused_before_anything_is_sent(
    command: RequestCommand, arguments: tuple[str, ...], code: int, said: str
) -> None:
    """Foreign hosts, half URLs, forged headers and missing files end the command before a request is made."""
    result = command(*arguments)
    assert (result.code, result.out) == (code, "")
    assert said in result.err
    assert "  next: " in result.err
    assert command.service.requests == []
    assert "abc" not in result.err


def test_a_path_of_azure_resource_manager_stands_for_its_url(tmp_path: Path) -> None:
    """/subscriptions is completed with the cloud's own host: the emulator, in the middle, sees the request for it."""
    result = Program(tmp_path)(
        "emulator", "--", "mstoken", "request", "GET", "/subscriptions?api-version=2022-12-01", "-i"
    )
    assert result.code == 0, result.err
    assert json.loads(result.out)["value"][0]["id"].startswith("/subscriptions/")


def test_the_url_tells_which_token_it_needs(tmp_path: Path) -> None:
    """Without --scope the token is the one for the URL's service."""
    result = Program(tmp_path)(
        "emulator", "--", "mstoken", "request", "GET", "https://graph.microsoft.com/v1.0/organization"
    )
    assert result.code == 0, result.err
    assert "verifiedDomains" in json.loads(result.out)["value"][0]


def test_a_service_that_needs_a_user_says_so_before_the_network(command: RequestCommand) -> None:
    """Partner Center with an application's credential ends with exit code 3 and no request."""
    result = command("GET", "https://api.partnercenter.microsoft.com/v1/customers")
    assert (result.code, result.out, command.service.requests) == (3, "", [])
    assert "mstoken login" in result.err


def test_an_unverified_service_is_called_with_a_warning(command: RequestCommand) -> None:
    """What is not sure about a service is said, and the call is made all the same."""
    url = command.service.url
    result = command("GET", f"{url}/x", "--scope", "aadgraph", "--origin", url)
    assert result.code == 0
    assert result.err == "mstoken: Azure AD Graph: Microsoft has retired this service.\n"


def test_the_secret_and_the_token_are_never_said(command: RequestCommand) -> None:
    """Neither shows on standard error, whatever goes wrong, even with tracebacks on."""
    command.answers(lambda _: Reply(500, "boom"))
    url = command.service.url
    variables = {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": CLIENT_ID, "AZURE_CLIENT_SECRET": SECRET}
    arguments = ("--debug", "request", "GET", f"{url}/x", "--scope", "graph", "--origin", url, "--authority", url, "-i")
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
def test_error_bodies_of_every_kind_are_read(body: bytes, found: tuple[str, str]) -> None:
    """Code and message are found in each API's form; what has neither gives neither."""
    assert parse_api_error(body) == found
