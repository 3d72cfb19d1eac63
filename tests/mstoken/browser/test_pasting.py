"""Taking the browser's last address from the terminal."""

from __future__ import annotations

import os
import pty
import queue
import sys

import pytest

from mstoken.browser.listener import Arrival
from mstoken.browser.pasting import Pasted, arrival_of


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
    arrival = arrival_of(line)
    assert (arrival.parameters if arrival else None) == parameters


def test_lines_are_read_until_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is typed by mistake is passed over; the address is delivered; what comes later stays for the next reader."""
    ours, theirs = pty.openpty()
    arrivals: queue.Queue[Arrival] = queue.Queue()
    with os.fdopen(theirs, "r", buffering=1) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        pasted = Pasted(arrivals.put)
        os.write(ours, b"what?\nhttp://localhost:1/?code=c&state=s\n")
        assert arrivals.get(timeout=5).parameters["code"] == "c"
        pasted.close()
        pasted._thread.join(5)
        os.write(ours, b"next\n")
        assert stdin.readline() == "next\n"
    os.close(ours)
