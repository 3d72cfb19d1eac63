"""Run one command in the foreground for the user, as env(1) does: its signals are ours, and its exit code."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading

from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import FrameType

NOT_EXECUTABLE, NOT_FOUND = 126, 127
_PASSED_ON = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")
_QUIT = getattr(signal, "SIGQUIT", None)


def run(words: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the command without a shell and pass signals on to it. Return its exit code; 128 + n if signal n ended it.

    Raises OSError if it cannot be started; `start_failure` explains it.
    """
    with _signals() as pass_on_to:
        process = subprocess.Popen(words, env=environment)  # noqa: S603 - the user's own command
        pass_on_to(process)
        code = process.wait()
    return 128 - code if code < 0 else code


def start_failure(command: str, error: OSError) -> tuple[str, int]:
    """Return the message and the exit code for a command that could not be started."""
    if isinstance(error, FileNotFoundError):
        return f"There is no command {command}.", NOT_FOUND
    return f"{command} cannot be started: {error.strerror}.", NOT_EXECUTABLE


@contextlib.contextmanager
def _signals() -> Iterator[Callable[[subprocess.Popen[bytes]], None]]:
    """Take the signals before there is a process: one that comes while it starts is passed on as soon as it runs.

    Else it would end us and leave the command without a parent. Python allows handlers in the main thread only.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda _: None
        return
    early: list[int] = []
    running: list[subprocess.Popen[bytes]] = []

    def handle(number: int, _: FrameType | None) -> None:
        if running:
            _pass_on(running[0], number)
        else:
            early.append(number)

    def pass_on_to(process: subprocess.Popen[bytes]) -> None:
        running.append(process)
        for number in early:
            _pass_on(process, number)

    numbers = [getattr(signal, name) for name in _PASSED_ON if hasattr(signal, name)]
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield pass_on_to
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _pass_on(process: subprocess.Popen[bytes], number: int) -> None:
    """Send the signal on, unless the terminal has sent it to both processes."""
    if number in {signal.SIGINT, _QUIT} and _in_foreground():
        return
    with contextlib.suppress(OSError):
        process.send_signal(number)  # which polls first: an ended process gets none


def _in_foreground() -> bool:
    """Return whether a terminal sends its ^C to our process group, which includes the command."""
    if not hasattr(os, "tcgetpgrp"):
        return True  # on Windows the console does
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
