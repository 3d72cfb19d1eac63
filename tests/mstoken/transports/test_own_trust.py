"""HTTPS by a thumbprint or by one authority alone, against real TLS servers."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from tests.support.runners import Runner
from tests.support.token_service import Reply, TokenService

from mstoken import TransportError, UnreadableAnswer, UntrustedCertificate, UsageError
from mstoken.protocol.http import ConnectionPolicy, HttpRequest
from mstoken.transports.asyncio import AsyncHttpTransport
from mstoken.transports.blocking import HttpTransport

AUTHORITY = trustme.CA()
PEM = AUTHORITY.cert_pem.bytes().decode()


@pytest.fixture
def served() -> Iterator[tuple[TokenService, str]]:
    """A server whose certificate names proxy.example and 127.0.0.1, and the certificate's thumbprint."""
    leaf = AUTHORITY.issue_cert("127.0.0.1", "proxy.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    service = TokenService(context)
    service.script = [Reply(200, "hello", {"X-Note": "yes"})]
    der = ssl.PEM_cert_to_DER_cert(leaf.cert_chain_pems[0].bytes().decode())
    yield service, hashlib.sha1(der, usedforsecurity=False).hexdigest()
    service.close()


@pytest.fixture
def send(runner: Runner) -> Callable[[HttpRequest], Any]:
    """Send by the runner's transport."""
    transport: Any = HttpTransport() if type(runner).__name__ == "BlockingRunner" else AsyncHttpTransport()
    return lambda request: runner.run(lambda: transport.send(request))


def test_the_certificate_named_is_enough(send: Callable[[HttpRequest], Any], served: tuple[TokenService, str]) -> None:
    """By its thumbprint a server is trusted whoever issued its certificate; method, headers and body arrive."""
    service, thumbprint = served
    policy = ConnectionPolicy(thumbprint=thumbprint)
    answer = send(HttpRequest("POST", f"{service.url}/a?b=c", {"Secret": "s"}, b"x=1", policy=policy))
    assert (answer.status, answer.body, answer.headers["x-note"]) == (200, b"hello", "yes")
    [request] = service.requests
    assert (request.method, request.path, request.headers["Secret"], request.body) == ("POST", "/a?b=c", "s", b"x=1")


def test_nothing_is_sent_to_another_certificate(
    send: Callable[[HttpRequest], Any], served: tuple[TokenService, str]
) -> None:
    """Not a byte of the request, even if the system trusts the certificate's issuer."""
    service, _ = served
    with pytest.raises(UntrustedCertificate, match="another certificate") as caught:
        send(HttpRequest("GET", service.url, {"Secret": "s"}, policy=ConnectionPolicy(thumbprint="ab" * 20)))
    assert "IDENTITY_SERVER_THUMBPRINT" in caught.value.remedy
    assert service.requests == []


def test_one_authority_alone_is_trusted(send: Callable[[HttpRequest], Any], served: tuple[TokenService, str]) -> None:
    """The server is asked for by its name for TLS, whatever the host of the URL."""
    service, _ = served
    answer = send(HttpRequest("GET", service.url, policy=ConnectionPolicy(ca_pem=PEM, server_name="proxy.example")))
    assert answer.status == 200


@pytest.mark.parametrize(
    "policy",
    [
        ConnectionPolicy(ca_pem=trustme.CA().cert_pem.bytes().decode()),
        ConnectionPolicy(ca_pem=PEM, server_name="other.example"),
    ],
)
def test_another_authority_or_name_is_refused(
    send: Callable[[HttpRequest], Any], served: tuple[TokenService, str], policy: ConnectionPolicy
) -> None:
    """Both the issuer and the name count."""
    service, _ = served
    with pytest.raises(UntrustedCertificate, match="certificate"):
        send(HttpRequest("GET", service.url, policy=policy))
    assert service.requests == []


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_the_environments_authorities_do_not_count(
    send: Callable[[HttpRequest], Any],
    served: tuple[TokenService, str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    variable: str,
) -> None:
    """One authority alone means that one alone."""
    service, _ = served
    (tmp_path / "ca.pem").write_text(PEM)
    monkeypatch.setenv(variable, str(tmp_path / "ca.pem"))
    with pytest.raises(TransportError):
        send(HttpRequest("GET", service.url, policy=ConnectionPolicy(ca_pem=trustme.CA().cert_pem.bytes().decode())))


def test_http_and_invalid_authorities_are_refused(send: Callable[[HttpRequest], Any]) -> None:
    """Before anything is sent."""
    with pytest.raises(UsageError, match="https"):
        send(HttpRequest("GET", "http://127.0.0.1:9/", policy=ConnectionPolicy(thumbprint="ab" * 20)))
    with pytest.raises(UsageError, match="PEM"):
        send(HttpRequest("GET", "https://127.0.0.1:9/", policy=ConnectionPolicy(ca_pem="-----BEGIN CERTIFICATE-----")))


def test_an_oversized_response_is_refused(send: Callable[[HttpRequest], Any], served: tuple[TokenService, str]) -> None:
    """No more than `max_answer` is read."""
    service, thumbprint = served
    service.script = [Reply(200, "x" * 5000)]
    with pytest.raises(UnreadableAnswer):
        send(HttpRequest("GET", service.url, max_response_bytes=4000, policy=ConnectionPolicy(thumbprint=thumbprint)))


@pytest.mark.parametrize("raw", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort"])
def test_an_invalid_response_is_a_transport_error(
    send: Callable[[HttpRequest], Any], served: tuple[TokenService, str], raw: bytes
) -> None:
    """Cut off or not HTTP."""
    service, thumbprint = served
    service.script = [Reply(raw=raw)]
    with pytest.raises(TransportError):
        send(HttpRequest("GET", service.url, policy=ConnectionPolicy(thumbprint=thumbprint)))


def test_a_time_limit_of_its_own_counts(send: Callable[[HttpRequest], Any]) -> None:
    """`timeout_in` ends a request that would wait longer, with a proxy or without."""
    service = TokenService()
    service.script = [Reply(200, "late", delay=5)]
    for policy in (ConnectionPolicy(), ConnectionPolicy(direct=True)):
        with pytest.raises(TransportError, match="in time"):
            send(HttpRequest("GET", service.url, policy=policy, timeout_in=0.2))
    service.close()
