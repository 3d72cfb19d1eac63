"""How far a run in many tenants is: a line on standard error at a terminal, and a summary at the end."""

from __future__ import annotations

import time
from collections import Counter

from mstoken.cli import exit_codes, output
from mstoken.cli.status_line import StatusLine, bar
from mstoken.fleet.outcomes import DONE, UNKNOWN, outcomes
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.fleet.schedule import TenantResult

_MOST_NAMED = 5


class Progress(StatusLine):
    """Counts results. `total` is the number of tenants, `before` how many of them an earlier run finished."""

    def __init__(self, total: int, before: int = 0) -> None:
        super().__init__()
        self._total, self._before = total, before
        self._counts: Counter[str] = Counter()
        self._named: dict[str, list[str]] = {}
        self._codes: set[int] = set()
        self._began_on = time.monotonic()

    def add(self, result: TenantResult) -> None:
        """Count a result."""
        self._counts[result.outcome] += 1
        if result.error is not None:
            self._codes.add(exit_codes.exit_code_of(result.error))
            named = self._named.setdefault(result.outcome, [])
            if len(named) < _MOST_NAMED:
                named.append(result.tenant)

    def update(self) -> None:
        """Draw the line, if it is time for it."""
        if self.due:
            self.draw(self._line(time.monotonic()))

    def _line(self, now: float) -> str:
        counted = self._counts.total()
        finished = self._before + counted
        rate = counted / max(now - self._began_on, 0.001)
        left = f", {(self._total - finished) / rate:.0f} s left" if rate and finished < self._total else ""
        return (
            f"{bar(finished, self._total)} {finished} of {self._total} tenants, "
            f"{self.failed} failed, {rate:.1f}/s{left}"
        )

    @property
    def failed(self) -> int:
        """How many results are failures."""
        return self._counts.total() - self._counts[DONE]

    def summary(self) -> None:
        """Print what became of the tenants, the most frequent failure first, with one remedy for each."""
        self.erase()
        done = self._before + self._counts[DONE]
        missing = self._total - self._before - self._counts.total()
        rest = f", {missing} without a result" if missing else ""
        output.message(f"{done} of {self._total} tenants done, {self.failed} failed{rest}.")
        for name, count in self._counts.most_common():
            if name == DONE:
                continue
            outcome, named = outcomes()[name], self._named[name]
            more = f" and {count - len(named)} more" if count > len(named) else ""
            output.stderr_line(f"  {count} {outcome.title} ({name}): {', '.join(named)}{more}")
            output.stderr_line(f"    next: {outcome.remedy}")

    def exit_code(self) -> int:
        """Return 0 if every tenant is done, the failure's code if all failed for one reason, else 6."""
        if not self.failed:
            return exit_codes.DONE
        one_reason = len(self._counts) == 1 and len(self._codes) == 1 and not self._before
        if one_reason and UNKNOWN not in self._counts:
            return next(iter(self._codes))
        return exit_codes.SOME_FAILED
