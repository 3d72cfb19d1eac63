"""Proxies by the environment and the system: which one, for which hosts, and what happens when it refuses."""

from __future__ import annotations

import base64
import ssl
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.mstoken.transports.conftest import Send
from tests.support.recording_proxy import RecordingProxy
from tests.support.slow_server import SlowServer
from tests.support.token_service import Reply, TokenService

from mstoken import TransportError, UsageError
from mstoken.protocol.http import DIRECT_POLICY, ConnectionPolicy, HttpRequest
from mstoken.transports.no_proxy import NoProxy
from mstoken.transports.proxies import parsed_proxy
from mstoken.transports.proxy_lookup import proxy_settings

LOGIN = HttpRequest("POST", "https://login.example/token", {"Authorization": "Bearer secret"}, b"x=1", timeout_in=20)


def port_of(service: TokenService) -> int:
    return urlsplit(service.url).port or 0


@pytest.fixture
def behind(tls_service: TokenService, ca_file: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., RecordingProxy]:
    """Makes proxies before the service, which is trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(ca_file))
    return lambda *args, **options: RecordingProxy(port_of(tls_service), *args, **options)


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize("scheme", ["http://", ""])
def test_a_proxy_of_the_environment_is_used(
    send: Send, behind: Callable[..., RecordingProxy], monkeypatch: pytest.MonkeyPatch, variable: str, scheme: str
) -> None:
    """The request goes through a tunnel to the host and port of the URL; the proxy sees neither headers nor body."""
    with behind() as proxy:
        monkeypatch.setenv(variable, f"{scheme}{proxy.address}")
        assert send(LOGIN).status == 200
    assert proxy.heads == [
        "CONNECT login.example:443 HTTP/1.1\r\nAccept-Encoding: identity\r\nHost: login.example:443\r\n\r\n"
    ]


def test_an_https_proxy_is_used(
    send: Send, behind: Callable[..., RecordingProxy], server_tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection to the proxy is TLS, and the one to the server is TLS inside it; it is kept."""
    with behind(tls=server_tls) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        for _ in range(2):
            assert send(LOGIN).status == 200
    assert len(proxy.heads) == 1


def test_a_large_body_goes_through_tls_in_tls(
    send: Send,
    behind: Callable[..., RecordingProxy],
    tls_service: TokenService,
    server_tls: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Both ways, in many records."""
    body = bytes(range(256)) * 4000
    tls_service.script = [Reply(200, body)]
    with behind(tls=server_tls) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        request = HttpRequest("POST", LOGIN.url, {}, body, max_response_bytes=len(body), timeout_in=60)
        assert send(request).body == body
    assert tls_service.requests[0].body == body


def test_an_untrusted_https_proxy_receives_nothing(
    send: Send, tls_service: TokenService, server_tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says that it is the proxy's certificate."""
    with RecordingProxy(port_of(tls_service), tls=server_tls) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"https://name:word@{proxy.address}")
        with pytest.raises(
            TransportError, match=f"The certificate of the proxy {proxy.url} was not accepted"
        ) as caught:
            send(LOGIN)
    assert proxy.heads == []
    assert "word" not in str(caught.value)


