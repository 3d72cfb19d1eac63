"""Which tenant is next, and when. No threads, no clock and no I/O: `threads.py` and `tasks.py` drive it.

- At most `concurrency` tenants are in progress, and names are read from the list only when there is room for them.
- A tenant that asked to wait makes room for others meanwhile. When as many tenants wait as may be in progress, no new
  one begins: then it is the whole application that is throttled, and more requests would only lengthen it
  (learn.microsoft.com/graph/throttling: refused requests count).
- A tenant is tried again only if its failure is temporary and doing the work again does nothing twice.
"""

from __future__ import annotations

import heapq
from collections import deque

from mstoken.errors import MstokenError, ServiceUnavailable, Throttled, TryLater, UntrustedCertificate
from mstoken.fleet.outcomes import DONE, outcome_of
from mstoken.typed import TYPE_CHECKING, Any
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

CONCURRENCY = 16
MOST_AT_ONCE = 256
"""Tenants in progress at most: half of the threads that carry requests, so that a program's others find one."""
RETRIES = 3
MAX_WAIT_IN = 180.0
FIRST_PAUSE_IN = 1.0
_NOT_EXECUTED = 503


@value
class TenantResult:
    """What became of one tenant.

    `outcome` is `done`, or says why it failed: `consent_missing`, `mfa_required`, `sign_in_required`, `blocked`,
    `gone`, `throttled`, `unavailable`, `credential_rejected`, `refused`, `misconfigured` or `failed`. `value` is what
    the work returned, None if it failed; `error` is the exception then. `attempts` is how often it was tried.
    """

    tenant: str
    outcome: str
    value: Any = field(default=None, repr=False)
    error: Exception | None = None
    attempts: int = 1

    @property
    def ok(self) -> bool:
        """True if the work succeeded."""
        return self.outcome == DONE

    @property
    def remedy(self) -> str:
        """What to do next in this tenant, '' if it succeeded."""
        return self.error.remedy if isinstance(self.error, MstokenError) else ""


@value
class Pace:
    """How many tenants are in progress at once, how often one is tried again, and whether that does nothing twice.

    `max_wait_in`: the longest wait before that, in seconds. If more is asked for, the outcome stands.
    """

    concurrency: int = CONCURRENCY
    retries: int = RETRIES
    repeatable: bool = True
    max_wait_in: float = MAX_WAIT_IN


@value
class Start:
    """Begin with this tenant now."""

    tenant: str
    attempt: int


@value
class Wait:
    """Wait until a tenant finishes, at most `within_in` seconds; None for as long as it takes."""

    within_in: float | None


class Schedule:
    """The order of a run. Its driver calls it from one thread; times are seconds of a monotonic clock."""

    def __init__(self, tenants: Iterable[str], pace: Pace, random: Callable[[], float]) -> None:
        self._tenants, self._pace, self._random = iter(tenants), pace, random
        self._running, self._ended = 0, False
        self._due: deque[Start] = deque()
        self._waiting: list[tuple[float, int, Start]] = []
        self._numbers = 0

    def next(self, now: float) -> Start | Wait | None:
        """Return what to do now; None at the end."""
        while self._waiting and self._waiting[0][0] <= now:
            self._due.append(heapq.heappop(self._waiting)[2])
        if self._running < self._pace.concurrency and (start := self._start()):
            self._running += 1
            return start
        if self._running or self._waiting:
            return Wait(self._waiting[0][0] - now if self._waiting else None)
        return None

    def _start(self) -> Start | None:
        if self._due:
            return self._due.popleft()
        if self._ended or len(self._waiting) >= self._pace.concurrency:
            return None
        for tenant in self._tenants:
            return Start(tenant, 1)
        self._ended = True
        return None

    def finished(self, start: Start, result: Any, error: Exception | None, now: float) -> TenantResult | None:
        """Record how an attempt ended. Return the tenant's result, or None if it is tried again later."""
        self._running -= 1
        wait = self._wait_before_retry(start, error)
        if wait is None:
            return TenantResult(start.tenant, outcome_of(error), result, error, start.attempt)
        self._numbers += 1  # two tenants that are due at the same time are tried in the order in which they failed
        heapq.heappush(self._waiting, (now + wait, self._numbers, Start(start.tenant, start.attempt + 1)))
        return None

    def _wait_before_retry(self, start: Start, error: Exception | None) -> float | None:
        """Return the seconds to wait before the tenant is tried again; None if it is not."""
        if start.attempt > self._pace.retries or not may_repeat(error, repeatable=self._pace.repeatable):
            return None
        requested_in = getattr(error, "retry_in", None)
        jitter = 0.5 + self._random()
        wait = (
            FIRST_PAUSE_IN * 2.0 ** (start.attempt - 1) * jitter
            if requested_in is None
            else requested_in + 0.1 * jitter
        )
        return wait if wait <= self._pace.max_wait_in else None


def may_repeat(error: Exception | None, *, repeatable: bool) -> bool:
    """Return whether the failure is temporary and the work may be done again.

    Work that is not `repeatable` is done again only if the service says that it did not do it: after 429, or 503 with
    Retry-After (rest/retry.toml).
    """
    if isinstance(error, Throttled):
        return True
    if isinstance(error, ServiceUnavailable) and error.retry_in is not None and error.refusal.status == _NOT_EXECUTED:
        return True
    return repeatable and isinstance(error, TryLater) and not isinstance(error, UntrustedCertificate)
