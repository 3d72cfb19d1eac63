"""A response header with every byte value, on every path: it arrives as Latin-1 text, or the response is refused."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
from tests.mstoken.transports.conftest import Send
from tests.support.program import Program
from tests.support.raw_server import RawServer
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT

from mstoken import ClientSecret, MstokenError, TransportError
from mstoken.protocol.http import HttpRequest, HttpResponse

REFUSED = {0x0A, 0x0D}
"""Line ends: what follows them is no header."""
BYTES = range(256)
TOKEN = json.dumps({"token_type": "Bearer", "expires_in": 3599, "access_token": "token-1"}).encode()


def answer(byte: int, body: bytes, name: bytes = b"X-Odd", status: bytes = b"200 OK") -> bytes:
    head = b"HTTP/1.1 %s\r\n%s: a%cb\r\nContent-Length: %d\r\n\r\n" % (status, name, byte, len(body))
    return head + body


def test_a_header_value_is_sent_unchanged_or_refused(send: Send) -> None:
    """By the transport itself: no byte makes another error, and none loses the body."""
    for byte in BYTES:
        with RawServer([[answer(byte, b"hello")]]) as server:
            request = HttpRequest("GET", server.url, timeout_in=20)
            if byte in REFUSED:
                with pytest.raises(TransportError, match="is not HTTP"):
                    send(request)
                continue
            response = send(request)
            assert (response.headers["x-odd"], response.body) == (f"a{chr(byte)}b", b"hello"), byte


def test_a_header_name_is_a_token_or_refused(send: Send) -> None:
    """A byte that no header name may hold (RFC 9110 section 5.1) is no header."""
    for byte in BYTES:
        with RawServer([[b"HTTP/1.1 200 OK\r\nX%cY: 1\r\nContent-Length: 5\r\n\r\nhello" % byte]]) as server:
            request = HttpRequest("GET", server.url, timeout_in=20)
            if 0x20 < byte < 0x7F:
                assert send(request).body == b"hello", byte
            else:
                with pytest.raises(TransportError, match="is not HTTP"):
                    send(request)


@pytest.mark.parametrize("name", [b"Content-Disposition", b"Location", b"Retry-After", b"WWW-Authenticate", b"Date"])
@pytest.mark.parametrize("status", [b"200 OK", b"401 Unauthorized", b"429 Too Many", b"503 Unavailable"])
def test_an_answer_of_an_api_reaches_the_caller(runner: Runner, name: bytes, status: bytes) -> None:
    """By `client.request`, whatever the header's name and meaning: the call was made, so its answer is given."""
    for byte in (0x01, 0x1B, 0x7F, 0x80, 0x9B, 0xE9, 0xFF):
        with RawServer([[answer(0x61, TOKEN)]]) as login, RawServer([[answer(byte, b"hello", name, status)]]) as api:
            client = runner.client(TENANT, CLIENT_ID, ClientSecret("s"), login.url)
            call = partial(client.request, "GET", api.url, scope="graph", origin=api.url.rstrip("/"), retries=0)
            response: HttpResponse = runner.run(call)
            assert (response.headers[name.decode().lower()], response.body) == (f"a{chr(byte)}b", b"hello"), byte
            runner.run(client.close)


def test_a_token_is_returned_whatever_other_headers_are_present(runner: Runner) -> None:
    """At the token endpoint, in good answers."""
    for byte in set(BYTES) - REFUSED:
        with RawServer([[answer(byte, TOKEN)]]) as login:
            client = runner.client(TENANT, CLIENT_ID, ClientSecret("s"), login.url)
            assert runner.run(partial(client.get_token, "graph")).token == "token-1", byte
            runner.run(client.close)


@pytest.mark.parametrize("name", [b"Retry-After", b"WWW-Authenticate", b"Date", b"Content-Type"])
def test_an_error_response_with_unusual_headers_is_parsed(runner: Runner, name: bytes) -> None:
    """At the token endpoint, in bad answers: an error of ours that names what the service said."""
    body = json.dumps({"error": "invalid_client", "error_description": "AADSTS7000215: no"}).encode()
    for byte in (0x00, 0x01, 0x1B, 0x7F, 0x80, 0x9B, 0xE9, 0xFF):
        with RawServer([[answer(byte, body, name, b"401 Unauthorized")]]) as login:
            client = runner.client(TENANT, CLIENT_ID, ClientSecret("s"), login.url)
            with pytest.raises(MstokenError, match="7000215"):
                runner.run(partial(client.get_token, "graph"))
            runner.run(client.close)


@pytest.mark.parametrize("byte", [0x01, 0x1B, 0x7F, 0x85, 0x9B, 0xA0, 0xE9, 0xFF])
def test_the_command_line_prints_the_answer(tmp_path: Path, byte: int) -> None:
    """`mstoken request -i` shows the header without control characters, and the body; `mstoken get` the token."""
    with RawServer([[answer(byte, TOKEN)]]) as login, RawServer([[answer(byte, b"hello")]]) as api:
        given = {
            "AZURE_TENANT_ID": TENANT,
            "AZURE_CLIENT_ID": CLIENT_ID,
            "AZURE_CLIENT_SECRET": "s",
            "AZURE_AUTHORITY_HOST": login.url.rstrip("/"),
        }
        run = Program(tmp_path)
        result = run("request", "GET", api.url, "--scope", "graph", "--origin", api.url.rstrip("/"), "-i", **given)
        assert result.code == 0, result.err
        assert result.out.endswith("hello")
        shown = next(line for line in (result.out + result.err).split("\n") if line.lower().startswith("x-odd"))
        assert "\x1b" not in shown
        assert "\x9b" not in shown
        assert run("get", "graph", **given).out.strip() == "token-1"