@pytest.mark.parametrize(
    ("written", "pair"),
    [
        ("name:word", b"name:word"),
        ("na%40me:w%3Aor%2Fd", b"na@me:w:or/d"),
        ("na%C3%A4me:", b"nam"[:2] + "äme:".encode()),
        ("name", b"name:"),
    ],
)
def test_name_and_password_go_to_the_proxy_alone(
    send: Send,
    behind: Callable[..., RecordingProxy],
    tls_service: TokenService,
    monkeypatch: pytest.MonkeyPatch,
    written: str,
    pair: bytes,
) -> None:
    """Percent-encoding is undone (RFC 3986 section 3.2.1), and the server hears nothing of it."""
    with behind() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{written}@{proxy.address}")
        send(LOGIN)
    assert f"Proxy-Authorization: Basic {base64.b64encode(pair).decode()}\r\n" in proxy.heads[0]
    assert "Proxy-Authorization" not in tls_service.requests[0].headers


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "it answered 407 Proxy Authentication Required"),
        (b"HTTP/1.1 403 No\x1b[2J way\r\n\r\n", r"it answered 403 No\[2J way"),
        (b"HTTP/1.0 502 Bad Gateway\r\nContent-Length: 5\r\n\r\nhello", "it answered 502 Bad Gateway"),
        (b"HTTP/1.1 302 Found\r\nLocation: https://evil.example/\r\n\r\n", "it answered 302 Found"),
        (b"SSH-2.0-x\r\n\r\n", "is not HTTP"),
        (b"HTTP/1.1 " + b"2" * 70_000, "is not HTTP"),
        (b"", "closed the connection"),
        (b"HTTP/1.1 2", "(closed the connection|is not HTTP)"),
    ],
)
def test_a_proxy_that_refuses_is_named(
    send: Send,
    behind: Callable[..., RecordingProxy],
    tls_service: TokenService,
    monkeypatch: pytest.MonkeyPatch,
    answer: bytes,
    told: str,
) -> None:
    """The error says that it was the proxy, which one, and what it said; nothing goes past it."""
    with behind(answer) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://name:word@{proxy.address}")
        with pytest.raises(TransportError, match=told) as caught:
            send(LOGIN)
    assert f"The proxy {proxy.url}" in caught.value.message or f"What the proxy {proxy.url}" in caught.value.message
    assert "HTTPS_PROXY" in caught.value.remedy
    assert "word" not in caught.value.message
    assert caught.value.message.isprintable()
    assert tls_service.requests == []


@pytest.mark.parametrize(
    ("proxy", "told"),
    [
        ("http://127.0.0.1:1", "The proxy http://127.0.0.1:1 refused the connection"),
        ("http://no-such-proxy.invalid:3128", "of the proxy http://no-such-proxy.invalid:3128 could not be resolved"),
    ],
)
def test_an_unreachable_proxy_is_named_and_not_bypassed(
    send: Send, tls_service: TokenService, monkeypatch: pytest.MonkeyPatch, proxy: str, told: str
) -> None:
    """Even where the server could be reached directly."""
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(TransportError, match=told):
        send(HttpRequest("GET", tls_service.url, timeout_in=20))
    assert tls_service.requests == []


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 "])
def test_a_silent_proxy_times_out(send: Send, monkeypatch: pytest.MonkeyPatch, start: bytes) -> None:
    """The time for the call counts here too, and the error names the proxy."""
    with SlowServer(start) as url:
        monkeypatch.setenv("HTTPS_PROXY", url)
        with pytest.raises(TransportError, match=f"The proxy {url[:-1]} did not answer in time"):
            send(HttpRequest("GET", LOGIN.url, timeout_in=0.5))


@pytest.mark.parametrize("policy", [DIRECT_POLICY, ConnectionPolicy(thumbprint="ab" * 20)])
def test_a_direct_connection_policy_uses_no_proxy(
    send: Send, tls_service: TokenService, monkeypatch: pytest.MonkeyPatch, policy: ConnectionPolicy
) -> None:
    """Servers of this machine, and those that are known by their certificate, are never reached through a proxy."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    with pytest.raises(TransportError, match="certificate"):
        send(HttpRequest("GET", tls_service.url, policy=policy))
    assert tls_service.connections > 0


def test_plain_http_uses_no_proxy(send: Send, token_service: TokenService, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is for servers of this machine, and HTTP_PROXY may come from a web request (httpoxy.org)."""
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert send(HttpRequest("GET", token_service.url)).status == 200


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({}, ""),
        ({"HTTPS_PROXY": ""}, ""),
        ({"HTTPS_PROXY": "http://a:1"}, "http://a:1"),
        ({"HTTPS_PROXY": "http://a:1", "https_proxy": "http://b:2"}, "http://b:2"),
        ({"HTTPS_PROXY": "http://a:1", "https_proxy": ""}, "http://a:1"),
        ({"ALL_PROXY": "http://a:1", "HTTPS_PROXY": "http://b:2"}, "http://b:2"),
        ({"ALL_PROXY": "http://a:1"}, "http://a:1"),
        ({"HTTP_PROXY": "http://a:1"}, ""),
        ({"HTTPS_PROXY": "a"}, "http://a:80"),
        ({"HTTPS_PROXY": "https://a/"}, "https://a:443"),
        ({"HTTPS_PROXY": " http://[::1]:3128 "}, "http://[::1]:3128"),
        ({"HTTPS_PROXY": "HTTP://Proxy.Example:3128"}, "http://proxy.example:3128"),
    ],
)
def test_proxy_variables_have_a_precedence(environ: dict[str, str], url: str) -> None:
    """HTTPS_PROXY goes before ALL_PROXY, lower case before upper case; an empty one does not count."""
    found = proxy_settings(environ).proxy_for("login.example", 443)
    assert (found.url if found else "") == url


