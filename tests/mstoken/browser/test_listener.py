"""The loopback listener: who may come, and what they see."""

from __future__ import annotations

import queue
import socket
from collections.abc import Iterator

import httpx
import pytest

from mstoken.browser.listener import Listener, Redirect
from mstoken.errors import UsageError


class Waiting:
    """A listener, and what arrived at it."""

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


def test_it_listens_on_loopback_only(waiting: Waiting) -> None:
    """No other machine can come: the socket is bound to 127.0.0.1."""
    assert waiting.listener._server.server_address[0] == "127.0.0.1"
    assert waiting.listener.redirect_uri == f"http://localhost:{waiting.listener._server.server_port}"


@pytest.mark.parametrize(
    ("path", "status"),
    [("/favicon.ico", 404), ("/other?code=c&state=s", 404), ("/", 400), ("/?code=c", 400), ("/?state=a&state=b", 400)],
)
def test_what_is_no_answer_is_not_handed_on(waiting: Waiting, path: str, status: int) -> None:
    """Another path, no state, or parameters that stand twice: refused on the spot."""
    assert waiting.get(path).status_code == status
    assert waiting.redirects.empty()


def test_another_host_name_is_refused(waiting: Waiting) -> None:
    """A web page that rebinds its own name to 127.0.0.1 does not get in."""
    assert waiting.get("/?code=c&state=s", Host="evil.example").status_code == 404
    assert waiting.redirects.empty()


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_only_reading_is_answered(waiting: Waiting, method: str) -> None:
    """The redirect is a GET; nothing else is spoken here."""
    assert httpx.request(method, f"{waiting.url}/?code=c&state=s", trust_env=False).status_code == 501


def test_a_silent_connection_holds_nobody_up(waiting: Waiting) -> None:
    """Browsers open connections ahead that they never use; the one with the answer is served meanwhile."""
    with socket.create_connection(("127.0.0.1", waiting.listener._server.server_port)):
        import threading

        pages: list[httpx.Response] = []
        browser = threading.Thread(target=lambda: pages.append(waiting.get("/?code=c&state=s")))
        browser.start()
        redirect = waiting.redirects.get(timeout=5)
        assert redirect.parameters == {"code": "c", "state": "s"}
        redirect.respond("signed-in")
        browser.join()
    assert "You are signed in" in pages[0].text


def test_the_request_is_in_no_log(waiting: Waiting, capfd: pytest.CaptureFixture[str]) -> None:
    """http.server logs each request line, and this one has the code in it; ours does not."""
    waiting.get("/?code=the-code")
    assert capfd.readouterr() == ("", "")


def test_a_port_that_is_taken(waiting: Waiting) -> None:
    """Somebody else listens there: a usage error that says what to do."""
    with pytest.raises(UsageError, match="cannot listen") as caught:
        Listener(waiting.listener._server.server_port, waiting.redirects.put)
    assert caught.value.remedy
