"""The loopback listener: which requests it accepts, and which pages it shows."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable, Iterator

import httpx
import pytest

from mstoken.browser import listener as browser_listener
from mstoken.browser.listener import Listener, Redirect
from mstoken.errors import UsageError


def has_ipv6() -> bool:
    """Whether this machine has the address ::1."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


HAS_IPV6 = has_ipv6()
needs_ipv6 = pytest.mark.skipif(not HAS_IPV6, reason="this machine has no IPv6 loopback address")


FORM = "code=c&state=s"


class Waiting:
    """A listener, and the redirects that it received."""

    def __init__(self) -> None:
        self.redirects: queue.Queue[Redirect] = queue.Queue()
        self.listener = Listener(0, self.redirects.put)
        self.url = self.listener.redirect_uri.replace("localhost", "127.0.0.1")

    def get(self, path: str, **headers: str) -> httpx.Response:
        return httpx.get(f"{self.url}{path}", headers=headers, trust_env=False)

    def post(self, body: str | bytes = FORM, path: str = "/", **headers: str) -> httpx.Response:
        given = {"Content-Type": "application/x-www-form-urlencoded"} | headers
        return httpx.post(f"{self.url}{path}", content=body, headers=given, trust_env=False)

    def answered(self, send: Callable[[], httpx.Response]) -> tuple[dict[str, str], str]:
        """Send a response that is expected. Return its parameters, and the page for a sign-in that worked."""
        pages: list[httpx.Response] = []
        browser = threading.Thread(target=lambda: pages.append(send()))
        browser.start()
        redirect = self.redirects.get(timeout=60)
        redirect.respond("signed-in")
        browser.join()
        assert pages[0].status_code == 200
        return redirect.parameters, pages[0].text


@pytest.fixture
def waiting() -> Iterator[Waiting]:
    made = Waiting()
    yield made
    made.listener.close()


def test_the_listener_is_on_loopback_only(waiting: Waiting) -> None:
    """Other machines cannot connect, and the listener holds both loopback addresses, whichever the browser uses."""
    held = [server.server_address[:2] for server in waiting.listener._servers]
    assert held == [("127.0.0.1", waiting.listener.port), *([("::1", waiting.listener.port)] if HAS_IPV6 else [])]
    assert waiting.listener.redirect_uri == f"http://localhost:{waiting.listener.port}"


@pytest.mark.parametrize(
    ("path", "status"),
    [("/favicon.ico", 404), ("/x?error=e&state=s", 404), ("/", 400), ("/?error=e", 400), ("/?state=a&state=b", 400)],
)
def test_requests_that_are_no_redirect_are_refused(waiting: Waiting, path: str, status: int) -> None:
    """Another path, a missing state or a repeated parameter is not passed on."""
    assert waiting.get(path).status_code == status
    assert waiting.redirects.empty()


def test_another_host_name_is_refused(waiting: Waiting) -> None:
    """DNS rebinding: a web page that resolves its own name to 127.0.0.1 is not served."""
    assert waiting.get("/?error=e&state=s", Host="evil.example").status_code == 404
    assert waiting.post(Host="evil.example").status_code == 404
    assert waiting.redirects.empty()


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "HEAD"])
def test_other_methods_are_refused(waiting: Waiting, method: str) -> None:
    """The response is a POST request, or a GET request."""
    assert httpx.request(method, f"{waiting.url}/?error=e&state=s", trust_env=False).status_code == 501


def test_a_posted_response_is_passed_on(waiting: Waiting) -> None:
    """The browser posts the response; the page that follows shows how the sign-in ended."""
    parameters, page = waiting.answered(lambda: waiting.post("code=c%2B1&state=s&session_state="))
    assert parameters == {"code": "c+1", "state": "s", "session_state": ""}
    assert "You are signed in" in page


@pytest.mark.parametrize("origin", ["https://login.microsoftonline.com", "null", "https://fs.contoso.example"])
def test_the_origin_of_a_form_is_not_compared(waiting: Waiting, origin: str) -> None:
    """Federated identity providers and custom domains post from their own; the state tells the right response."""
    assert waiting.answered(lambda: waiting.post(Origin=origin))[0] == {"code": "c", "state": "s"}


