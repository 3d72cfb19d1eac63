"""Whoever opens TLS on the way is named in the error, and gets nothing but a handshake."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import trustme
from tests.support.connect_proxy import ConnectProxy
from tests.support.program import Program
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT, TokenService

from mstoken import ClientSecret, UntrustedCertificate
from mstoken.protocol.http import DEFAULT_POLICY, DIRECT_POLICY, ConnectionPolicy, HttpRequest
from mstoken.transports import connecting
from mstoken.transports.asyncio import AsyncHttpTransport
from mstoken.transports.blocking import HttpTransport
from mstoken.transports.trust import trust_for

INSPECTION = "Contoso TLS Inspection"
VARIABLES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy")


@pytest.fixture(autouse=True)
def _no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def company() -> trustme.CA:
    """The authority of a company that looks into TLS."""
    return trustme.CA(organization_name=INSPECTION, organization_unit_name="Proxy")


@pytest.fixture
def inspected(company: trustme.CA) -> Iterator[TokenService]:
    """A server with the company's certificate for a login host and for this machine."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    company.issue_cert("login.microsoftonline.com", "127.0.0.1").configure_cert(context)
    service = TokenService(context)
    yield service
    service.close()


@pytest.fixture
def proxy(inspected: TokenService, monkeypatch: pytest.MonkeyPatch) -> Iterator[ConnectProxy]:
    """HTTPS_PROXY, behind which the login host shows the company's certificate."""
    made = ConnectProxy(urlsplit(inspected.url).port or 0)
    monkeypatch.setenv("HTTPS_PROXY", made.url)
    yield made
    made.close()


@pytest.fixture
def transport(runner: Runner) -> Any:
    """The transport for the runner."""
    return HttpTransport() if type(runner).__name__ == "BlockingRunner" else AsyncHttpTransport()


@pytest.mark.parametrize("policy", [DEFAULT_POLICY, DIRECT_POLICY], ids=["usual", "direct"])
def test_an_unknown_issuer_is_named(
    runner: Runner, transport: Any, inspected: TokenService, policy: ConnectionPolicy
) -> None:
    """The error says who issued the certificate and which setting would trust it; the request is not sent."""
    with pytest.raises(UntrustedCertificate, match=INSPECTION) as caught:
        runner.run(lambda: transport.send(HttpRequest("POST", inspected.url, {}, b"secret", policy=policy)))
    assert "SSL_CERT_FILE" in caught.value.remedy
    assert inspected.requests == []


def test_an_unknown_issuer_is_named_behind_a_proxy(
    runner: Runner, inspected: TokenService, proxy: ConnectProxy
) -> None:
    """A client whose login host is inspected behind HTTPS_PROXY hears who does it, and keeps its secret."""
    client = runner.client(TENANT, CLIENT_ID, ClientSecret("not-a-secret"))
    with pytest.raises(UntrustedCertificate, match=rf"login\.microsoftonline\.com .*{INSPECTION}"):
        runner.run(partial(client.get_token, "graph"))
    assert inspected.requests == []


def test_an_untrusted_certificate_is_not_retried(runner: Runner, inspected: TokenService) -> None:
    """One connection for the request and one to see the issuer: a certificate does not get better by asking."""
    client = runner.client(TENANT, CLIENT_ID, ClientSecret("not-a-secret"), inspected.url)
    with pytest.raises(UntrustedCertificate):
        runner.run(partial(client.get_token, "graph"))
    assert inspected.connections == 2


def test_the_command_line_names_the_issuer(tmp_path: Path, inspected: TokenService, proxy: ConnectProxy) -> None:
    """Issuer and setting on standard error, and the exit code of what stays so until somebody acts."""
    result = Program(tmp_path)(
        *("get", "graph"),
        AZURE_TENANT_ID=TENANT,
        AZURE_CLIENT_ID=CLIENT_ID,
        AZURE_CLIENT_SECRET="not-a-secret",
        HTTPS_PROXY=proxy.url,
    )
    assert (result.code, result.out) == (4, "")
    assert INSPECTION in result.err
    assert "SSL_CERT_FILE" in result.err
    assert inspected.requests == []


def test_the_suggested_setting_works(
    runner: Runner,
    transport: Any,
    company: trustme.CA,
    proxy: ConnectProxy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With the company's authority in SSL_CERT_FILE the same request goes through the same proxy."""
    company.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    answer = runner.run(lambda: transport.send(HttpRequest("GET", "https://login.microsoftonline.com/")))
    assert answer.status == 200


def test_no_proxy_is_respected(
    runner: Runner, transport: Any, inspected: TokenService, proxy: ConnectProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where NO_PROXY names the host, the question for the issuer goes past the proxy as the request did."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with pytest.raises(UntrustedCertificate, match=INSPECTION):
        runner.run(lambda: transport.send(HttpRequest("GET", inspected.url)))


def test_a_silent_server_is_waited_for_within_the_limit(
    runner: Runner, transport: Any, company: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that shows its certificate once and then says nothing delays the error by the limit at most."""
    monkeypatch.setattr(connecting, "PROBE_IN", 0.2)
    trust_for(DEFAULT_POLICY).widen()  # else a first handshake against part of the store would be one more
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    company.issue_cert("127.0.0.1").configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as server:
        over = threading.Event()

        def serve() -> None:
            with suppress(OSError), server.accept()[0] as first:
                context.wrap_socket(first, server_side=True).close()
            with suppress(OSError), server.accept()[0]:
                over.wait(20)

        thread = threading.Thread(target=serve)
        thread.start()
        began = time.monotonic()
        with pytest.raises(UntrustedCertificate, match="was not accepted") as caught:
            runner.run(lambda: transport.send(HttpRequest("GET", f"https://127.0.0.1:{server.getsockname()[1]}/")))
        assert time.monotonic() - began < 5
        over.set()
        thread.join(5)
    assert "issued by" not in caught.value.message


def test_a_deceptive_issuer_name_is_escaped(runner: Runner, transport: Any) -> None:
    """Control characters of an issuer's name reach no terminal, and a long name is cut."""
    hostile = trustme.CA(organization_name="Bad\x1b[2J\nName", organization_unit_name="x")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    hostile.issue_cert("127.0.0.1").configure_cert(context)
    service = TokenService(context)
    with pytest.raises(UntrustedCertificate, match="Bad") as caught:
        runner.run(lambda: transport.send(HttpRequest("GET", service.url)))
    assert caught.value.message.isprintable()
    service.close()


@pytest.mark.parametrize(("begins_in", "ends_in"), [(-2, -1), (1, 2), (-27_000, -26_999)])
def test_an_expired_or_future_certificate_suggests_to_check_the_clock(
    runner: Runner, transport: Any, begins_in: int, ends_in: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Expired, not valid yet, expired in the last century: the error says what this machine's clock shows."""
    now = datetime.datetime.now(datetime.UTC)
    authority = trustme.CA()
    made = authority.issue_cert(
        "127.0.0.1",
        not_before=now + datetime.timedelta(days=begins_in),
        not_after=now + datetime.timedelta(days=ends_in),
    )
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.configure_cert(context)
    service = TokenService(context)
    with pytest.raises(UntrustedCertificate) as caught:
        runner.run(lambda: transport.send(HttpRequest("GET", service.url)))
    service.close()
    assert f"clock shows {now:%Y-%m-%d}" in caught.value.message
    assert "clock" in caught.value.remedy
