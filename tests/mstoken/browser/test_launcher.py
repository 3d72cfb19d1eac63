"""Opening the system's browser, or seeing that there is none."""

from __future__ import annotations

import sys
import threading
import time
import webbrowser
from pathlib import Path

import pytest

from mstoken.browser.launcher import START_TIMEOUT_IN, has_display, open_url

pytestmark = pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="those always have a display")


@pytest.fixture(autouse=True)
def _no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    # Python looks for browsers once in a process.
    monkeypatch.setattr(webbrowser, "_tryorder", None)
    monkeypatch.setattr(webbrowser, "_browsers", {})


def browser(folder: Path, script: str) -> str:
    path = folder / "browser"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_without_a_display_nothing_is_started() -> None:
    """Python would otherwise start a text browser in the terminal."""
    assert open_url("https://login.example/") is False


def test_the_browser_that_was_named_gets_the_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """BROWSER is what the person chose, display or not."""
    monkeypatch.setenv("BROWSER", browser(tmp_path, f'echo "$1" > {tmp_path}/opened'))
    assert open_url("https://login.example/?a=b&c=d") is True
    assert (tmp_path / "opened").read_text() == "https://login.example/?a=b&c=d\n"


def test_a_browser_that_does_not_end_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits for us, so we must not wait for it."""
    monkeypatch.setenv("BROWSER", browser(tmp_path, f"while [ ! -e {tmp_path}/closed ]; do sleep 0.05; done"))
    begun = time.monotonic()
    assert open_url("https://login.example/") is True
    assert time.monotonic() - begun < START_TIMEOUT_IN + 3
    (tmp_path / "closed").touch()
    for thread in threading.enumerate():
        if thread.name == "mstoken-browser":
            thread.join()


def test_a_browser_that_cannot_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not there, or failing at once: the caller is told, and shows the address instead."""
    monkeypatch.setenv("BROWSER", browser(tmp_path, "exit 1"))
    assert open_url("https://login.example/") is False


@pytest.mark.parametrize(
    ("platform", "environ", "seen"),
    [
        ("darwin", {}, True),
        ("win32", {}, True),
        ("darwin", {"SSH_CONNECTION": "192.0.2.1 50000 192.0.2.2 22"}, False),
        ("win32", {"SSH_TTY": "/dev/pts/0"}, False),
        ("darwin", {"SSH_CONNECTION": "192.0.2.1 50000 192.0.2.2 22", "BROWSER": "tell-me"}, True),
        ("linux", {}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"DISPLAY": "localhost:10.0", "SSH_CONNECTION": "192.0.2.1 50000 192.0.2.2 22"}, True),
    ],
)
def test_a_browser_nobody_would_see_is_not_opened(platform: str, environ: dict[str, str], seen: bool) -> None:  # noqa: FBT001
    """Over SSH the screen of a Mac or of Windows is elsewhere; X brings its own along."""
    assert has_display(platform, environ) is seen
