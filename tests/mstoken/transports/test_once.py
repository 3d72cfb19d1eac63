"""The transport of a program that asks once: by the system's folder of certificate authorities, else the usual way."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from tests.support.token_service import Reply, TokenService

from mstoken import TransportError, UnreadableAnswer
from mstoken.protocol.http import HttpRequest, Way
from mstoken.transports import once
from mstoken.transports.once import OnceTransport

AUTHORITY = trustme.CA()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which OpenSSL finds our certificate authority by its name, as the system's is laid out."""
    made = tmp_path / "certs"
    made.mkdir()
    AUTHORITY.cert_pem.write_to_path(str(made / "ours.pem"))
    subprocess.run(["openssl", "rehash", str(made)], check=True)
    for name in (*once._PROXIES, "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SSL_CERT_DIR", str(made))
    return made


@pytest.fixture
def service() -> Iterator[TokenService]:
    """A token service whose certificate names 127.0.0.1 and localhost."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    served = TokenService(context)
    served.script = [Reply(200, "hello", {"X-Note": "yes"})]
    yield served
    served.close()


def test_one_request_needs_no_other_client(folder: Path, service: TokenService) -> None:
    """Method, headers and body arrive over verified TLS, and the usual client is not even made."""
    transport = OnceTransport()
    answer = transport.send(HttpRequest("POST", f"{service.url}/a?b=c", {"Secret": "s"}, b"x=1"))
    transport.close()
    assert (answer.status, answer.body, answer.headers["x-note"]) == (200, b"hello", "yes")
    [request] = service.requests
    assert (request.method, request.path, request.headers["Secret"], request.body) == ("POST", "/a?b=c", "s", b"x=1")
    assert transport._usual is None


def test_each_request_has_its_connection(folder: Path, service: TokenService) -> None:
    """Two requests are two connections, both closed."""
    transport = OnceTransport()
    for _ in range(2):
        transport.send(HttpRequest("GET", service.url))
    assert (service.connections, transport._usual) == (2, None)


@pytest.mark.parametrize("path", ["/a b", "/ä"])
def test_an_odd_url_goes_the_usual_way(folder: Path, service: TokenService, path: str) -> None:
    """The usual client knows how such a URL is written; nothing is sent before."""
    transport = OnceTransport()
    assert transport.send(HttpRequest("GET", service.url + path)).body == b"hello"
    transport.close()
    assert len(service.requests) == 1
    assert transport._usual is not None


def test_an_authority_that_is_not_in_the_folder_is_looked_for_the_usual_way(
    folder: Path, service: TokenService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What only SSL_CERT_FILE vouches for is trusted all the same."""
    for file in folder.iterdir():
        file.unlink()
    AUTHORITY.cert_pem.write_to_path(str(tmp_path / "ours.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ours.pem"))
    transport = OnceTransport()
    assert transport.send(HttpRequest("GET", service.url)).body == b"hello"
    transport.close()
    assert transport._usual is not None


def test_a_certificate_nobody_vouches_for_gets_nothing(folder: Path, service: TokenService) -> None:
    """Not a byte of the request is sent, and the error names the setting as ever."""
    for file in folder.iterdir():
        file.unlink()
    with pytest.raises(TransportError, match="certificate") as caught:
        OnceTransport().send(HttpRequest("POST", service.url, {"Secret": "s"}))
    assert "SSL_CERT_FILE" in caught.value.remedy
    assert service.requests == []


def test_a_certificate_for_another_name_gets_nothing(folder: Path) -> None:
    """The name in the URL must be the certificate's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("elsewhere.example").configure_cert(context)
    service = TokenService(context)
    with pytest.raises(TransportError, match="certificate"):
        OnceTransport().send(HttpRequest("POST", service.url, {"Secret": "s"}))
    assert service.requests == []
    service.close()


@pytest.mark.parametrize("variable", once._PROXIES)
def test_through_a_proxy_goes_the_usual_way(
    folder: Path, service: TokenService, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """A proxy in the environment is not gone past."""
    monkeypatch.setenv(variable, "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(TransportError, match=r"proxy|refused"):
        OnceTransport().send(HttpRequest("GET", service.url.replace("127.0.0.1", "localhost")))
    assert service.requests == []


def test_a_way_of_its_own_is_kept_to(folder: Path, service: TokenService) -> None:
    """A server that is to be known by its thumbprint is not trusted for being in the folder."""
    with pytest.raises(TransportError, match="another certificate"):
        OnceTransport().send(HttpRequest("GET", service.url, way=Way(thumbprint="ab" * 20)))
    assert service.requests == []


def test_in_clear_goes_the_usual_way(folder: Path, token_service: TokenService) -> None:
    """Plain http, as to a server on this machine, is the usual client's."""
    transport = OnceTransport()
    assert transport.send(HttpRequest("GET", token_service.url)).status == 200
    transport.close()
    assert transport._usual is not None


