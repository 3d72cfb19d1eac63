"""Open a URL in the system's browser, where there is one that a person can see."""

from __future__ import annotations

import os
import sys
import threading

from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

START_TIMEOUT_IN = 2.0
"""Seconds to see whether a browser could be started; one that keeps running by then is taken to be open."""


def open_url(url: str) -> bool:
    """Whether the URL was opened in a browser. Never waits for the browser to end."""
    if not has_display(sys.platform, os.environ):
        return False
    import webbrowser

    opened: list[bool] = []

    def start() -> None:
        try:
            opened.append(webbrowser.open(url))
        except (webbrowser.Error, OSError):
            opened.append(False)

    # Some of webbrowser's controllers wait for the browser to end, and the browser waits for us.
    thread = threading.Thread(target=start, name="mstoken-browser", daemon=True)
    thread.start()
    thread.join(START_TIMEOUT_IN)
    return opened[0] if opened else True


def has_display(platform: str, environ: Mapping[str, str]) -> bool:
    """Whether a browser started here would be on a screen of the person's; BROWSER says so by itself.

    Without a display, Python would start a text browser in the terminal, in which no sign-in page works. Windows and
    macOS always have one, which somebody who came by SSH does not see; X forwards it, and then sets DISPLAY.
    """
    if environ.get("BROWSER"):
        return True
    if platform in {"win32", "darwin"}:
        return not any(environ.get(name) for name in ("SSH_CONNECTION", "SSH_TTY"))
    return any(environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"))
