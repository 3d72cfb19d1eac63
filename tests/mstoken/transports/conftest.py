"""Transports for both runners, and servers with certificates of an authority of our own."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from tests.support.runners import BlockingRunner, Runner
from tests.support.token_service import TokenService

from mstoken.protocol.http import HttpRequest, HttpResponse
from mstoken.transports.asyncio import AsyncHttpTransport
from mstoken.transports.blocking import HttpTransport

Send = Callable[[HttpRequest], HttpResponse]

SETTINGS = (
    *("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
)


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def transport(runner: Runner) -> Iterator[Any]:
    """The transport for the runner."""
    made: Any = HttpTransport() if isinstance(runner, BlockingRunner) else AsyncHttpTransport()
    yield made
    runner.run(made.close)


@pytest.fixture
def send(runner: Runner, transport: Any) -> Send:
    """Send a request by the runner's transport."""
    return lambda request: runner.run(lambda: transport.send(request))


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """A certificate authority that nobody trusts yet."""
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    """The authority's certificate as a file."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return tmp_path / "ca.pem"


@pytest.fixture
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    """For a server that the authority vouches for, as 127.0.0.1, localhost and login.example."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost", "login.example").configure_cert(context)
    return context


@pytest.fixture
def tls_service(server_tls: ssl.SSLContext) -> Iterator[TokenService]:
    """A token service with that certificate."""
    service = TokenService(server_tls)
    yield service
    service.close()
