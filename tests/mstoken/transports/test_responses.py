"""What the transport makes of the bytes that servers send, well or badly."""

from __future__ import annotations

import pytest
from tests.support.raw_server import RawServer

from mstoken import TransportError, UnreadableAnswer, UsageError
from mstoken.protocol.http import HttpRequest, HttpResponse
from mstoken.transports.blocking import HttpTransport


def answer(*pieces: bytes, method: str = "GET", close: bool = True) -> HttpResponse:
    """What comes of one request to a server that sends these pieces."""
    transport = HttpTransport()
    with RawServer([list(pieces)], close=close) as server:
        try:
            return transport.send(HttpRequest(method, server.url, max_response_bytes=1000, timeout_in=20))
        finally:
            transport.close()


def test_the_request_is_sent_completely() -> None:
    """Method, path with query, host with port, headers, length and body arrive, and nothing else."""
    transport = HttpTransport()
    with RawServer([[b"HTTP/1.1 204 No Content\r\n\r\n"]]) as server:
        transport.send(HttpRequest("POST", f"{server.url}a/b?c=d", {"Content-Type": "text/plain"}, b"x=1"))
    transport.close()
    lines = server.received[0].decode().split("\r\n")
    assert lines[0] == "POST /a/b?c=d HTTP/1.1"
    assert sorted(lines[1:-2]) == [
        "Accept-Encoding: identity",
        "Content-Length: 3",
        "Content-Type: text/plain",
        f"Host: {server.url.split('/')[2]}",
        "User-Agent: mstoken",
    ]
    assert lines[-2:] == ["", "x=1"]


OK = b"HTTP/1.1 200 OK\r\nX-A: 1, 2\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n"


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([OK + b"Content-Length: 5\r\n\r\nhello"], id="length"),
        pytest.param([OK.replace(b"\r", b"") + b"Content-Length: 5\n\nhello"], id="bare line ends"),
        pytest.param([b"HTTP/1.1 200\r\nx-a:1, 2\r\n\r\nhello"], id="to the end, without a reason"),
        pytest.param([b"HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 5\r\n\r\nhello"], id="said twice"),
        pytest.param([OK + b"Content-Length: 5, 5\r\n\r\nhello and more"], id="length twice, and more than asked for"),
        pytest.param([CHUNKED + b"\r\n2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nTrailer: 1\r\n\r\n"], id="chunks"),
        pytest.param([CHUNKED + b"Content-Length: 99\r\n\r\n5\r\nhello\r\n0\r\n\r\n"], id="chunks go before a length"),
        pytest.param(
            [b"HTTP/1.1 100 X\r\n\r\nHTTP/1.1 103 Y\r\nX-B: 1\r\n\r\n", OK + b"\r\nhello"], id="interim answers"
        ),
        pytest.param([OK[:3], OK[3:15], OK[15:] + b"Content-Len", b"gth: 5\r\n\r", b"\nhel", b"lo"], id="in pieces"),
    ],
)
def test_every_form_of_response_is_parsed(pieces: list[bytes]) -> None:
    """Status, headers in lower case and the body, however the server frames them."""
    response = answer(*pieces)
    assert (response.status, response.headers["x-a"], response.body) == (200, "1, 2", b"hello")


@pytest.mark.parametrize("status", [204, 304])
def test_responses_to_head_and_204_have_no_body(status: int) -> None:
    """Whatever their headers say, and without waiting for the connection's end."""
    response = answer(f"HTTP/1.1 {status} X\r\nContent-Length: 5\r\n\r\n".encode(), close=False)
    assert (response.status, response.body) == (status, b"")


