"""Read the redirect URL from the terminal, for a browser that runs on another machine."""

from __future__ import annotations

import sys
import threading

from mstoken.browser.listener import Redirect, parse_query
from mstoken.messages import show
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from mstoken.flows.port import SignInOutcome

POLL_INTERVAL_IN = 0.2
"""Seconds between checks for input."""
MAX_LENGTH = 32_768
"""Characters of a line that are read; a terminal's own limit is 4,096 on Linux."""


class PastedRedirect(Redirect):
    """A redirect whose URL the person pasted. No browser waits for a page, so the terminal shows the outcome."""

    def respond(self, outcome: SignInOutcome) -> None:
        """Answer a URL of another sign-in at once. The command reports the other outcomes when it ends."""
        if outcome == "unexpected":
            show(
                "That address belongs to another sign-in, such as an earlier attempt. Open the address that is shown "
                "above, sign in, and paste the one at which the browser then ends."
            )


class PastedUrls:
    """Read lines of standard input from construction to `close`, and pass each redirect URL to `on_redirect`.

    Any other line is answered at once with the beginning of `redirect_uri`. The line may contain a secret and is not
    repeated.
    """

    def __init__(self, on_redirect: Callable[[Redirect], None], redirect_uri: str) -> None:
        self._on_redirect, self._redirect_uri = on_redirect, redirect_uri
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._read, name="mstoken-paste", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop reading. Input that follows is left for the next reader, except on Windows (see `_has_line`)."""
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
            elif line.strip():
                show(f"That is not the address at which the browser ended: it begins with {self._redirect_uri}")


def parse_pasted_url(line: str) -> PastedRedirect | None:
    """Return the redirect in a pasted URL; None for any other line, such as the URL of the sign-in page.

    A response has a state, and a code or an error (RFC 6749 sections 4.1.2 and 4.1.2.1); the request has a state only.
    """
    parameters = parse_query(line.strip().partition("?")[2].partition("#")[0])
    return PastedRedirect(parameters) if "state" in parameters and parameters.keys() & {"code", "error"} else None


def _has_line() -> bool:
    """Return whether a line can be read without blocking; always True on Windows, whose console does not report it."""
    if sys.stdin is None:
        return False
    if sys.platform == "win32":
        return True
    import select

    try:
        return bool(select.select([sys.stdin], [], [], 0)[0])
    except (OSError, ValueError):
        return False
