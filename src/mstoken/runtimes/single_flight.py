"""Single flight: one caller at a time for a key, first within this process, then among all that share the store.

A flight exists while a caller holds its lock or waits for it, so the table of flights is as large as the number of keys
requested at the moment. The runtime defines how a caller waits (a thread, a task).
"""

from __future__ import annotations

import time

from mstoken.flows.port import WaitResult
from mstoken.typed import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from types import TracebackType

    from mstoken.flows.store_port import Release


class Lock(Protocol):
    """A lock for threads or tasks."""

    def release(self) -> None: ...


L = TypeVar("L", bound="Lock")

IN_TIME, TIMED_OUT = WaitResult(), WaitResult(timed_out=True)


class Flight(Generic[L]):
    """One key's lock, how many callers use it, and the last failure with the number of the round that failed.

    `flight_key` is its key in the runtime's table.
    """

    __slots__ = ("failed_round", "failure", "flight_key", "lock", "round", "users")

    def __init__(self, flight_key: object, lock: L) -> None:
        self.flight_key, self.lock = flight_key, lock
        self.users = self.round = 0
        self.failed_round = -1
        self.failure: Exception | None = None

    def join(self) -> int:
        """Count one more caller. Return the number of the current round."""
        self.users += 1
        return self.round

    def result(self, joined: int, *, timed_out: bool) -> WaitResult:
        """Return the outcome for a caller that joined in round `joined`; a failure only if it joined before that."""
        if self.failure is not None and self.failed_round >= joined:
            return WaitResult(_copied(self.failure), timed_out)
        return TIMED_OUT if timed_out else IN_TIME

    def fail(self, failure: Exception) -> None:
        """Report `failure` to the callers that wait now, and to no later one."""
        self.failure, self.failed_round = failure, self.round
        self.round += 1


class Locks(Protocol[L]):
    """What single flight needs from a runtime: its flights, and how it waits for a lock and for the store."""

    def join(self, key: str) -> tuple[Flight[L], int]:
        """Join the callers of this process that want `key`. Return the flight and the number of its current round."""
        ...

    def leave(self, flight: Flight[L]) -> None:
        """Leave the flight. The last caller removes it."""
        ...

    async def acquire(self, flight: Flight[L], within_in: float) -> bool:
        """Wait up to `within_in` seconds for the flight's lock. Return whether it was acquired."""
        ...

    def lock_at_once(self, key: str) -> Release | None:
        """Lock the store for `key` if that takes no time and nobody else holds it."""
        ...

    async def lock_until(self, key: str, until: float) -> Release | None:
        """Lock the store for `key`; None if another caller holds it until then (`time.monotonic`)."""
        ...

    async def unlock(self, release: Release) -> None:
        """Unlock the store, even if the caller is cancelled."""
        ...


class SingleFlight(Generic[L]):
    """`flows.port.Port.single_flight`, over a runtime's `Locks`. Not a generator, since every token request uses it."""

    __slots__ = ("_flight", "_key", "_locked", "_release", "_result", "_runtime", "_within_in")

    _result: WaitResult

    def __init__(self, runtime: Locks[L], key: str, within_in: float) -> None:
        self._runtime, self._key, self._within_in = runtime, key, within_in
        self._locked = False
        self._release: Release | None = None

    async def __aenter__(self) -> WaitResult:
        until = time.monotonic() + self._within_in
        runtime = self._runtime
        self._flight, joined = runtime.join(self._key)
        try:
            self._locked = await runtime.acquire(self._flight, self._within_in)
            if self._locked:
                self._release = runtime.lock_at_once(self._key) or await runtime.lock_until(self._key, until)
        except BaseException:
            self._leave()
            raise
        self._result = self._flight.result(joined, timed_out=self._release is None)
        return self._result

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, Exception) and self._locked and self._result.failure is None:
            self._flight.fail(error)
        try:
            if self._release is not None:
                await self._runtime.unlock(self._release)
        finally:
            self._leave()

    def _leave(self) -> None:
        if self._locked:
            self._flight.lock.release()
        self._runtime.leave(self._flight)


def _copied(error: Exception) -> Exception:
    """Return the same error without its traceback, which grows each time the error is raised.

    `copy.copy` calls the class with `args`, which fails for a class whose constructor takes others; the copy is then
    made from its parts.
    """
    from copy import copy

    try:
        copied = copy(error)
    except Exception:  # # noqa: BLE001 - a caller's function may provide the assertion, and raise anything
        copied = type(error).__new__(type(error), *error.args)
        copied.args = error.args
        copied.__dict__.update(error.__dict__)
    copied.__cause__ = error.__cause__
    return copied
