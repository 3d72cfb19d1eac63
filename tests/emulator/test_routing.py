"""What the emulator answers to requests that are not as they should be."""

import base64
import re
import socket
import ssl
import time
from urllib.parse import quote, urlsplit

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entra_emulator import Emulator
from entra_emulator.web import BODY_LIMIT


def error(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.mark.parametrize("path", ["/nothing", "/a/b/c/d/e", "/%00", "/graphs"])
def test_unknown_path_is_404_in_json(entra: Emulator, http: httpx.Client, path: str) -> None:
    """A path the emulator does not have is answered with 404 and JSON."""
    assert error(http.get(entra.authority + path)) == (404, "NotFound")


@pytest.mark.parametrize("path", ["/", "//"])
def test_the_first_page_shows_where_things_are(entra: Emulator, http: httpx.Client, path: str) -> None:
    """Every link on it leads to a page or document; the key is not there."""
    page = http.get(entra.authority + path)
    assert entra.authority in page.text
    assert entra.admin_key not in page.text
    links = re.findall(r'href="(/[^"]*)"', page.text)
    assert len(links) == 4
    for link in links:
        assert http.get(entra.authority + link, follow_redirects=True).status_code in (200, 401), link


def test_microsofts_hosts_have_no_first_page(entra: Emulator, http: httpx.Client) -> None:
    answer = http.get(f"{entra.authority}/", headers={"Host": "login.microsoftonline.com"})
    assert error(answer) == (404, "NotFound")


def test_wrong_method_is_405_in_json(entra: Emulator, http: httpx.Client) -> None:
    """DELETE on the token endpoint is not allowed. (Entra has an error of its own for GET.)"""
    assert error(http.delete(f"{entra.authority}/common/oauth2/v2.0/token")) == (405, "MethodNotAllowed")


@pytest.mark.parametrize("host", ["evil.example", "www.microsoft.com", "localhost.evil.example"])
def test_other_host_names_are_421(entra: Emulator, http: httpx.Client, host: str) -> None:
    """A Host header that is neither localhost nor an emulated host is misdirected, so nobody can rebind DNS here."""
    answer = http.get(f"{entra.authority}/common/discovery/v2.0/keys", headers={"Host": host})
    assert error(answer) == (421, "MisdirectedRequest")


def test_huge_body_is_413(entra: Emulator, http: httpx.Client) -> None:
    """A body over the limit is refused without being kept."""
    answer = http.post(
        f"{entra.authority}/common/oauth2/v2.0/token",
        content=b"a=" + b"x" * BODY_LIMIT,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert error(answer) == (413, "RequestBodyTooLarge")


def test_too_many_fields_are_a_bad_request(entra: Emulator, http: httpx.Client) -> None:
    """A form with thousands of fields is answered as malformed, not with a failure."""
    form = "&".join(f"f{number}=x" for number in range(5000))
    answer = http.post(
        f"{entra.authority}/common/oauth2/v2.0/token",
        content=form,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert (answer.status_code, answer.json()["error_codes"]) == (400, [900144])


def test_no_request_breaks_the_token_endpoint(entra: Emulator, http: httpx.Client) -> None:
    """Whatever tenant, headers and form values come, the answer is a token or a refusal with a code."""
    app = entra.state.default_app
    token = entra.sign_in(entra.state.settings.user)
    text = st.text(max_size=20)
    value = text | st.sampled_from(
        ["client_credentials", "refresh_token", app.id, app.secrets[0].value, token, "//.default"]
    )
    names = ["grant_type", "client_id", "client_secret", "scope", "refresh_token", "claims", "client_assertion"]
    forms = st.dictionaries(st.sampled_from(names), value)
    tenants = st.sampled_from([entra.state.default_tenant.id, "common"]) | text.filter(
        lambda name: name not in ("", ".", "..")
    )

    @settings(max_examples=80, deadline=None)
    @given(form=forms, tenant=tenants, basic=st.binary(max_size=20))
    def post(form: dict[str, str], tenant: str, basic: bytes) -> None:
        url = f"{entra.authority}/{quote(tenant, safe='')}/oauth2/v2.0/token"
        header = {"Authorization": f"Basic {base64.b64encode(basic).decode()}"} if basic else {}
        answer = http.post(url, data=form, headers=header)
        assert answer.status_code in (200, 400, 401, 404)
        if answer.status_code != 404:  # a slash in the name makes it another path
            assert answer.status_code == 200 or answer.json()["error_codes"]

    post()


def test_an_internal_error_is_500_in_json(
    entra: Emulator, http: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    """If a handler fails, the client gets JSON, the log the reason, and the next request an answer."""
    keys = list(entra.state.tenants)
    entra.state.tenants[keys[0]].domains = None  # type: ignore[assignment]  # a state no configuration can make
    url = f"{entra.authority}/nowhere.example/v2.0/.well-known/openid-configuration"
    assert error(http.get(url)) == (500, "InternalServerError")
    assert "handler failed" in caplog.text
    entra.state.tenants[keys[0]].domains = []
    assert http.get(url).status_code == 400


def connected(entra: Emulator) -> ssl.SSLSocket:
    """A bare TLS connection to the emulator."""
    context = ssl.create_default_context(cafile=str(entra.ca_file))
    raw = socket.create_connection(("127.0.0.1", urlsplit(entra.authority).port or 0), timeout=30)
    return context.wrap_socket(raw, server_hostname="localhost")


def raw(entra: Emulator, request: str) -> list[str]:
    """The status lines of all that is answered to these bytes before the connection is closed."""
    host = f"localhost:{urlsplit(entra.authority).port}"
    parts = []
    with connected(entra) as tls:
        tls.sendall(request.replace("HOST", host).replace("\n", "\r\n").encode())
        while data := tls.recv(65_536):
            parts.append(data)
    return re.findall(r"HTTP/1\.1 (\d+)", b"".join(parts).decode())


KEYS = "GET /common/discovery/v2.0/keys HTTP/1.1\nHost: HOST\n"
TOKEN = "POST /common/oauth2/v2.0/token HTTP/1.1\nHost: HOST\n"


@pytest.mark.parametrize(
    "request_text",
    [
        f"{TOKEN}Content-Length: 5\nTransfer-Encoding: chunked\n\n0\n\n{KEYS}\n",
        f"{TOKEN}Content-Length: 5\nContent-Length: 6\n\nabcdef",
        f"{TOKEN}Transfer-Encoding : chunked\n\n0\n\n",
        f"{TOKEN}Transfer-Encoding: xchunked\n\n0\n\n",
        f"{TOKEN}Transfer-Encoding: chunked\nTransfer-Encoding: identity\n\n0\n\n",
        f"{TOKEN}Content-Length: +5\n\nabcde",
        f"{KEYS}X: a\n b\n\n",
        "GET /a\x00b HTTP/1.1\nHost: HOST\n\n",
        "CONNECT evil.example:443 HTTP/1.1\nHost: HOST\n\n",
    ],
)
def test_an_ambiguous_request_closes_the_connection(
    entra: Emulator, request_text: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nothing is smuggled: lengths that contradict each other are 400 and the end, and nobody's output has it."""
    assert raw(entra, request_text) == ["400"]
    assert not [one for one in entra.requests if one.status]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("hosts", ["", "Host: HOST\nHost: evil.example\n", "Host: evil.example\nHost: HOST\n"])
def test_request_has_one_host(entra: Emulator, hosts: str) -> None:
    """Without a Host header, or with two, it is nobody's request (RFC 9112 section 3.2)."""
    assert raw(entra, f"GET /common/discovery/v2.0/keys HTTP/1.1\n{hosts}Connection: close\n\n") == ["421"]


def test_an_upgrade_header_is_ignored(entra: Emulator, capfd: pytest.CaptureFixture[str]) -> None:
    """Java's client offers HTTP/2 on every first request; it is answered as if it had not, without a word of it."""
    upgrade = "Connection: Upgrade, HTTP2-Settings, close\nUpgrade: h2c\nHTTP2-Settings: AAMAAABkAAQAAP__\n"
    assert raw(entra, f"{KEYS}{upgrade}\n") == ["200"]
    assert capfd.readouterr() == ("", "")


def test_head_is_supported_wherever_get_is(entra: Emulator, http: httpx.Client) -> None:
    """HEAD gives GET's status and headers, and no body (RFC 9110 section 9.3.2)."""
    url = f"{entra.authority}/common/discovery/v2.0/keys"
    head, get = http.head(url), http.get(url)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"]


def test_a_response_is_sent_in_one_packet(entra: Emulator) -> None:
    """Head and body are one TLS record: a client is woken once for both."""
    port = urlsplit(entra.authority).port
    with connected(entra) as tls:
        tls.sendall(f"GET /common/discovery/v2.0/keys HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
        head, _, body = tls.recv(65_536).partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    assert len(body) == length > 0


def test_a_client_that_disconnects_is_no_error(entra: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    """A connection that ends in the middle of a body is logged as a request without an answer, and as no error."""
    port = urlsplit(entra.authority).port
    with connected(entra) as tls:
        head = f"POST /common/oauth2/v2.0/token HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Length: 1000\r\n\r\n"
        tls.sendall(f"{head}grant_type=".encode())
    patience = time.monotonic() + 60
    while not entra.requests and time.monotonic() < patience:
        time.sleep(0.01)
    assert [one.status for one in entra.requests] == [0]
    assert not caplog.records
