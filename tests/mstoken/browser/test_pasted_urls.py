"""Taking the browser's last address from the terminal."""

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
        ("http://localhost:1234/?code=c", None),
        ("http://[::1/?code=c&state=s#x", {"code": "c", "state": "s"}),
        ("", None),
    ],
)
def test_an_address_is_told_from_anything_else(line: str, parameters: dict[str, str] | None) -> None:
    """With or without scheme, blanks and line end; what has no state is not an answer."""
    redirect = parse_pasted_url(line)
    assert (redirect.parameters if redirect else None) == parameters


def test_lines_are_read_until_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is typed by mistake is passed over; the address is delivered; what comes later stays for the next reader."""
    ours, theirs = pty.openpty()
    redirects: queue.Queue[Redirect] = queue.Queue()
    with os.fdopen(theirs, "r", buffering=1) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        pasted = PastedUrls(redirects.put)
        os.write(ours, b"what?\nhttp://localhost:1/?code=c&state=s\n")
        assert redirects.get(timeout=5).parameters["code"] == "c"
        pasted.close()
        pasted._thread.join(5)
        os.write(ours, b"next\n")
        assert stdin.readline() == "next\n"
    os.close(ours)
