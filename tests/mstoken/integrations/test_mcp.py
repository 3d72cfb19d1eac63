"""The bridge of `mstoken mcp` in this process, between lines of a client and a server that answers from a script."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.support.token_service import RecordedRequest, Reply, TokenService, token_reply

from mstoken import Client, ClientSecret, UsageError
from mstoken.credentials import RefreshToken
from mstoken.integrations.mcp import bridge as bridges
from mstoken.integrations.mcp.access import Access
from mstoken.integrations.mcp.bridge import Bridge
from mstoken.integrations.mcp.http import Server
from mstoken.integrations.mcp.messages import parse
from mstoken.integrations.serving.identities import sentence
from mstoken.transports.blocking import HttpTransport

SCOPE = "api://127.0.0.1/Mcp.Tools"
SSE = {"Content-Type": "text/event-stream"}
JSON = {"Content-Type": "application/json"}
CLAIMS = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'


def message(method: str, of: object = None, **params: Any) -> bytes:
    made = {"jsonrpc": "2.0", "method": method, **({"id": of} if of is not None else {}), "params": params}
    return json.dumps(made).encode()


def result_of(request: RecordedRequest, **result: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": json.loads(request.body)["id"], "result": result}


def token_of(request: RecordedRequest) -> str:
    return request.headers.get("Authorization", "").removeprefix("Bearer ")


def answer(request: RecordedRequest) -> Reply:
    """Answer as a server with sessions does: initialize, requests, and notifications."""
    if request.method == "DELETE":
        return Reply(204, b"")
    if request.method == "GET":
        return Reply(405, b"")
    body = json.loads(request.body)
    if "id" not in body:
        return Reply(202, b"")
    if body["method"] == "initialize":
        return Reply(200, result_of(request, protocolVersion="2025-06-18"), {**JSON, "Mcp-Session-Id": "s-1"})
    return Reply(200, result_of(request, of=body["method"]), JSON)


def protected(
    metadata: dict[str, Any], challenge: str = "", then: Callable[[RecordedRequest], Reply] = answer
) -> Callable[[RecordedRequest], Reply]:
    """A server that answers requests with a token, and has metadata."""

    def reply(request: RecordedRequest) -> Reply:
        if "/.well-known/" in request.path:
            assert not token_of(request)
            return Reply(200, {"resource": f"http://{request.headers['Host']}/mcp", **metadata})
        return then(request) if token_of(request) else Reply(401, b"", {"WWW-Authenticate": challenge or "Bearer"})

    return reply


class Connected:
    """A bridge between a server with this script and a client whose lines a test sends."""

    def __init__(self, script: Callable[[RecordedRequest], Reply], client: Client, *, scopes: tuple[str, ...]) -> None:
        self.server, self.transport = TokenService(), HttpTransport()
        self.server.script = [script]
        self.url = f"{self.server.url}/mcp"
        self.lines: list[dict[str, Any]] = []
        self.said: list[str] = []
        access = Access(self.url, client, self.transport, self.said.append, scopes=scopes)
        made = Server(self.url, access, self.transport)
        self.bridge = Bridge(made, self._write, self.said.append, lambda error: (sentence(error), {"kind": "x"}))

    def _write(self, line: bytes) -> None:
        assert b"\n" not in line
        self.lines.append(json.loads(line))

    def ask(self, *messages: bytes) -> list[dict[str, Any]]:
        """Send the messages, and return the lines that they brought."""
        before = len(self.lines)
        for one in messages:
            self.bridge.handle(one)
        self.bridge.wait()
        return self.lines[before:]

    def begin(self) -> None:
        self.ask(message("initialize", 0), message("notifications/initialized"))

    @property
    def posts(self) -> list[RecordedRequest]:
        return [one for one in self.server.requests if one.method == "POST"]

    def close(self) -> None:
        self.bridge.close()
        self.server.close()
        self.transport.close()


@pytest.fixture
def authority() -> Iterator[TokenService]:
    made = TokenService()
    made.script = [lambda _: token_reply(f"token-{len(made.requests)}")]
    yield made
    made.close()


@pytest.fixture
def client(authority: TokenService) -> Client:
    return Client("contoso.onmicrosoft.com", "app", ClientSecret("s"), authority.url)


Connect = Callable[..., Connected]


@pytest.fixture
def connect(client: Client) -> Iterator[Connect]:
    made: list[Connected] = []

    def start(script: Callable[[RecordedRequest], Reply], used: Client = client, scopes: tuple[str, ...] = ()) -> Any:
        made.append(Connected(script, used, scopes=scopes))
        return made[-1]

    yield start
    for one in made:
        one.close()


def test_the_scopes_of_the_metadata_and_never_a_resource(connect: Connect, authority: TokenService) -> None:
    """The first request has no token; the second has one for the application's .default, got without `resource`."""
    connected = connect(protected({"scopes_supported": ["openid", SCOPE]}))
    [found] = connected.ask(message("initialize", "a"))
    assert found["result"] == {"protocolVersion": "2025-06-18"}
    assert [token_of(one) for one in connected.posts] == ["", "token-1"]
    [asked] = authority.requests
    assert asked.form["scope"] == "api://127.0.0.1/.default"
    assert "resource" not in asked.form
    assert connected.said == [f"Tokens with api://127.0.0.1/.default go to {connected.server.url}."]


