"""The transports against real, hostile and TLS-speaking servers."""

from __future__ import annotations

import gzip
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trustme
from tests.support.runners import BlockingRunner, Runner
from tests.support.slow_server import SlowServer
from tests.support.token_service import CLIENT_ID, TENANT, Reply, TokenService

from mstoken import ClientSecret, TransportError, UnreadableAnswer, UntrustedCertificate, UsageError
from mstoken.protocol.http import HttpRequest
from mstoken.transports.asyncio import AsyncHttpTransport
from mstoken.transports.blocking import HttpTransport


@pytest.fixture
def transport(runner: Runner) -> Any:
    """The transport for the runner."""
    return HttpTransport() if isinstance(runner, BlockingRunner) else AsyncHttpTransport()


@pytest.fixture
def tls_service(tmp_path: Path) -> Iterator[tuple[TokenService, Path]]:
    """A token service over TLS whose authority nobody trusts yet, and that authority's certificate."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    service = TokenService(context)
    yield service, tmp_path / "ca.pem"
    service.close()


def test_an_unknown_issuer_is_refused_and_the_setting_named(
    runner: Runner, transport: Any, tls_service: tuple[TokenService, Path]
) -> None:
    """A certificate nobody vouches for ends the request, and the error names SSL_CERT_FILE."""
    service, _ = tls_service
    with pytest.raises(UntrustedCertificate, match="certificate") as caught:
        runner.run(lambda: transport.send(HttpRequest("GET", service.url)))
    assert "SSL_CERT_FILE" in caught.value.remedy
    assert service.requests == []


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_bundle_of_the_environment_is_trusted(
    runner: Runner,
    transport: Any,
    tls_service: tuple[TokenService, Path],
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
) -> None:
    """Each of the three variables that people set for their company's proxy works."""
    service, certificate = tls_service
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, str(certificate))
    response = runner.run(lambda: transport.send(HttpRequest("GET", service.url)))
    assert response.status == 200


