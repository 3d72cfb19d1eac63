"""Processes that request tokens, on one machine or several."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.support.token_service import TokenService

from mstoken.stores.redis_locks import LEASE_IN


class TokenProcesses:
    """Processes that ask for one and the same token; `machine` sets some apart from others.

    With Redis a turn has the product's own lease, or one that a test can wait for.
    """

    def __init__(self, folder: Path, url: str, store: str, *more: str, lease: float = LEASE_IN) -> None:
        self._folder, self._arguments = folder, [url, store, str(lease), *more]
        self.started: list[subprocess.Popen[str]] = []

    def start(self, count: int, machine: str = "one") -> list[subprocess.Popen[str]]:
        """Start `count` processes on one machine, ready to send a request."""
        home = self.home(machine)
        environment = {**os.environ, "HOME": str(home), "MSTOKEN_CACHE_DIR": str(home / "cache")}
        script = str(Path(__file__).parent / "token_process.py")
        pipe = subprocess.PIPE
        made = [
            subprocess.Popen(
                [sys.executable, script, *self._arguments], env=environment, text=True, stdin=pipe, stdout=pipe
            )
            for _ in range(count)
        ]
        self.started += made
        for process in made:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        return made

    def home(self, machine: str = "one") -> Path:
        """The home of a machine."""
        return self._folder / machine

    @staticmethod
    def request_tokens(*processes: subprocess.Popen[str]) -> None:
        for process in processes:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()

    @staticmethod
    def outputs(*processes: subprocess.Popen[str]) -> list[str]:
        return [process.communicate(timeout=60)[0].strip() for process in processes]

    def kill_all(self) -> None:
        """End those that a test has left."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.communicate()


def wait_for_requests(service: TokenService, requests: int) -> None:
    """Wait until the service has received so many requests."""
    until = time.monotonic() + 30
    while len(service.requests) < requests:
        assert time.monotonic() < until, "nobody asks"
        time.sleep(0.01)