def test_the_scopes_of_the_challenge_come_first_and_a_user_gets_them_as_they_are(
    connect: Connect, authority: TokenService
) -> None:
    user = Client("contoso.onmicrosoft.com", "app", RefreshToken("r"), authority.url)
    named = 'Bearer resource_metadata="{}/.well-known/x", scope="api://127.0.0.1/A api://127.0.0.1/B"'
    connected = connect(answer, user)
    connected.server.script = [protected({"scopes_supported": [SCOPE]}, named.format(connected.server.url))]
    connected.ask(message("tools/list", 1))
    assert connected.server.requests[1].path == "/.well-known/x"
    assert authority.requests[0].form["scope"].split()[:2] == ["api://127.0.0.1/A", "api://127.0.0.1/B"]


@pytest.mark.parametrize(
    ("metadata", "part"),
    [
        ({"scopes_supported": ["https://graph.microsoft.com/User.Read"]}, "--scope 'https://graph.microsoft.com"),
        ({"scopes_supported": ["api://payroll/Read"]}, "--scope 'api://payroll/.default'"),
        ({"scopes_supported": ["00000003-0000-0000-c000-000000000000/.default"]}, "could call another API"),
        ({"scopes_supported": ["User.Read"]}, "names no resource"),
        ({"scopes_supported": [SCOPE, "api://other/Read"]}, "several resources"),
        ({"scopes_supported": []}, "does not say which scope"),
        ({"resource": "https://other.example/mcp", "scopes_supported": [SCOPE]}, "names another origin"),
        ({"resource": "http://127.0.0.1:1/mcp"}, "names another origin"),
        ({"resource": 1}, "is not a JSON object with a resource"),
        ({"scopes_supported": [SCOPE], "authorization_servers": ["https://evil.example/t"]}, "takes tokens of https"),
    ],
)
def test_what_a_server_must_not_get(
    connect: Connect, authority: TokenService, metadata: dict[str, Any], part: str
) -> None:
    """Its client gets the reason; no token was requested, and none sent."""
    connected = connect(protected(metadata))
    [found] = connected.ask(message("initialize", 1))
    assert part in found["error"]["message"], found
    assert (found["id"], found["error"]["code"]) == (1, -32000)
    assert authority.requests == []
    assert not any(token_of(one) for one in connected.server.requests)


def test_metadata_at_another_origin_is_not_read(connect: Connect, authority: TokenService) -> None:
    other = TokenService()
    connected = connect(protected({}, f'Bearer resource_metadata="{other.url}/x"'))
    [found] = connected.ask(message("initialize", 1))
    assert "names another origin" in found["error"]["message"]
    assert (other.requests, authority.requests) == ([], [])
    other.close()


def test_a_chosen_scope_needs_no_metadata(connect: Connect, authority: TokenService) -> None:
    connected = connect(answer, scopes=("api://payroll/.default",))
    connected.ask(message("tools/list", 1))
    assert [token_of(one) for one in connected.server.requests] == ["token-1"]
    assert authority.requests[0].form["scope"] == "api://payroll/.default"


def test_a_server_without_protection_gets_no_token(connect: Connect, authority: TokenService) -> None:
    connected = connect(answer)
    assert connected.ask(message("tools/list", 1))[0]["result"] == {"of": "tools/list"}
    assert authority.requests == []


def test_tokens_are_renewed_during_the_connection(connect: Connect, authority: TokenService) -> None:
    """With tokens that expire at once, each request of one session has its own."""
    authority.script = [lambda _: token_reply(f"token-{len(authority.requests)}", expires_in=1)]
    connected = connect(answer, scopes=(SCOPE.replace("Mcp.Tools", ".default"),))
    connected.begin()
    connected.ask(message("tools/list", 1))
    assert len({token_of(one) for one in connected.posts}) == len(connected.posts) == 3
    assert {one.headers.get("Mcp-Session-Id") for one in connected.posts[1:]} == {"s-1"}
    assert {one.headers.get("MCP-Protocol-Version") for one in connected.posts[1:]} == {"2025-06-18"}


