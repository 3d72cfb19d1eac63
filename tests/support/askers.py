"""Processes that ask for tokens, of one machine or of several."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.support.token_service import TokenService

from mstoken.stores.redis_turns import LEASE_IN


class Askers:
    """Processes that ask for one and the same token; `machine` sets some apart from others.

    With Redis a turn has the product's own lease, or one that a test can wait for.
    """

    def __init__(self, folder: Path, url: str, store: str, *more: str, lease: float = LEASE_IN) -> None:
        self._folder, self._arguments = folder, [url, store, str(lease), *more]
        self.started: list[subprocess.Popen[str]] = []

    def start(self, many: int, machine: str = "one") -> list[subprocess.Popen[str]]:
        """So many of one machine, ready to ask."""
        place = self.place(machine)
        environment = {**os.environ, "HOME": str(place), "MSTOKEN_CACHE_DIR": str(place / "cache")}
        script = str(Path(__file__).parent / "asker.py")
        pipe = subprocess.PIPE
        made = [
            subprocess.Popen(
                [sys.executable, script, *self._arguments], env=environment, text=True, stdin=pipe, stdout=pipe
            )
            for _ in range(many)
        ]
        self.started += made
        for process in made:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        return made

    def place(self, machine: str = "one") -> Path:
        """The home of a machine."""
        return self._folder / machine

    @staticmethod
    def go(*processes: subprocess.Popen[str]) -> None:
        for process in processes:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()

    @staticmethod
    def answers(*processes: subprocess.Popen[str]) -> list[str]:
        return [process.communicate(timeout=60)[0].strip() for process in processes]

    def end(self) -> None:
        """End those that a test has left."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.communicate()


def wait_for(service: TokenService, requests: int) -> None:
    """Wait until the service has been asked so often."""
    until = time.monotonic() + 30
    while len(service.asked) < requests:
        assert time.monotonic() < until, "nobody asks"
        time.sleep(0.01)
