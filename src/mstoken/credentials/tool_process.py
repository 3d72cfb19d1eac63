"""Run another program that prints a token, for a limited time."""

from __future__ import annotations

import os
import sys

from mstoken.hidden import HiddenDict
from mstoken.typed import TYPE_CHECKING
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from subprocess import Popen

_OWN = "MSTOKEN_"
"""The prefix of mstoken's own variables, such as the vault's key: no other program needs them."""


@value
class Printed:
    """What a program printed, and its exit code; None if it was ended because it took too long."""

    code: int | None
    stdout: str = field(default="", secret=True)
    stderr: str = field(default="", secret=True)


def run_program(command: Sequence[str], environment: Mapping[str, str], timeout_in: float) -> Printed:
    """Run `command`, whose first part is an absolute path, and return what it printed. Blocks; raises OSError.

    It gets no standard input and this process's environment with `environment` on top, without mstoken's own variables.
    It runs in a folder of the system's, so that nothing is loaded from the current one. After `timeout_in` seconds it
    is ended together with the programs that it started: `az` is a script that starts Python.
    """
    import subprocess

    windows = sys.platform == "win32"
    inherited = {name: text for name, text in {**os.environ, **environment}.items() if not name.startswith(_OWN)}
    with subprocess.Popen(  # noqa: S603 - an absolute path and checked arguments; no shell
        list(command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=_system_folder() if windows else "/bin",
        env=HiddenDict(inherited),
        start_new_session=not windows,
    ) as process:
        try:
            output, errors = process.communicate(timeout=timeout_in)
        except subprocess.TimeoutExpired:
            _end(process)
            return Printed(None)
        except BaseException:
            _end(process)
            raise
    return Printed(process.returncode, output.decode("utf-8", "replace"), errors.decode("utf-8", "replace"))


def _end(process: Popen[bytes]) -> None:
    """End the program and those that it started, so that nobody holds its output open."""
    import signal
    import subprocess
    from contextlib import suppress

    with suppress(OSError):
        if sys.platform == "win32":
            killer = os.path.join(_system_folder(), "System32", "taskkill.exe")  # noqa: PTH118
            subprocess.run(  # noqa: S603 - the system's own program
                [killer, "/T", "/F", "/PID", str(process.pid)], capture_output=True, check=False
            )
        else:
            os.killpg(process.pid, signal.SIGKILL)
    with suppress(OSError):
        process.kill()


def _system_folder() -> str:
    """Return the folder of Windows itself."""
    return os.environ.get("SYSTEMROOT", "C:\\Windows")
