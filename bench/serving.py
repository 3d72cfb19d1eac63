"""Start the light token service, and the certificate authority its clients trust."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import certifi
import trustme

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent


class Service:
    """The running service: its URL, the bundle of certificates to trust, and what it counted."""

    def __init__(self, url: str, bundle: Path, commands: IO[str], answers: IO[str]) -> None:
        self.url, self.bundle = url, bundle
        self._commands, self._answers = commands, answers

    def counts(self) -> dict[str, int]:
        """Requests since the last call, by kind: `tokens`, `discovery`, and `connections`; then count anew."""
        return {"tokens": 0, "discovery": 0, "connections": 0, **self._say("reset")}

    def delay(self, seconds: float) -> None:
        """Answer token requests only after so many seconds, from now on."""
        self._say(f"delay {seconds}")

    def _say(self, command: str) -> dict[str, int]:
        self._commands.write(command + "\n")
        self._commands.flush()
        counts: dict[str, int] = json.loads(self._answers.readline())
        return counts


@contextmanager
def serving(folder: Path) -> Iterator[Service]:
    """A service while the block runs.

    Clients trust the public authorities and ours: a bundle as large as those people have, because some clients parse
    it for every connection.
    """
    authority = trustme.CA()
    certificate, bundle = folder / "service.pem", folder / "bundle.pem"
    authority.issue_cert("127.0.0.1", "localhost").private_key_and_cert_chain_pem.write_to_path(certificate)
    bundle.write_bytes(Path(certifi.where()).read_bytes() + authority.cert_pem.bytes())
    command = [sys.executable, "-m", "bench.token_service", str(certificate)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Service(process.stdout.readline().strip(), bundle, process.stdin, process.stdout)
        finally:
            process.stdin.close()  # the service ends when its input does