def test_a_missing_bundle_is_named(runner: Runner, transport: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bundle that is not there is a usage error with the variable's name, not a mystery."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/bundle.pem")
    with pytest.raises(UsageError, match="REQUESTS_CA_BUNDLE"):
        runner.run(lambda: transport.send(HttpRequest("GET", "https://localhost:1")))


def test_a_broken_bundle_is_named(
    runner: Runner,
    transport: Any,
    tls_service: tuple[TokenService, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A bundle whose certificates are nonsense points at the variables that name bundles."""
    bundle = tmp_path / "broken.pem"
    bundle.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    with pytest.raises((TransportError, UsageError), match="cannot be read") as caught:
        runner.run(lambda: transport.send(HttpRequest("GET", tls_service[0].url)))
    assert "REQUESTS_CA_BUNDLE" in caught.value.remedy


@pytest.mark.parametrize(
    ("url", "word"),
    [("http://127.0.0.1:1/", "refused"), ("https://no-such-host.invalid/", "could not be resolved")],
)
def test_a_timeout_names_the_step_that_failed(runner: Runner, transport: Any, url: str, word: str) -> None:
    """A refused connection and an unknown name are told apart."""
    with pytest.raises(TransportError, match=word) as caught:
        runner.run(lambda: transport.send(HttpRequest("GET", url)))
    assert caught.value.remedy


def test_an_unreachable_proxy_is_named(runner: Runner, transport: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """When HTTPS_PROXY leads nowhere, the error says to look at it."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with pytest.raises(TransportError, match="proxy") as caught:
        runner.run(lambda: transport.send(HttpRequest("GET", "https://login.microsoftonline.com/")))
    assert "HTTPS_PROXY" in caught.value.remedy


@pytest.mark.parametrize(
    "raw",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{", b"", b"nonsense\r\n\r\n"],
    ids=["cut off", "closed", "no HTTP"],
)
def test_a_broken_connection_is_a_transport_error(
    runner: Runner, transport: Any, token_service: TokenService, raw: bytes
) -> None:
    """An answer that is cut off or no HTTP is never taken for an answer."""
    token_service.script = [Reply(raw=raw)]
    with pytest.raises(TransportError):
        runner.run(lambda: transport.send(HttpRequest("GET", token_service.url)))


def test_a_compressed_response_that_expands_too_far_is_refused(
    runner: Runner, transport: Any, token_service: TokenService
) -> None:
    """The limit counts decompressed bytes, although no compression was asked for."""
    bomb = gzip.compress(b"0" * 50_000_000)
    token_service.script = [Reply(200, bomb, {"Content-Encoding": "gzip"})]
    with pytest.raises(UnreadableAnswer, match="more than"):
        runner.run(lambda: transport.send(HttpRequest("GET", token_service.url)))


def test_an_oversized_response_is_refused(runner: Runner, transport: Any, token_service: TokenService) -> None:
    """What is longer than an answer may be is not read to its end."""
    token_service.script = [Reply(200, b"0" * 50_000)]
    with pytest.raises(UnreadableAnswer, match="more than 10000 bytes"):
        runner.run(lambda: transport.send(HttpRequest("GET", token_service.url, max_response_bytes=10_000)))


def test_an_endless_response_is_cut_off(runner: Runner, transport: Any) -> None:
    """Once it is too large, the connection it still comes on is closed."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:

        def serve() -> bool:
            link, _ = listener.accept()
            link.settimeout(10)
            with link, suppress(ConnectionError):
                link.recv(65536)
                link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
                while True:
                    link.sendall(b"0" * 65536)
            return True

        hung_up = pool.submit(serve)
        with pytest.raises(UnreadableAnswer, match="more than 10000 bytes"):
            runner.run(
                lambda: transport.send(
                    HttpRequest("GET", f"http://127.0.0.1:{listener.getsockname()[1]}", max_response_bytes=10_000)
                )
            )
        assert hung_up.result(20)


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"])
def test_a_slow_response_times_out(runner: Runner, transport: Any, start: bytes) -> None:
    """Nothing, a header that has no end, a body of a byte at a time: the whole answer has one time, not each part."""
    with SlowServer(start) as url:
        began = time.monotonic()
        with pytest.raises(TransportError, match="in time"):
            runner.run(lambda: transport.send(HttpRequest("GET", url, timeout_in=1)))
        assert time.monotonic() - began < 10


def test_the_request_arrives_unchanged(runner: Runner, transport: Any, token_service: TokenService) -> None:
    """Method, path, query, headers and body, and back come status, headers in lower case, and body."""
    token_service.script = [Reply(403, b"no", {"X-Ms-Reason": "because"})]
    request = HttpRequest("POST", f"{token_service.url}/a%20b?c=d", {"Authorization": "Bearer x"}, b"body")
    response = runner.run(lambda: transport.send(request))
    [received] = token_service.requests
    assert (received.method, received.path, received.headers["Authorization"], received.body) == (
        "POST",
        "/a%20b?c=d",
        "Bearer x",
        b"body",
    )
    assert (response.status, response.headers["x-ms-reason"], response.body) == (403, "because", b"no")


def test_a_redirect_is_not_followed(runner: Runner, transport: Any, token_service: TokenService) -> None:
    """The answer is the redirect itself; the other place is never asked."""
    token_service.script = [Reply(307, "", {"Location": f"{token_service.url}/elsewhere"})]
    response = runner.run(lambda: transport.send(HttpRequest("POST", token_service.url, {}, b"secret")))
    assert response.status == 307
    assert len(token_service.requests) == 1


def test_connections_are_shared(runner: Runner, token_service: TokenService) -> None:
    """Twenty tokens one after the other share a connection."""
    client = runner.client(TENANT, CLIENT_ID, ClientSecret("not-a-secret"), token_service.url)
    for number in range(20):
        runner.run(partial(client.get_token, "graph", tenant_id=f"tenant-{number}.example"))
    assert len(token_service.requests) == 20
    assert token_service.connections == 1


def test_a_program_exits_right_after_its_response(token_service: TokenService) -> None:
    """A program whose last act is a token under asyncio ends well, every time: no thread is caught in Python's end."""
    program = (
        "import asyncio, sys\n"
        "from mstoken.protocol.http import HttpRequest\n"
        "from mstoken.transports.asyncio import AsyncHttpTransport\n"
        "async def main():\n"
        "    transport = AsyncHttpTransport()\n"
        "    await transport.send(HttpRequest('GET', sys.argv[1]))\n"
        "    await transport.close()\n"
        "asyncio.run(main())\n"
    )
    command = [sys.executable, "-c", program, token_service.url]
    ended = [subprocess.run(command, capture_output=True, check=False).returncode for _ in range(12)]
    assert ended == [0] * 12
