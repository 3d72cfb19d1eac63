"""Opening the system's browser, and detecting that the user would not see one."""

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


def test_no_browser_starts_without_a_display() -> None:
    """Python would otherwise start a text browser in the terminal."""
    assert open_url("https://login.example/") is False


def test_the_browser_named_by_the_variable_gets_the_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """BROWSER is the user's choice, with or without a display."""
    monkeypatch.setenv("BROWSER", browser(tmp_path, f'echo "$1" > {tmp_path}/opened'))
    assert open_url("https://login.example/?a=b&c=d") is True
    assert (tmp_path / "opened").read_text() == "https://login.example/?a=b&c=d\n"


def test_opening_a_url_does_not_wait_for_the_browser_to_exit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The browser waits for our page, so we must not wait for the browser."""
    monkeypatch.setenv("BROWSER", browser(tmp_path, f"while [ ! -e {tmp_path}/closed ]; do sleep 0.05; done"))
    begun = time.monotonic()
    assert open_url("https://login.example/") is True
    assert time.monotonic() - begun < START_TIMEOUT_IN + 3
    (tmp_path / "closed").touch()
    for thread in threading.enumerate():
        if thread.name == "mstoken-browser":
            thread.join()


def test_a_browser_that_fails_to_start_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller gets False, and shows the URL instead."""
    monkeypatch.setenv("BROWSER", browser(tmp_path, "exit 1"))
    assert open_url("https://login.example/") is False


@pytest.mark.parametrize(
    "script",
    ["exit 3", "exit 127", "kill -9 $$", "kill -SEGV $$", "exec /no/such/browser", "echo no display >&2; exit 4"],
)
def test_however_a_browser_fails_it_is_not_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """By its exit code, by a signal, or because what it starts does not exist; as late as a second after its start."""
    for delay in ("", "sleep 1; "):
        monkeypatch.setattr(webbrowser, "_tryorder", None)
        monkeypatch.setenv("BROWSER", browser(tmp_path, delay + script))
        assert open_url("https://login.example/") is False


def test_a_browser_that_cannot_be_started_is_not_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that does not exist, one that nobody may run, and a folder."""
    closed = tmp_path / "closed"
    closed.write_text("#!/bin/sh\n")
    for name in (tmp_path / "missing", closed, tmp_path):
        monkeypatch.setattr(webbrowser, "_tryorder", None)
        monkeypatch.setenv("BROWSER", str(name))
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
def test_over_ssh_no_browser_is_opened_that_the_user_would_not_see(
    platform: str, environ: dict[str, str], *, seen: bool
) -> None:
    """The display of a Mac or of Windows is on the other machine; X11 forwarding brings one along."""
    assert has_display(platform, environ) is seen