def test_a_claims_challenge_is_answered_once(connect: Connect, authority: TokenService) -> None:
    """The request is sent again with the claims; so are those after it, without another challenge."""
    encoded = base64.b64encode(CLAIMS.encode()).decode()
    challenge = {"WWW-Authenticate": f'Bearer error="insufficient_claims", claims="{encoded}"'}

    def reply(request: RecordedRequest) -> Reply:
        return Reply(401, b"", challenge) if token_of(request) == "token-1" else answer(request)

    connected = connect(reply, scopes=("api://127.0.0.1/.default",))
    assert connected.ask(message("tools/list", 1))[0]["result"]
    assert connected.ask(message("tools/list", 2))[0]["result"]
    assert [token_of(one) for one in connected.posts] == ["token-1", "token-2", "token-2"]
    assert json.loads(authority.requests[1].form["claims"])["access_token"]["acrs"]["value"] == "c1"


def test_a_challenge_that_claims_do_not_satisfy_ends(connect: Connect, authority: TokenService) -> None:
    encoded = base64.b64encode(CLAIMS.encode()).decode()
    challenge = {"WWW-Authenticate": f'Bearer error="insufficient_claims", claims="{encoded}"'}
    connected = connect(lambda _: Reply(401, b"", challenge), scopes=("api://127.0.0.1/.default",))
    assert "returned 401" in connected.ask(message("tools/list", 1))[0]["error"]["message"]
    assert len(connected.posts) == 2


def test_a_refused_token_is_replaced_once(connect: Connect) -> None:
    """As after the server's restart, or a change of roles; a server that refuses every token gets two."""
    connected = connect(
        lambda request: Reply(401, b"") if token_of(request) == "token-1" else answer(request),
        scopes=("api://127.0.0.1/.default",),
    )
    assert connected.ask(message("tools/list", 1))[0]["result"]
    refusing = connect(lambda _: Reply(401, b""), scopes=("api://127.0.0.1/.default",))
    assert "returned 401" in refusing.ask(message("tools/list", 1))[0]["error"]["message"]
    assert len(refusing.posts) == 2


def test_more_scopes_of_the_same_resource(connect: Connect, authority: TokenService) -> None:
    """As the server's 403 names them; scopes of another resource are not requested."""
    user = Client("contoso.onmicrosoft.com", "app", RefreshToken("r"), authority.url)

    def reply(request: RecordedRequest) -> Reply:
        body = json.loads(request.body)
        if body["method"] == "foreign":
            named = 'Bearer error="insufficient_scope", scope="api://payroll/Read"'
            return Reply(403, b"", {"WWW-Authenticate": named})
        if token_of(request) == "token-1":
            return Reply(403, b"", {"WWW-Authenticate": 'Bearer error="insufficient_scope", scope="api://127.0.0.1/W"'})
        return answer(request)

    connected = connect(protected({"scopes_supported": [SCOPE]}, then=reply), user)
    assert connected.ask(message("tools/call", 1))[0]["result"]
    assert {SCOPE, "api://127.0.0.1/W"} <= set(authority.requests[1].form["scope"].split())
    assert "returned 403" in connected.ask(message("foreign", 2))[0]["error"]["message"]
    assert len(authority.requests) == 2


def test_a_redirect_gets_no_token(connect: Connect) -> None:
    other = TokenService()
    connected = connect(
        lambda _: Reply(307, b"", {"Location": f"{other.url}/mcp"}), scopes=("api://127.0.0.1/.default",)
    )
    [found] = connected.ask(message("tools/list", 1))
    assert f"redirects to {other.url}/mcp" in found["error"]["message"]
    assert other.requests == []
    other.close()


def test_a_session_that_the_server_has_ended_begins_again(connect: Connect) -> None:
    """The client does not notice: its first message is sent again, and then the one that met 404."""
    ended: list[bool] = []

    def reply(request: RecordedRequest) -> Reply:
        if ended and request.headers.get("Mcp-Session-Id") == "s-1":
            return Reply(404, b"")
        found = answer(request)
        if ended and found.headers.get("Mcp-Session-Id"):
            found.headers["Mcp-Session-Id"] = "s-2"
        return found

    connected = connect(reply)
    connected.begin()
    ended.append(True)
    [found] = connected.ask(message("tools/list", 1))
    assert found["result"] == {"of": "tools/list"}
    assert connected.posts[-1].headers["Mcp-Session-Id"] == "s-2"
    assert "a new one has begun" in connected.said[-1]


def test_a_stream_that_breaks_is_resumed(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridges, "_PAUSE_IN", 0.0)
    progress = json.dumps({"jsonrpc": "2.0", "method": "notifications/progress"})
    final = json.dumps({"jsonrpc": "2.0", "id": 7, "result": {}}, indent=1).replace("\n", "\ndata: ")

    def reply(request: RecordedRequest) -> Reply:
        if request.method == "GET":
            assert request.headers["Last-Event-ID"] == "e-1"
            return Reply(200, f"id: e-2\r\ndata: {final}\r\n\r\n".replace("\ndata", "\r\ndata").encode(), SSE)
        return Reply(200, f": hello\nid: e-1\ndata: {progress}\n\nid: e-1\ndata:\n\n".encode(), SSE)

    connected = connect(reply)
    found = connected.ask(message("tools/call", 7))
    assert [one.get("method", one.get("id")) for one in found] == ["notifications/progress", 7]


