"""Daemon threads that run blocking requests for event loops: one for each request in flight, up to a limit.

The loop's default executor is unsuitable: it is small, shared with the program's own work, and waited for at exit.
These threads are started on demand, end after an idle time, and are never waited for. A forked child starts without
any.
"""

from __future__ import annotations

import sys
import threading
from collections import deque

from mstoken.errors import TransportError
from mstoken.forks import ForkSafe, call_lock
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_THREADS = 512
"""Requests in flight at once in a process; further ones wait for a thread."""
IDLE_IN = 10.0
"""Seconds a thread waits for more to do."""


class _Worker:
    """A thread and its next job."""

    __slots__ = ("job", "wake")

    def __init__(self, job: Callable[[], None]) -> None:
        self.job: Callable[[], None] | None = job
        self.wake = call_lock()
        self.wake.acquire()


class Workers(ForkSafe):
    """Runs jobs, each in a thread. A job must not raise."""

    def __init__(self) -> None:
        super().__init__()
        self._begin()

    def _begin(self) -> None:
        self._idle: list[_Worker] = []
        self._waiting: deque[Callable[[], None]] = deque()
        self._threads = 0

    def _reset_after_fork(self) -> None:
        """Drop the threads and the pending jobs: they belong to the parent."""
        super()._reset_after_fork()
        self._begin()

    def run(self, job: Callable[[], None]) -> None:
        """Run `job` in a thread soon. Raises TransportError if none can be started, as during the exit of Python."""
        with self._lock:
            if self._idle:
                worker = self._idle.pop()
                worker.job = job
                worker.wake.release()
                return
            if self._threads >= MOST_THREADS:
                self._waiting.append(job)
                return
            self._threads += 1
        self._start(_Worker(job))

    def _start(self, worker: _Worker) -> None:
        try:
            started = not sys.is_finalizing()  # to start one then may wait for ever
            if started:
                threading.Thread(target=self._work, args=(worker,), name="mstoken-http", daemon=True).start()
        except RuntimeError:
            started = False
        if not started:
            with self._lock:
                self._threads -= 1
            raise TransportError(
                "No thread can be started for the request: Python is ending, or the system allows no more.",
                "Make the request earlier, or make fewer at once.",
            )

    def _work(self, worker: _Worker) -> None:
        while (job := worker.job) is not None:
            worker.job = None
            job()
            del job  # what it held must not live on while the thread has nothing to do
            with self._lock:
                if self._waiting:
                    worker.job = self._waiting.popleft()
                    continue
                self._idle.append(worker)
            if not worker.wake.acquire(timeout=IDLE_IN):
                self._retire(worker)

    def _retire(self, worker: _Worker) -> None:
        """End the thread, unless a job has just arrived."""
        with self._lock:
            if worker in self._idle:
                self._idle.remove(worker)
                self._threads -= 1
                return
        worker.wake.acquire()


WORKERS = Workers()
