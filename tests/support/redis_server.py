"""A real Redis server for one test."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from pathlib import Path

import trustme
from tests.support.programs import require

KEY = b"\x07" * 32
"""Seals what the tests keep there."""
USER, PASSWORD = "app", "s3cret/pass:word"
QUOTED = f"{USER}:s3cret%2Fpass%3Aword"


class RedisServer:
    """On a unix socket; with `tls`, on a port of 127.0.0.1, where a user with few rights has to give a password.

    What it keeps survives `stop` and `start`, as it would with `appendonly yes` on a server of one's own.
    """

    def __init__(self, *, tls: bool = False) -> None:
        require("redis-server")
        self.folder = Path(tempfile.mkdtemp(prefix="mstoken-redis-"))
        self._tls = tls
        self._process: subprocess.Popen[bytes] | None = None
        self.authority = self.folder / "ca.pem"
        self._port = 0
        if tls:
            authority = trustme.CA()
            authority.cert_pem.write_to_path(self.authority)
            authority.issue_cert("127.0.0.1", "localhost").private_key_and_cert_chain_pem.write_to_path(
                self.folder / "server.pem"
            )
        self.start()

    @property
    def url(self) -> str:
        if self._tls:
            return f"rediss://{QUOTED}@127.0.0.1:{self._port}?ssl_ca_certs={self.authority}"
        return f"unix://{self.folder}/socket"

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process

    def start(self) -> None:
        self._port = self._port or _free_port()
        self._process = subprocess.Popen(
            ["redis-server", "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd=self.folder
        )
        assert self._process.stdin
        self._process.stdin.write("\n".join(self._settings()).encode())
        self._process.stdin.close()
        until = time.monotonic() + 20
        while not self._answers():
            assert time.monotonic() < until, "redis-server does not start"
            time.sleep(0.01)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()

    def freeze(self) -> None:
        """Stop it from responding, with its connections open."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def say(self, *command: str) -> bytes:
        """Return the output of `redis-cli` for a command."""
        done = subprocess.run(["redis-cli", *self._connection_options(), *command], capture_output=True, check=True)
        return done.stdout

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder)

    def _connection_options(self) -> list[str]:
        return ["-s", f"{self.folder}/socket"]

    def _settings(self) -> list[str]:
        place = [f'unixsocket "{self.folder}/socket"', "unixsocketperm 600", f'dir "{self.folder}"']
        kept = ['save ""', "appendonly yes", "appendfsync everysec", "daemonize no"]
        if not self._tls:
            return [*place, *kept, "port 0"]
        return [
            *place,
            *kept,
            "port 0",
            f"tls-port {self._port}",
            "bind 127.0.0.1",
            f'tls-cert-file "{self.folder}/server.pem"',
            f'tls-key-file "{self.folder}/server.pem"',
            f'tls-ca-cert-file "{self.authority}"',
            "tls-auth-clients no",
            "user default off",
            f"user {USER} on >{PASSWORD} ~mstoken:* +@read +@write +@scripting +@connection",
        ]

    def _answers(self) -> bool:
        with contextlib.suppress(OSError, ssl.SSLError), socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(1)
            probe.connect(f"{self.folder}/socket")
            probe.sendall(b"PING\r\n")
            return probe.recv(64).startswith((b"+PONG", b"-NOAUTH"))
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
