"""Which certificates are trusted, by which setting, and what the errors say."""

from __future__ import annotations

import datetime
import os
import ssl
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import trustme
from tests.mstoken.transports.conftest import Send
from tests.support.raw_server import RawServer
from tests.support.slow_server import SlowServer
from tests.support.token_service import TokenService

from mstoken import TransportError, UntrustedCertificate, UsageError
from mstoken.protocol.http import HttpRequest
from mstoken.transports import system_trust, trust
from mstoken.transports.blocking import HttpTransport

OK = [[b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"]]


def hashed(folder: Path, authority: trustme.CA) -> Path:
    """A folder in which OpenSSL finds the authority by its name, as the system's is laid out."""
    folder.mkdir()
    authority.cert_pem.write_to_path(str(folder / "ours.pem"))
    subprocess.run(["openssl", "rehash", str(folder)], check=True)
    return folder


def use_system_store(monkeypatch: pytest.MonkeyPatch, cafile: Path | None, capath: Path | None) -> None:
    """Have the system keep its authorities there."""
    paths = SimpleNamespace(cafile=str(cafile) if cafile else None, capath=str(capath) if capath else None)
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
    monkeypatch.setattr(trust, "_MADE", trust._Made())


def test_the_systems_folder_is_trusted(
    send: Send, tls_service: TokenService, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An authority in the folder is looked up there by need."""
    use_system_store(monkeypatch, None, hashed(tmp_path / "certs", authority))
    assert send(HttpRequest("GET", tls_service.url)).status == 200


def test_the_systems_bundle_is_trusted_besides_its_folder(
    send: Send, tls_service: TokenService, ca_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An authority that is only in the bundle is found when the folder did not have it, and at once from then on."""
    use_system_store(monkeypatch, ca_file, hashed(tmp_path / "certs", trustme.CA()))
    assert send(HttpRequest("GET", tls_service.url)).status == 200
    assert tls_service.connections == 2
    assert HttpTransport().send(HttpRequest("GET", tls_service.url)).status == 200
    assert tls_service.connections == 3


def test_the_bundle_of_the_distribution_serves_a_python_that_looks_elsewhere(
    send: Send, tls_service: TokenService, ca_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Python built for another folder has none, or an empty one."""
    (tmp_path / "empty").mkdir()
    use_system_store(monkeypatch, None, tmp_path / "empty")
    monkeypatch.setattr(trust, "_KNOWN_FILES", ("/no/such/file", str(ca_file)))
    assert send(HttpRequest("GET", tls_service.url)).status == 200


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_openssls_variables_replace_the_systems_trust(
    send: Send,
    tls_service: TokenService,
    authority: trustme.CA,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
) -> None:
    """What the system trusts does not count then."""
    use_system_store(monkeypatch, None, hashed(tmp_path / "certs", authority))
    other = trustme.CA()
    other.cert_pem.write_to_path(str(tmp_path / "other.pem"))
    named = tmp_path / "other.pem" if variable == "SSL_CERT_FILE" else hashed(tmp_path / "others", other)
    monkeypatch.setenv(variable, str(named))
    with pytest.raises(UntrustedCertificate):
        send(HttpRequest("GET", tls_service.url))
    assert tls_service.requests == []


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_bundle_with_a_byte_order_mark_is_read(
    send: Send, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    """OpenSSL would skip its first certificate, or find none; Windows PowerShell's `>` writes UTF-16."""
    pem = authority.cert_pem.bytes() + trustme.CA().cert_pem.bytes()
    (tmp_path / "bundle.pem").write_bytes(pem.decode().encode(encoding))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "bundle.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with RawServer(OK, tls=context) as server:
        assert send(HttpRequest("GET", server.url)).status == 200


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_companys_bundle_is_trusted_besides_the_system(
    send: Send, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, kind: str
) -> None:
    """Both as a file and as a folder; a server of the system's authorities is trusted still."""
    system = trustme.CA()
    use_system_store(monkeypatch, None, hashed(tmp_path / "certs", system))
    company = hashed(tmp_path / "company", authority)
    monkeypatch.setenv(variable, str(company / "ours.pem" if kind == "file" else company))
    for issuer in (system, authority):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        issuer.issue_cert("127.0.0.1").configure_cert(context)
        with RawServer(OK, tls=context) as server:
            assert send(HttpRequest("GET", server.url)).status == 200


def test_several_folders_are_a_list(
    send: Send, tls_service: TokenService, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As SSL_CERT_DIR is for OpenSSL."""
    folders = [hashed(tmp_path / "one", trustme.CA()), hashed(tmp_path / "two", authority)]
    monkeypatch.setenv("SSL_CERT_DIR", os.pathsep.join(map(str, folders)))
    assert send(HttpRequest("GET", tls_service.url)).status == 200


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize(
    "content", [None, "nothing of use", "-----BEGIN CERTIFICATE-----\nxyz\n-----END CERTIFICATE-----\n"]
)
def test_a_setting_that_cannot_be_read_is_named(
    send: Send,
    tls_service: TokenService,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    content: str | None,
) -> None:
    """Missing, empty of certificates or damaged: an error by the variable's name, before a connection is made."""
    path = tmp_path / "named.pem"
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv(variable, str(path))
    with pytest.raises(UsageError, match=rf"{variable} names '{path}', which cannot be read") as caught:
        send(HttpRequest("GET", tls_service.url))
    assert "_ssl.c" not in str(caught.value)
    assert variable in caught.value.remedy
    assert tls_service.connections == 0


def test_a_folder_is_refused_in_place_of_a_file(send: Send, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SSL_CERT_FILE that names a folder is told which variable is meant."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path))
    with pytest.raises(UsageError, match="its variable is SSL_CERT_DIR"):
        send(HttpRequest("GET", "https://127.0.0.1:1/"))


def test_a_bundle_that_was_renewed_is_read_again(
    tls_service: TokenService, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that runs for months meets new authorities without being started again."""
    bundle = tmp_path / "bundle.pem"
    trustme.CA().cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    transport = HttpTransport()
    with pytest.raises(UntrustedCertificate):
        transport.send(HttpRequest("GET", tls_service.url))
    authority.cert_pem.write_to_path(str(bundle))
    os.utime(bundle, ns=(1, 1))
    assert transport.send(HttpRequest("GET", tls_service.url)).status == 200
    transport.close()


def test_nothing_is_sent_to_a_certificate_for_another_name(
    send: Send, authority: trustme.CA, ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name in the URL must be the certificate's."""
    monkeypatch.setenv("SSL_CERT_FILE", str(ca_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("elsewhere.example").configure_cert(context)
    with RawServer(OK, tls=context) as server, pytest.raises(UntrustedCertificate, match="certificate"):
        send(HttpRequest("POST", server.url, {"Secret": "s"}))
    assert server.received == []


def test_nothing_is_sent_to_an_expired_certificate(
    send: Send, authority: trustme.CA, ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the error says that it has."""
    monkeypatch.setenv("SSL_CERT_FILE", str(ca_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    yesterday = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    authority.issue_cert("127.0.0.1", not_after=yesterday).configure_cert(context)
    with RawServer(OK, tls=context) as server, pytest.raises(UntrustedCertificate, match="expired"):
        send(HttpRequest("POST", server.url))
    assert server.received == []


@pytest.mark.parametrize(
    ("first", "told"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "it does not answer in TLS"),
        (b"\x15\x03\x03\x00\x02\x02\x28", "it answered 'handshake failure'"),
        (b"\x15\x03\x03\x00\x02\x02\x46", "it answered 'protocol version'"),
        (b"", "it closed the connection"),
        (b"\x16\x03\x03\x00\x05hello", "TLS with .* failed"),
    ],
    ids=["http", "alert", "version", "closed", "noise"],
)
def test_a_failed_handshake_is_described_without_openssls_names(send: Send, first: bytes, told: str) -> None:
    """In words, without source files, lines and codes of a TLS library."""
    with RawServer([[first]], hello=True) as server, pytest.raises(TransportError, match=told) as caught:
        send(HttpRequest("GET", server.url.replace("http://", "https://")))
    assert not any(internal in str(caught.value) for internal in ("_ssl", "SSL:", "[", "_ALERT", "Errno"))


def test_a_server_that_never_completes_the_handshake_times_out(send: Send) -> None:
    """The handshake has no time of its own: what is left for the call is all that there is."""
    with SlowServer(b"") as url:
        began = time.monotonic()
        with pytest.raises(TransportError, match="did not answer in time"):
            send(HttpRequest("GET", url.replace("http://", "https://"), timeout_in=0.5))
        assert time.monotonic() - began < 10


def test_old_versions_of_tls_are_refused(
    send: Send, server_tls: ssl.SSLContext, ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TLS 1.2 is the least (RFC 8996)."""
    monkeypatch.setenv("SSL_CERT_FILE", str(ca_file))
    server_tls.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        server_tls.maximum_version = ssl.TLSVersion.TLSv1_1
    with RawServer(OK, tls=server_tls) as server, pytest.raises(TransportError, match=r"TLS with .* failed"):
        send(HttpRequest("GET", server.url))
    assert server.received == []


def test_tls_1_2_is_resumed(
    send: Send, server_tls: ssl.SSLContext, ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A further connection to the same server goes on with the session of the first, and saves a round trip."""
    monkeypatch.setenv("SSL_CERT_FILE", str(ca_file))
    server_tls.maximum_version = ssl.TLSVersion.TLSv1_2
    with RawServer(OK, tls=server_tls) as server:
        for _ in range(3):
            assert send(HttpRequest("GET", server.url)).status == 200
    assert server.connections == 3
    assert server_tls.session_stats()["hits"] == 2


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_the_operating_system_verifies_where_it_can(
    send: Send, tls_service: TokenService, ca_file: Path, monkeypatch: pytest.MonkeyPatch, platform: str
) -> None:
    """On macOS and Windows, by truststore; here it takes OpenSSL. A company's bundle is trusted besides."""
    made: list[ssl.SSLContext] = []
    real = system_trust.system_context

    def counted() -> ssl.SSLContext:
        made.append(real())
        return made[-1]

    monkeypatch.setattr(system_trust, "system_context", counted)
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setattr("urllib.request.getproxies", dict)
    monkeypatch.setattr(trust, "_MADE", trust._Made())
    with pytest.raises(UntrustedCertificate):
        send(HttpRequest("GET", tls_service.url))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(ca_file))
    assert send(HttpRequest("GET", tls_service.url)).status == 200
    assert len(made) == 2
    assert type(made[0]).__module__.startswith("truststore")
