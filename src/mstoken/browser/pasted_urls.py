"""Take the address the browser ended at from the terminal, for a browser that runs on another machine."""

from __future__ import annotations

import sys
import threading

from mstoken.browser.listener import Redirect, parse_query
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

POLL_INTERVAL_IN = 0.2
MAX_LENGTH = 32_768
"""Characters of an address that are looked at; a terminal's own limit for a line is 4,096 on Linux."""


class PastedUrls:
    """Reads lines of standard input, from construction to `close`; each that is an address is delivered as arrived."""

    def __init__(self, on_redirect: Callable[[Redirect], None]) -> None:
        self._on_redirect = on_redirect
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._read, name="mstoken-paste", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop reading. A line begun stays for whoever reads next, where the system can tell that nothing has come."""
        self._closed.set()

    def _read(self) -> None:
        while not self._closed.is_set():
            if not _has_line():
                self._closed.wait(POLL_INTERVAL_IN)
                continue
            line = sys.stdin.readline(MAX_LENGTH)
            if not line:
                return
            if redirect := parse_pasted_url(line):
                self._on_redirect(redirect)


def parse_pasted_url(line: str) -> Redirect | None:
    """What a pasted address says, as if the browser had come here; None for a line that is no such address."""
    parameters = parse_query(line.strip().partition("?")[2].partition("#")[0])
    if "state" not in parameters:
        return None
    redirect = Redirect(parameters)
    redirect.mark_written()  # nobody waits for a page
    return redirect


def _has_line() -> bool:
    """Whether reading will not block. Windows cannot tell for a console, so there reading blocks."""
    if sys.stdin is None:
        return False
    if sys.platform == "win32":
        return True
    import select

    try:
        return bool(select.select([sys.stdin], [], [], 0)[0])
    except (OSError, ValueError):
        return False