@pytest.mark.parametrize(
    ("body", "path", "headers"),
    [
        ("", "/", {}),
        ("code=c", "/", {}),
        ("state=a&state=b", "/", {}),
        (b"code=c&state=\xff%", "/", {}),
        ("&".join(f"p{number}=" for number in range(60)) + "&state=s", "/", {}),
        (FORM, "/?code=other", {}),
        (FORM, "/", {"Content-Type": "text/plain"}),
        ('{"code": "c", "state": "s"}', "/", {"Content-Type": "application/json"}),
        (FORM, "/", {"Content-Length": "-1"}),
        (FORM, "/", {"Content-Length": "+14"}),
        (FORM, "/", {"Content-Length": "9" * 5000}),
        (FORM, "/", {"Content-Length": "65537"}),
    ],
)
def test_forms_that_are_no_response_are_refused(
    waiting: Waiting, body: str | bytes, path: str, headers: dict[str, str]
) -> None:
    """Without a state, repeated, not UTF-8, of another type, too large, or with parameters in the address as well."""
    given = {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(body)), **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    with socket.create_connection(("127.0.0.1", waiting.listener.port), timeout=60) as browser:
        browser.sendall(f"POST {path} HTTP/1.1\r\nHost: localhost:{waiting.listener.port}\r\n{head}\r\n".encode())
        browser.sendall(body.encode() if isinstance(body, str) else body)
        assert browser.recv(64).startswith(b"HTTP/1.0 400 ")
    assert waiting.redirects.empty()


def test_a_code_in_the_address_is_refused_unless_it_was_requested_there(waiting: Waiting) -> None:
    """An address is kept in histories and logs; only a sign-in whose address a person copies requests a code in it."""
    refused = waiting.get("/?code=the-code&state=s")
    assert refused.status_code == 400
    assert "It came in the address" in refused.text
    assert waiting.redirects.empty()
    waiting.listener.takes_code_in_query = True
    assert waiting.answered(lambda: waiting.get(f"/?{FORM}"))[0] == {"code": "c", "state": "s"}


def test_an_error_in_the_address_is_passed_on(waiting: Waiting) -> None:
    """An error is no secret, and ends the wait at once, however the server sends it."""
    assert waiting.answered(lambda: waiting.get("/?error=access_denied&state=s"))[0]["error"] == "access_denied"


def test_a_silent_connection_does_not_delay_the_redirect(waiting: Waiting) -> None:
    """Browsers open spare connections that they never use; the listener serves the redirect meanwhile."""
    with socket.create_connection(("127.0.0.1", waiting.listener.port)):
        parameters, page = waiting.answered(waiting.post)
    assert parameters == {"code": "c", "state": "s"}
    assert "You are signed in" in page


def test_the_request_is_not_logged(waiting: Waiting, capfd: pytest.CaptureFixture[str]) -> None:
    """http.server logs each request line by default, and this one contains the code."""
    waiting.get("/?code=the-code")
    assert capfd.readouterr() == ("", "")


def test_a_port_in_use_is_a_usage_error(waiting: Waiting) -> None:
    """The error says what to do."""
    with pytest.raises(UsageError, match="cannot listen") as caught:
        Listener(waiting.listener.port, waiting.redirects.put)
    assert caught.value.remedy


@needs_ipv6
@pytest.mark.parametrize("host", ["localhost", "[::1]"])
def test_a_browser_that_uses_ipv6_is_answered(waiting: Waiting, host: str) -> None:
    """`localhost` may resolve to ::1, where the same listener answers."""
    waiting.url = f"http://[::1]:{waiting.listener.port}"
    _, page = waiting.answered(lambda: waiting.post(Host=f"{host}:{waiting.listener.port}"))
    assert "You are signed in" in page


@needs_ipv6
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_port_in_use_on_either_address_is_refused(address: str) -> None:
    """The other program could receive the code. The listener releases both addresses afterwards."""
    other = socket.create_server((address, 0), family=socket.AF_INET6 if ":" in address else socket.AF_INET)
    port = other.getsockname()[1]
    with other, pytest.raises(UsageError, match=f"cannot listen on port {port}"):
        Listener(port, queue.SimpleQueue[Redirect]().put)
    listener = Listener(port, queue.SimpleQueue[Redirect]().put)
    listener.close()
    assert listener.port == port


@needs_ipv6
def test_a_port_that_is_free_on_one_address_only_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program takes ::1 first three times; the listener ends up on a port that is free on both."""
    rivals: list[socket.socket] = []

    class Contested(browser_listener._Server6):
        def server_bind(self) -> None:
            if len(rivals) < 3:
                rivals.append(socket.create_server(("::1", self.server_address[1]), family=socket.AF_INET6))
            super().server_bind()

    monkeypatch.setattr(browser_listener, "_Server6", Contested)
    listener = Listener(0, queue.SimpleQueue[Redirect]().put)
    listener.close()
    taken = {rival.getsockname()[1] for rival in rivals}
    for rival in rivals:
        rival.close()
    assert len(taken) == 3
    assert listener.port not in taken
    assert len(listener._servers) == 2


def test_without_ipv6_one_address_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Binding to an address that this machine does not have fails like binding to ::1 without IPv6."""

    class Absent(browser_listener._Server6):
        def server_bind(self) -> None:
            self.socket.bind(("2001:db8::1", self.server_address[1]))

    monkeypatch.setattr(browser_listener, "_Server6", Absent)
    waiting = Waiting()
    try:
        assert waiting.get("/").status_code == 400
        assert len(waiting.listener._servers) == 1
    finally:
        waiting.listener.close()
