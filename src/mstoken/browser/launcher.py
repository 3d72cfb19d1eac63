"""Open a URL in the system's browser, if the user can see its window."""

from __future__ import annotations

import os
import sys
import threading

from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

START_TIMEOUT_IN = 2.0
"""Seconds to wait for the browser command to fail; after that the browser counts as open."""


def open_url(url: str) -> bool:
    """Open the URL in a browser, and return whether that worked. Does not wait for the browser to exit."""
    if not has_display(sys.platform, os.environ):
        return False
    import webbrowser

    opened: list[bool] = []

    def start() -> None:
        try:
            opened.append(webbrowser.open(url))
        except Exception:  # noqa: BLE001 - a class of BROWSER's may raise anything; the address is shown in any case
            opened.append(False)

    # Some of webbrowser's controllers wait for the browser to exit, and the browser waits for our page.
    thread = threading.Thread(target=start, name="mstoken-browser", daemon=True)
    thread.start()
    thread.join(START_TIMEOUT_IN)
    return opened[0] if opened else True


def has_display(platform: str, environ: Mapping[str, str]) -> bool:
    """Return whether the user would see a browser that starts here. A value in BROWSER always means yes.

    Without a display, Python would start a text browser in the terminal, where no sign-in page works. Windows and macOS
    always have a display, but you do not see it over SSH; X11 forwarding sets DISPLAY.
    """
    if environ.get("BROWSER"):
        return True
    if platform in {"win32", "darwin"}:
        return not any(environ.get(name) for name in ("SSH_CONNECTION", "SSH_TTY"))
    return any(environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"))