@pytest.mark.parametrize(
    "text",
    ["http://", "http://:3128", "http://a:port", "http://a:99999", "http://a b", "http://a/path", "http://a?x", "http://[::1",
     "http://a\n:1", "http://name:s3cret@", "http://a:0", '"http://name:s3cret@a:1"', "'a:1'", '"a"',
     "::1", "fe80::1", "2001:db8::1:3128", "http=a:1;https=b:2", "http//a:1", "https:a:1", "http:/a:1", "http://a:1,http://b:2",
     "http://a;b", "http://name:12#s3cret@a:1", "http://name:12/s3cret@a:1", "http://name:12?s3cret@a:1", "://a:1"],
)  # fmt: skip
def test_an_address_that_does_not_parse_is_refused(text: str) -> None:
    """By the variable's name, and without the value, which may hold a password."""
    with pytest.raises(UsageError, match="HTTPS_PROXY is not the address of a proxy") as caught:
        parsed_proxy(text, "HTTPS_PROXY")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks4", "ftp"])
def test_a_proxy_of_another_kind_is_refused(
    send: Send, tls_service: TokenService, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    """By name, before anything is sent; nothing goes past it."""
    monkeypatch.setenv("ALL_PROXY", f"{scheme}://name:word@127.0.0.1:1080")
    with pytest.raises(UsageError, match=f"ALL_PROXY names a {scheme} proxy") as caught:
        send(HttpRequest("GET", tls_service.url))
    assert "word" not in str(caught.value)
    assert tls_service.connections == 0


@pytest.mark.parametrize("written", ['"http://a:1"', "'a:1'", '"a"', "“http://a:1”", "http://a:1'"])
def test_quotation_marks_around_a_proxy_are_named(written: str) -> None:
    """A file of variables that no shell has read often contains them."""
    with pytest.raises(UsageError, match="not the address of a proxy") as caught:
        parsed_proxy(written, "ALL_PROXY")
    assert caught.value.remedy == "Write ALL_PROXY without quotation marks, or unset it."


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_the_error_of_a_proxy_names_the_variable_that_names_it(
    send: Send, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """To correct HTTPS_PROXY does not help where https_proxy counts."""
    monkeypatch.setenv(name, "http://127.0.0.1:1")
    with pytest.raises(TransportError) as caught:
        send(LOGIN)
    assert caught.value.remedy == f"Check {name} and NO_PROXY."


def test_an_error_of_the_server_says_that_it_is_reached_through_a_proxy(
    send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that breaks inside the tunnel may be either's fault, so the error names both."""
    with SlowServer(b"HTTP/1.1 200 OK\r\n\r\n") as url:
        monkeypatch.setenv("HTTPS_PROXY", f"http://name:word@{url[7:]}")
        with pytest.raises(TransportError) as caught:
            send(HttpRequest("GET", LOGIN.url, timeout_in=0.5))
    assert f"login.example (through the proxy {url.rstrip('/')})" in caught.value.message
    assert "word" not in str(caught.value)


@pytest.mark.parametrize(
    ("listed", "host", "port", "direct"),
    [
        ("*", "login.example", 443, True),
        ("login.example", "login.example", 443, True),
        ("LOGIN.example", "login.EXAMPLE.", 443, True),
        ("example", "login.example", 443, True),
        (".example", "login.example", 443, True),
        (".example", "example", 443, True),
        ("*.example", "login.example", 443, True),
        ("ogin.example", "login.example", 443, False),
        ("login.example.com", "login.example", 443, False),
        ("other, login.example", "login.example", 443, True),
        ("other login.example\t,", "login.example", 443, True),
        ("login.example:443", "login.example", 443, True),
        ("login.example:8443", "login.example", 443, False),
        ("*:8443", "login.example", 8443, True),
        ("127.0.0.1", "127.0.0.1", 443, True),
        ("127.0.0.1:8443", "127.0.0.1", 8443, True),
        ("127.0.0.0/8", "127.3.2.1", 443, True),
        ("10.0.0.0/8", "11.0.0.1", 443, False),
        ("10.1.2.3/8", "10.9.9.9", 443, True),
        ("0.0.0.1", "127.0.0.1", 443, False),
        ("::1", "::1", 443, True),
        ("[::1]", "0:0:0:0:0:0:0:1", 443, True),
        ("[::1]:8443", "::1", 8443, True),
        ("[::1]:8443", "::1", 443, False),
        ("fd00::/8", "fd12::1", 443, True),
        ("fe80::/10", "fe80::1%eth0", 443, True),
        ("::/0", "10.0.0.1", 443, False),
        ("1.example", "1.example", 443, True),
    ],
)
def test_hosts_that_no_proxy_lists(listed: str, host: str, port: int, *, direct: bool) -> None:
    """Names with subdomains, addresses, networks and ports."""
    found = proxy_settings({"HTTPS_PROXY": "http://a:1", "NO_PROXY": listed}).proxy_for(host, port)
    assert (found is None) == direct


@pytest.mark.parametrize(
    "entry", ["10.0.0.0/99", "https://a.example", "a:port", "a:0", "10.*", "a/b", "[::1", "a@b", ".", ":80"]
)
def test_an_entry_that_does_not_parse_is_refused(
    send: Send, tls_service: TokenService, monkeypatch: pytest.MonkeyPatch, entry: str
) -> None:
    """By name, before anything is sent: without it a request might go to the proxy, or past it, that should not."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", f"localhost,{entry}")
    with pytest.raises(UsageError, match="NO_PROXY has the entry"):
        send(HttpRequest("GET", tls_service.url))
    assert tls_service.connections == 0


def test_no_proxy_is_read_by_its_lower_case_name_too() -> None:
    """Where both are set it is the one that counts."""
    environ = {"HTTPS_PROXY": "http://a:1", "no_proxy": "b.example", "NO_PROXY": "c.example"}
    settings = proxy_settings(environ)
    assert settings.proxy_for("b.example", 443) is None
    assert settings.proxy_for("c.example", 443) is not None


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_the_systems_settings_count_without_a_variable(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    """On macOS and Windows; the standard library reads them, and this machine has none."""
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setattr(urllib.request, "getproxies", lambda: {"https": "http://proxy.example:3128"})
    monkeypatch.setattr(urllib.request, "proxy_bypass", lambda host: host == "intranet.example")
    settings = proxy_settings({})
    found = settings.proxy_for("login.example", 443)
    assert found is not None
    assert (found.url, found.source) == ("http://proxy.example:3128", "The system's proxy setting")
    assert settings.proxy_for("intranet.example", 443) is None
    named = proxy_settings({"HTTPS_PROXY": "http://a:1"}).proxy_for("intranet.example", 443)
    assert named is not None
    assert named.url == "http://a:1"


def test_the_password_is_in_no_repr() -> None:
    """Neither of the proxy nor of the settings."""
    settings = proxy_settings({"HTTPS_PROXY": "http://name:s3cret@a:1"})
    shown = repr(settings) + repr(settings.proxy) + repr(NoProxy.parsed("a", "NO_PROXY"))
    assert "s3cret" not in shown
    assert base64.b64encode(b"name:s3cret").decode() not in shown
