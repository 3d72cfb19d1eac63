"""Start the light token service, the certificate authority that its clients trust, and relays to the service."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import certifi
import trustme

from bench.parameters import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Process:
    """A helper process that answers commands on stdin, a line each, with JSON on stdout."""

    def __init__(self, first_line: str, commands: IO[str], answers: IO[str]) -> None:
        self.first_line = first_line
        self._commands, self._answers = commands, answers

    def send(self, command: str) -> dict[str, int]:
        self._commands.write(command + "\n")
        self._commands.flush()
        counts: dict[str, int] = json.loads(self._answers.readline())
        return counts


class Service:
    """The running service: its URL, the bundle of certificates to trust, and its counts."""

    def __init__(self, process: _Process, bundle: Path) -> None:
        self.url, self.bundle = process.first_line, bundle
        self._process = process

    def counts(self) -> dict[str, int]:
        """The numbers of `tokens` and `discovery` requests and of `connections` since the last call."""
        return {"tokens": 0, "discovery": 0, "connections": 0, **self._process.send("reset")}

    def delay(self, seconds: float) -> None:
        """Answer token requests after so many seconds from now on."""
        self._process.send(f"delay {seconds}")

    @contextmanager
    def at_a_distance(self, delay: float) -> Iterator[Relay]:
        """The service behind a line that takes `delay` seconds each way, while the block runs."""
        with _running("bench.relay", self.url.rpartition(":")[2], str(delay)) as process:
            yield Relay(f"https://127.0.0.1:{process.first_line}", process)


class Relay:
    """A running relay: the service's URL through it, and its counts."""

    def __init__(self, url: str, process: _Process) -> None:
        self.url = url
        self._process = process

    def counts(self) -> dict[str, int]:
        """The numbers of `connections` and `round_trips` since the last call."""
        return {"connections": 0, "round_trips": 0, **self._process.send("reset")}


@contextmanager
def serving(folder: Path) -> Iterator[Service]:
    """A token service while the block runs.

    Clients trust the public authorities and the bench's own: a bundle as large as people have, because some clients
    parse it for every connection.
    """
    authority = trustme.CA()
    certificate, bundle = folder / "service.pem", folder / "bundle.pem"
    authority.issue_cert("127.0.0.1", "localhost").private_key_and_cert_chain_pem.write_to_path(certificate)
    bundle.write_bytes(Path(certifi.where()).read_bytes() + authority.cert_pem.bytes())
    with _running("bench.token_service", str(certificate)) as process:
        yield Service(process, bundle)


@contextmanager
def _running(module: str, *arguments: str) -> Iterator[_Process]:
    """The module as a process until the block ends; it prints a line when it is ready."""
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield _Process(process.stdout.readline().strip(), process.stdin, process.stdout)
        finally:
            process.stdin.close()  # the process ends when its input does
