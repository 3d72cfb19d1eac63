"""Drive a schedule with threads: the daemon threads that also carry the requests of event loops."""

from __future__ import annotations

from functools import partial
from queue import Empty, SimpleQueue
from random import random
from time import monotonic

from mstoken.fleet.schedule import Schedule, Start
from mstoken.transports.workers import WORKERS
from mstoken.typed import TYPE_CHECKING, Any
from mstoken.values import value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mstoken.fleet.schedule import Pace, TenantResult


@value
class _Finished:
    start: Start
    result: Any = None
    error: BaseException | None = None


def run(tenants: Iterable[str], work: Callable[[str], Any], pace: Pace) -> Iterator[TenantResult]:
    """Call `work` with each tenant in a thread; yield the result of each as soon as it is known.

    Who stops reading the results begins no further tenant; those in progress end by themselves. An exception of `work`
    is a result; one that is no Exception, such as SystemExit, is raised here.
    """
    schedule, arrived = Schedule(tenants, pace, random), SimpleQueue[_Finished]()
    while (step := schedule.next(monotonic())) is not None:
        if isinstance(step, Start):
            WORKERS.run(partial(_work, step, work, arrived))
            continue
        try:
            done = arrived.get(timeout=step.within_in)
        except Empty:
            continue
        if done.error is not None and not isinstance(done.error, Exception):
            raise done.error
        result = schedule.finished(done.start, done.result, done.error, monotonic())
        if result is not None:
            yield result


def _work(start: Start, work: Callable[[str], Any], arrived: SimpleQueue[_Finished]) -> None:
    try:
        done = _Finished(start, work(start.tenant))
    except BaseException as error:  # noqa: BLE001 - it is a result, or raised where results are read
        done = _Finished(start, None, error)
    arrived.put(done)
