"""Compressed bodies: what the caller gets is the content."""

from __future__ import annotations

import gzip
import zlib
from functools import partial

import pytest
from tests.mstoken.transports.conftest import Send
from tests.support.raw_server import RawServer
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT, Reply, TokenService

from mstoken import ClientSecret, TransportError
from mstoken.protocol.http import HttpRequest, HttpResponse

CONTENT = b"hello " * 1000
GZIP = gzip.compress(CONTENT, mtime=0)
"""The same in every process: names of tests are made of it."""


def answer(body: bytes, coding: str, status: str = "200 OK") -> list[list[bytes]]:
    return [[f"HTTP/1.1 {status}\r\nContent-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body]]


@pytest.mark.parametrize(
    ("coding", "body"),
    [("gzip", GZIP), ("X-Gzip", GZIP), ("deflate", zlib.compress(CONTENT))],
)
def test_a_compressed_body_is_decoded(send: Send, coding: str, body: bytes) -> None:
    """And the headers no longer say that it is compressed, or how long it was then."""
    with RawServer(answer(body, coding)) as server:
        response = send(HttpRequest("GET", server.url, timeout_in=20))
    assert response.body == CONTENT
    assert not {"content-encoding", "content-length"} & set(response.headers)


def test_an_unknown_content_coding_is_not_decoded(send: Send) -> None:
    """The header says what the body is."""
    with RawServer(answer(b"\x00\x01", "br")) as server:
        response = send(HttpRequest("GET", server.url, timeout_in=20))
    assert (response.body, response.headers["content-encoding"]) == (b"\x00\x01", "br")


def test_a_partial_response_is_not_decoded(send: Send) -> None:
    """It cannot be decoded alone (RFC 9110 section 14.2)."""
    part = GZIP[10:20]
    with RawServer(answer(part, "gzip", "206 Partial Content")) as server:
        assert send(HttpRequest("GET", server.url, timeout_in=20)).body == part


@pytest.mark.parametrize("body", [b"not gzip", GZIP[:-9], GZIP[:5]])
def test_a_body_with_a_wrong_content_coding_is_refused(send: Send, body: bytes) -> None:
    """Damaged or cut off: a part is never taken for the whole."""
    with RawServer(answer(body, "gzip")) as server, pytest.raises(TransportError):
        send(HttpRequest("GET", server.url, timeout_in=20))


@pytest.mark.parametrize(
    ("headers", "accepted"), [({}, "gzip"), ({"accept-encoding": "br"}, "br"), ({"Range": "bytes=0-9"}, "identity")]
)
def test_an_api_call_accepts_compression(
    runner: Runner, token_service: TokenService, headers: dict[str, str], accepted: str
) -> None:
    """Unless the caller says otherwise, or wants a part of a file."""
    api = TokenService()
    api.script = [Reply(200, GZIP, {"Content-Encoding": "gzip"})]
    client = runner.client(TENANT, CLIENT_ID, ClientSecret("s"), token_service.url)
    call = partial(client.request, "GET", api.url, scope="graph", origin=api.url, headers=headers)
    response: HttpResponse = runner.run(call)
    assert response.body == CONTENT
    sent = {name.lower(): value for name, value in api.requests[0].headers.items()}
    assert sent["accept-encoding"] == accepted
    api.close()
