"""The loopback listener: which requests it accepts, and which pages it shows."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Iterator

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


class Waiting:
    """A listener, and the redirects that it received."""

    def __init__(self) -> None:
        self.redirects: queue.Queue[Redirect] = queue.Queue()
        self.listener = Listener(0, self.redirects.put)
        self.url = self.listener.redirect_uri.replace("localhost", "127.0.0.1")

    def get(self, path: str, **headers: str) -> httpx.Response:
        return httpx.get(f"{self.url}{path}", headers=headers, trust_env=False)


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
    [("/favicon.ico", 404), ("/other?code=c&state=s", 404), ("/", 400), ("/?code=c", 400), ("/?state=a&state=b", 400)],
)
def test_requests_that_are_no_redirect_are_refused(waiting: Waiting, path: str, status: int) -> None:
    """Another path, a missing state or a repeated parameter is not passed on."""
    assert waiting.get(path).status_code == status
    assert waiting.redirects.empty()


def test_another_host_name_is_refused(waiting: Waiting) -> None:
    """DNS rebinding: a web page that resolves its own name to 127.0.0.1 is not served."""
    assert waiting.get("/?code=c&state=s", Host="evil.example").status_code == 404
    assert waiting.redirects.empty()


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_only_get_is_accepted(waiting: Waiting, method: str) -> None:
    """The redirect is a GET request."""
    assert httpx.request(method, f"{waiting.url}/?code=c&state=s", trust_env=False).status_code == 501


def test_a_silent_connection_does_not_delay_the_redirect(waiting: Waiting) -> None:
    """Browsers open spare connections that they never use; the listener serves the redirect meanwhile."""
    with socket.create_connection(("127.0.0.1", waiting.listener.port)):
        pages: list[httpx.Response] = []
        browser = threading.Thread(target=lambda: pages.append(waiting.get("/?code=c&state=s")))
        browser.start()
        redirect = waiting.redirects.get(timeout=5)
        assert redirect.parameters == {"code": "c", "state": "s"}
        redirect.respond("signed-in")
        browser.join()
    assert "You are signed in" in pages[0].text


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
    pages: list[httpx.Response] = []
    url = f"http://[::1]:{waiting.listener.port}/?code=c&state=s"
    headers = {"Host": f"{host}:{waiting.listener.port}"}
    browser = threading.Thread(target=lambda: pages.append(httpx.get(url, headers=headers, trust_env=False)))
    browser.start()
    waiting.redirects.get(timeout=5).respond("signed-in")
    browser.join()
    assert "You are signed in" in pages[0].text


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