def test_a_stream_that_ends_without_an_answer(connect: Connect) -> None:
    connected = connect(lambda _: Reply(200, b"data: {}\n\n", SSE))
    [found] = connected.ask(message("tools/call", 7))
    assert "without an answer" in found["error"]["message"]
    assert "not JSON-RPC" in connected.said[0]


@pytest.mark.parametrize(("status", "part"), [(404, "returned 404"), (500, "returned 500"), (405, "returned 405")])
def test_failures_of_the_server(connect: Connect, status: int, part: str) -> None:
    """A request gets them as its error, a notification as a line for people; an error of JSON-RPC is passed on."""
    connected = connect(lambda _: Reply(status, b"<html>"))
    assert part in connected.ask(message("tools/list", 1))[0]["error"]["message"]
    assert connected.ask(message("notifications/progress")) == []
    assert part in connected.said[-1]
    error = {"jsonrpc": "2.0", "id": 1, "error": {"code": -32022, "message": "no"}}
    connected = connect(lambda _: Reply(400, error, JSON))
    assert connected.ask(message("tools/list", 1)) == [error]


def test_a_server_that_is_not_there(connect: Connect) -> None:
    connected = connect(answer)
    connected.server.close()
    assert "refused the connection" in connected.ask(message("tools/list", 1))[0]["error"]["message"]


def test_garbage_of_the_client(connect: Connect) -> None:
    connected = connect(answer)
    found = connected.ask(b"rubbish", b'{"id":1}', b"[]", b"null")
    assert [(one["id"], one["error"]["code"]) for one in found] == [(None, -32700)] * 4


def test_the_headers_of_messages_without_sessions() -> None:
    """Since 2026-07-28 each message names its version, and the headers repeat what it is."""
    meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}
    assert parse(message("tools/call", 1, name="größe", _meta=meta)).headers == {
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "tools/call",
        "Mcp-Name": f"=?base64?{base64.b64encode('größe'.encode()).decode()}?=",
    }
    assert parse(message("resources/read", 1, uri="a://b", _meta=meta)).headers["Mcp-Name"] == "a://b"
    assert parse(message("tools/call", 1, name="x")).headers == {}
    with pytest.raises(UsageError):
        parse(b'{"jsonrpc":"1.0"}')


def test_a_cancellation_closes_the_response_where_there_are_no_sessions(connect: Connect) -> None:
    """Before 2026-07-28, the message is passed on; since then, the request's connection ends."""
    meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}
    arrived, release = threading.Event(), threading.Event()

    def reply(request: RecordedRequest) -> Reply:
        if json.loads(request.body)["method"] == "tools/call":
            arrived.set()
            release.wait(30)
        return answer(request)

    connected = connect(reply)
    connected.bridge.handle(message("tools/call", 1, name="slow", _meta=meta))
    arrived.wait(30)
    connected.bridge.handle(message("notifications/cancelled", requestId=1, _meta=meta))
    connected.bridge.wait()
    release.set()
    assert (connected.lines, len(connected.posts)) == ([], 1)
    connected.ask(message("notifications/cancelled", requestId=9))
    assert json.loads(connected.posts[-1].body)["method"] == "notifications/cancelled"


def test_too_many_requests_at_once(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """They get an error and do not wait: answers of the client could otherwise wait behind them for ever."""
    monkeypatch.setattr(bridges, "MOST_REQUESTS", 2)
    release = threading.Event()

    def reply(request: RecordedRequest) -> Reply:
        release.wait(30)
        return answer(request)

    connected = connect(reply)
    for number in range(3):
        connected.bridge.handle(message("tools/list", number))
    assert [one["id"] for one in connected.lines] == [2]
    release.set()
    connected.bridge.wait()
    assert {one["id"] for one in connected.lines} == {0, 1, 2}


def test_ten_thousand_requests(connect: Connect) -> None:
    """Forty at a time; connections are used again, and no thread is left."""
    connected = connect(answer, scopes=("api://127.0.0.1/.default",))
    connected.begin()
    for start in range(0, 10_000, 40):
        connected.ask(*(message("tools/call", start + number) for number in range(40)))
    assert sorted(one["id"] for one in connected.lines[1:]) == list(range(10_000))
    assert connected.server.connections < 2_000
    assert not [one for one in threading.enumerate() if one.name == "mstoken-mcp"]
