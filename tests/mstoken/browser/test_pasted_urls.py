"""Reading the redirect URL from the terminal."""

from __future__ import annotations

import os
import pty
import queue
import sys

import pytest

from mstoken.browser.listener import Redirect
from mstoken.browser.pasted_urls import PastedUrls, parse_pasted_url


@pytest.mark.parametrize(
    ("line", "parameters"),
    [
        ("http://localhost:1234/?code=c&state=s\n", {"code": "c", "state": "s"}),
        ("  http://localhost:1234?error=access_denied&state=s  ", {"error": "access_denied", "state": "s"}),
        ("localhost:1234/?state=s&code=c", {"state": "s", "code": "c"}),
        ("hello", None),
        ("https://login.example/t/oauth2/v2.0/authorize?client_id=c&response_type=code&state=s", None),
        ("http://localhost:1234/?code=c", None),
        ("http://[::1/?code=c&state=s#x", {"code": "c", "state": "s"}),
        ("", None),
    ],
)
def test_a_redirect_url_is_recognized(line: str, parameters: dict[str, str] | None) -> None:
    """With or without a scheme, spaces and a line end. A URL without state is not one, nor is the sign-in page's."""
    redirect = parse_pasted_url(line)
    assert (redirect.parameters if redirect else None) == parameters


def test_lines_are_read_until_close(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """A wrong address is answered at once, the URL is delivered, and input after `close` is left for others."""
    ours, theirs = pty.openpty()
    redirects: queue.Queue[Redirect] = queue.Queue()
    with os.fdopen(theirs, "r", buffering=1) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        pasted = PastedUrls(redirects.put, "http://localhost:1")
        os.write(ours, b"what?\nhttp://localhost:1/?code=c&state=s\n")
        assert redirects.get(timeout=5).parameters["code"] == "c"
        said = capfd.readouterr().err
        assert said == "That is not the address at which the browser ended: it begins with http://localhost:1\n"
        pasted.close()
        pasted._thread.join(5)
        os.write(ours, b"next\n")
        assert stdin.readline() == "next\n"
    os.close(ours)