@pytest.mark.parametrize(
    "content",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 \xb2\xb0\xb0 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n folded: line\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nName : spaced\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 20_000 + b"\r\n",
    ],
)
def test_a_response_that_is_not_http_is_an_error(content: bytes) -> None:
    """Nothing is guessed: an answer that breaks the rules is an error that names the server."""
    with pytest.raises(TransportError, match=r"What 127\.0\.0\.1:\d+ answered is not HTTP"):
        answer(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ],
)
def test_a_truncated_response_is_an_error(content: bytes) -> None:
    """A part of an answer is never taken for the whole."""
    with pytest.raises(TransportError, match="before its answer was complete"):
        answer(content)


@pytest.mark.parametrize(
    "content",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1001,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n" + b"x" * 1000 + b"\r\n1\r\nx\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n" + b"x" * 1001,
    ],
)
def test_reading_stops_at_the_size_limit(content: bytes) -> None:
    """The limit holds for every form of body, and a length that is too large is enough to know."""
    with pytest.raises(UnreadableAnswer, match="more than 1000 bytes"):
        answer(content)


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("/a\nb", {}),
        ("/a\x7fb", {}),
        ("/\ud800", {}),
        ("/", {"X": "1\r\nHost: evil.example"}),
        ("/", {"X": "1\r\n folded"}),
        ("/", {"X": "\N{EURO SIGN}"}),
        ("/", {"X": "\x00"}),
        ("/", {"X\n": "1"}),
        ("/", {"X Y": "1"}),
        ("/", {"": "1"}),
        ("/", {"Content-Length": "5"}),
        ("/", {"Transfer-Encoding": "chunked"}),
    ],
)
def test_line_breaks_in_a_request_are_refused(url: str, headers: dict[str, str]) -> None:
    """A header or a URL cannot smuggle in another; no connection is made then."""
    with RawServer([[b"HTTP/1.1 204 X\r\n\r\n"]]) as server, pytest.raises(UsageError):
        HttpTransport().send(HttpRequest("GET", server.url[:-1] + url, headers))
    assert server.connections == 0


@pytest.mark.parametrize("method", ["", "GET\r\nX: y", "GET /", "G\N{LATIN SMALL LETTER A WITH DIAERESIS}T"])
def test_an_invalid_method_is_refused(method: str) -> None:
    """Before anything is sent."""
    with RawServer([[b""]]) as server, pytest.raises(UsageError, match="is not an HTTP method"):
        HttpTransport().send(HttpRequest(method, server.url))
    assert server.connections == 0


@pytest.mark.parametrize(
    "url",
    [
        *("", "/path", "ftp://a.example/", "https://", "https:///x", "https://a b/", "https://[::1/"),
        *("https://a.example:port/", "https://a.example:0/", "https://name:word@a.example/", "https://\ud800/"),
    ],
)
def test_an_invalid_url_is_refused(url: str) -> None:
    """By name, and without its password."""
    with pytest.raises((UsageError, TransportError)) as caught:
        HttpTransport().send(HttpRequest("GET", url, timeout_in=5))
    assert "word" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/a b", b"/a%20b"),
        ("/\N{LATIN SMALL LETTER A WITH DIAERESIS}", b"/%C3%A4"),
        ("/a%20b", b"/a%20b"),
        ("?x=1", b"/?x=1"),
        ("", b"/"),
        ("/~a/(b)'c';d:e@f,g!*[h]{i}|^`", b"/~a/(b)'c';d:e@f,g!*[h]{i}|^`"),
        ('?$search="displayName:Jos\N{LATIN SMALL LETTER E WITH ACUTE}"', b"/?$search=%22displayName:Jos%C3%A9%22"),
        ("/a//b/../c?", b"/a//b/../c?"),
    ],
)
def test_an_odd_url_is_encoded(path: str, sent: bytes) -> None:
    """What has no place in a request line is percent-encoded as UTF-8 (RFC 3986 section 2.5); the rest stays."""
    transport = HttpTransport()
    with RawServer([[b"HTTP/1.1 204 X\r\n\r\n"]]) as server:
        transport.send(HttpRequest("GET", server.url[:-1] + path))
    transport.close()
    assert server.received[0].split(b" ")[1] == sent
