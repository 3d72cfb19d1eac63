"""A command in the foreground: signals reach it whenever they come, and never leave it without its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from typing import Any

import pytest

from mstoken import child_process

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")

KILLED = ("sh", "-c", "exec sleep 60")


def test_a_signal_while_the_command_starts_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes between the start of the process and the time that we know it: it must end the command, not us."""
    real = subprocess.Popen

    def slow(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        process = real(*arguments, **options)
        os.kill(os.getpid(), signal.SIGTERM)
        return process

    monkeypatch.setattr(subprocess, "Popen", slow)
    assert child_process.run(KILLED, os.environ) == 128 + signal.SIGTERM


def test_a_signal_before_the_command_starts_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    real = subprocess.Popen

    def late(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        os.kill(os.getpid(), signal.SIGUSR1)
        return real(*arguments, **options)

    monkeypatch.setattr(subprocess, "Popen", late)
    assert child_process.run(KILLED, os.environ) == 128 + signal.SIGUSR1


def test_the_handlers_from_before_return() -> None:
    """Also when the command cannot start."""
    before = signal.getsignal(signal.SIGTERM)
    assert child_process.run(("true",), os.environ) == 0
    with pytest.raises(FileNotFoundError):
        child_process.run(("no-such-command",), os.environ)
    assert signal.getsignal(signal.SIGTERM) is before


def test_another_thread_runs_a_command_without_handlers() -> None:
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(child_process.run(("sh", "-c", "exit 3"), os.environ)))
    thread.start()
    thread.join()
    assert codes == [3]