def test_who_is_not_there_is_told_as_ever(folder: Path) -> None:
    """A refused connection is an error in the usual words."""
    with pytest.raises(TransportError, match="refused the connection"):
        OnceTransport().send(HttpRequest("GET", "https://127.0.0.1:1/"))


@pytest.mark.parametrize(
    "reply",
    [Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"), Reply(raw=b""), Reply(raw=b"nonsense\r\n\r\n")],
    ids=["cut off", "closed", "no HTTP"],
)
def test_what_is_no_answer_is_an_error_and_asked_once(folder: Path, service: TokenService, reply: Reply) -> None:
    """Once the request is sent, a broken answer is told and not asked for again by another way."""
    service.script = [reply]
    with pytest.raises(TransportError):
        OnceTransport().send(HttpRequest("POST", service.url))
    assert len(service.requests) == 1


def test_an_answer_that_is_too_large_is_told(folder: Path, service: TokenService) -> None:
    """The limit is that of the request."""
    service.script = [Reply(200, "x" * 2000)]
    with pytest.raises(UnreadableAnswer, match="more than 1000 bytes"):
        OnceTransport().send(HttpRequest("GET", service.url, max_answer=1000))


def test_a_redirect_is_not_followed(folder: Path, service: TokenService) -> None:
    """The answer is the redirect itself; the other place is never asked."""
    service.script = [Reply(307, "", {"Location": f"{service.url}/elsewhere"})]
    assert OnceTransport().send(HttpRequest("POST", service.url, {}, b"secret")).status == 307
    assert len(service.requests) == 1


def test_a_server_that_stalls_has_so_much_time_in_all(folder: Path, service: TokenService) -> None:
    """An answer that does not come within `answer_in` is an error that says so."""
    service.script = [Reply(delay=30)]
    with pytest.raises(TransportError, match="did not answer in time"):
        OnceTransport().send(HttpRequest("GET", service.url, answer_in=0.5))


def test_a_server_that_never_greets_is_given_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that takes the connection and says nothing costs this way's time and the rest of the request's, no more."""
    monkeypatch.setattr(once, "CONNECT_IN", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        held: list[socket.socket] = []
        thread = threading.Thread(target=lambda: held.extend(silent.accept()[0] for _ in range(2)))
        thread.start()
        started = time.monotonic()
        with pytest.raises(TransportError, match="did not answer in time"):
            OnceTransport().send(HttpRequest("GET", f"https://127.0.0.1:{silent.getsockname()[1]}/", answer_in=1))
        thread.join()
        assert time.monotonic() - started < 20  # and not the usual client's half minute
        for link in held:
            link.close()


@pytest.mark.parametrize(
    ("platform", "environ", "folder_given"),
    [
        ("linux", {"SSL_CERT_DIR": "/a"}, "/a"),
        ("darwin", {"SSL_CERT_DIR": "/a"}, "/a"),
        ("linux", {"SSL_CERT_DIR": "/a", "SSL_CERT_FILE": "/b.pem"}, "/a"),
        ("linux", {"SSL_CERT_FILE": "/b.pem"}, ""),
        ("darwin", {}, ""),
        ("win32", {}, ""),
    ],
)
def test_only_a_folder_that_the_usual_client_trusts_is_taken(
    monkeypatch: pytest.MonkeyPatch, platform: str, environ: dict[str, str], folder_given: str
) -> None:
    """Where the environment names a bundle alone, or the system keeps its trust elsewhere, there is no folder."""
    for name in ("SSL_CERT_DIR", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.platform", platform)
    assert once._authorities() == folder_given
