"""Several machines: the recipe of docs/many-tenants.md for Celery, with two workers, one of which is killed."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from tests.support.pythons import ROOT
from tests.support.redis_server import RedisServer

from entra_emulator import Emulator
from entra_emulator.faults import Fault

T = TypeVar("T")
CUSTOMERS = 8
_VISIBILITY = '"visibility_timeout": 3600'


class Machines:
    """Workers that run the recipe's tasks, each with its own log."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder, self._environment = folder, environment
        self.workers: list[subprocess.Popen[bytes]] = []

    def log(self, number: int) -> str:
        return (self.folder / f"log{number}").read_text(encoding="utf-8")

    def start(self) -> None:
        """Start one more worker, and wait until it is ready."""
        number = len(self.workers)
        command = [sys.executable, "-m", "celery", "--app", "tasks", "worker", "--pool", "solo", "--loglevel", "INFO"]
        with (self.folder / f"log{number}").open("wb") as out:
            options = ["--hostname", f"worker{number}@test"]
            self.workers.append(
                subprocess.Popen([*command, *options], env=self._environment, cwd=self.folder, stdout=out, stderr=out)
            )
        self.wait(lambda: " ready." in self.log(number))

    def send(self, tenants: list[str]) -> subprocess.Popen[str]:
        """Send a task for each tenant by the recipe's own program."""
        (self.folder / "tenants.txt").write_text("\n".join(tenants))
        with (self.folder / "tenants.txt").open() as names:
            return subprocess.Popen(
                [sys.executable, "send.py"],
                env=self._environment,
                cwd=self.folder,
                stdin=names,
                stdout=subprocess.PIPE,
                text=True,
            )

    def unfinished(self, number: int) -> int:
        """How many tasks a worker has received and not finished."""
        log = self.log(number)
        return len(re.findall(r"Task \S+ received", log)) - len(re.findall(r"Task \S+ succeeded", log))

    def waiting_for_graph(self) -> int:
        """Wait until one worker alone has a task: it is the one whose call is delayed, and has its token already."""

        def alone() -> list[int]:
            busy = [number for number in range(len(self.workers)) if self.unfinished(number)]
            return busy if self.succeeded() >= CUSTOMERS and len(busy) == 1 else []

        [number] = self.wait(alone)
        return number

    def succeeded(self) -> int:
        return sum(len(re.findall(r"Task \S+ succeeded", self.log(number))) for number in range(len(self.workers)))

    def wait(self, ready: Callable[[], T]) -> T:
        """Wait until `ready` returns something true, and return that."""
        until = time.monotonic() + 40
        while not (found := ready()):
            assert time.monotonic() < until, "\n".join(self.log(number) for number in range(len(self.workers)))
            time.sleep(0.05)
        return found

    def close(self) -> None:
        for worker in self.workers:
            worker.kill()
            worker.wait()


@pytest.fixture
def entra() -> Iterator[Emulator]:
    with Emulator({"customers": {"count": CUSTOMERS}}) as emulator:
        yield emulator


@pytest.fixture
def machines(tmp_path: Path, entra: Emulator) -> Iterator[Machines]:
    redis = RedisServer()
    page = (ROOT / "docs" / "many-tenants.md").read_text(encoding="utf-8")
    tasks, send, *_ = re.findall(r"```py\n(.*?)```", page, re.DOTALL)
    assert _VISIBILITY in tasks
    (tmp_path / "tasks.py").write_text(tasks.replace(_VISIBILITY, '"visibility_timeout": 1'))
    (tmp_path / "send.py").write_text(send)
    made = Machines(
        tmp_path,
        {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            **entra.environment(),
            "QUEUE_REDIS": redis.url.replace("unix://", "redis+socket://"),
            "MSTOKEN_STORE": redis.url,
            "MSTOKEN_VAULT_KEY": base64.b64encode(bytes(32)).decode(),
        },
    )
    yield made
    made.close()
    redis.close()


def test_a_killed_worker_loses_nothing_and_no_token_is_requested_twice(machines: Machines, entra: Emulator) -> None:
    """Each tenant is asked for twice; a worker dies in the middle of a call, and its supervisor starts another."""
    entra.state.faults.append(Fault(service="graph", delay_in=60, times=1))
    machines.start()
    machines.start()
    tenants = [f"customer{number:03}.example" for number in range(1, CUSTOMERS + 1)]
    first, second = machines.send(tenants), machines.send(tenants)
    stuck = machines.waiting_for_graph()
    machines.workers[stuck].kill()
    machines.workers[stuck].wait()
    time.sleep(1.1)  # the recipe's visibility_timeout is an hour, here it is a second
    machines.start()
    for process in (first, second):
        out, _ = process.communicate(timeout=60)
        assert dict(line.split(" ", 1) for line in out.splitlines()) == {
            tenant: f"Customer {tenant[8:11]}" for tenant in tenants
        }
    requested = Counter(one.tenant for one in entra.requests if one.is_token_request)
    assert requested == dict.fromkeys(tenants, 1)
