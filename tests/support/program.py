"""The program as users run it: a process with its own home, and its output."""

from __future__ import annotations

import base64
import contextlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

UNREACHABLE = "http://127.0.0.1:9"
"""Nothing listens on this port: a test that names it never reaches the identity of the machine that runs it."""

MSTOKEN = Path(sys.executable).with_name("mstoken")


@dataclass(frozen=True)
class RunResult:
    """How a run ended: exit code, standard output and standard error."""

    code: int
    raw: bytes
    err: str

    @property
    def out(self) -> str:
        return self.raw.decode()


class Program:
    """Runs `mstoken` isolated from this machine's user, with configuration and cache below `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "config"
        self.config.mkdir()
        self.environment = {
            "PATH": f"{MSTOKEN.parent}:{os.environ['PATH']}",
            "HOME": str(folder),
            "MSTOKEN_CONFIG_DIR": str(self.config),
            "MSTOKEN_CACHE_DIR": str(folder / "cache"),
            "MSTOKEN_VAULT_KEY": base64.b64encode(bytes(32)).decode(),
            "NO_PROXY": "127.0.0.1,localhost",
            "AZURE_POD_IDENTITY_AUTHORITY_HOST": UNREACHABLE,
            "TZ": "UTC",
        }

    def profile(self, text: str) -> None:
        """Write the configuration file."""
        path = self.config / "config.toml"
        path.write_text(text)
        path.chmod(0o600)

    def __call__(self, *arguments: str, stdin: str | bytes = b"", **environment: str) -> RunResult:
        """Run it with standard input, output and error as pipes."""
        given = stdin.encode() if isinstance(stdin, str) else stdin
        done = subprocess.run(
            [MSTOKEN, *arguments],
            input=given,
            capture_output=True,
            timeout=60,
            check=False,
            cwd=self.folder,
            env=self.environment | environment,
        )
        return RunResult(done.returncode, done.stdout, done.stderr.decode())

    def at_terminal(self, *arguments: str, columns: int = 80, **environment: str) -> RunResult:
        """Run it with standard input and output at a terminal; standard error stays a pipe."""
        import pty  # not on Windows

        ours, theirs = pty.openpty()
        with contextlib.closing(os.fdopen(ours, "rb", buffering=0)) as screen:
            process = subprocess.Popen(
                [MSTOKEN, *arguments],
                stdin=theirs,
                stdout=theirs,
                stderr=subprocess.PIPE,
                cwd=self.folder,
                env=self.environment | {"COLUMNS": str(columns)} | environment,
            )
            os.close(theirs)
            shown = b""
            with contextlib.suppress(OSError):  # Linux ends a terminal nobody writes to with EIO
                while chunk := screen.read(65536):
                    shown += chunk
            _, said = process.communicate(timeout=60)
        return RunResult(process.returncode, shown.replace(b"\r\n", b"\n"), said.decode())


def one_token(result: RunResult) -> str:
    """Return the only line of a run that succeeded without messages."""
    assert (result.code, result.err) == (0, "")
    [line] = result.out.splitlines()
    assert result.out == line + "\n"
    return line
