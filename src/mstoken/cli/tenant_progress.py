"""How far a run in many tenants is: a line on standard error at a terminal, and a summary at the end."""

from __future__ import annotations

import sys
import time
from collections import Counter

from mstoken.cli import exit_codes, output
from mstoken.fleet.outcomes import DONE, UNKNOWN, outcomes
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.fleet.schedule import TenantResult

_EVERY_IN = 0.1
"""Seconds between two drawings of the line."""
_BAR = 20
_MOST_NAMED = 5


class Progress:
    """Counts results. `total` is the number of tenants, `before` how many of them an earlier run finished."""

    def __init__(self, total: int, before: int = 0) -> None:
        self._total, self._before = total, before
        self._counts: Counter[str] = Counter()
        self._named: dict[str, list[str]] = {}
        self._codes: set[int] = set()
        self._began_on, self._drawn_on, self._width = time.monotonic(), 0.0, 0
        self._shows = sys.stderr is not None and sys.stderr.isatty()

    def add(self, result: TenantResult) -> None:
        """Count a result."""
        self._counts[result.outcome] += 1
        if result.error is not None:
            self._codes.add(exit_codes.exit_code_of(result.error))
            named = self._named.setdefault(result.outcome, [])
            if len(named) < _MOST_NAMED:
                named.append(result.tenant)

    def message(self, text: str) -> None:
        """Print a message above the line."""
        self.erase()
        output.message(text)

    def draw(self) -> None:
        """Draw the line, if it is time for it."""
        now = time.monotonic()
        if not self._shows or now - self._drawn_on < _EVERY_IN:
            return
        import shutil

        self._drawn_on = now
        text = self._line(now)[: shutil.get_terminal_size().columns - 1]
        sys.stderr.write(f"\r{text.ljust(self._width)}")
        sys.stderr.flush()
        self._width = len(text)

    def erase(self) -> None:
        """Make room for other output; the next drawing comes at once."""
        if self._width:
            sys.stderr.write(f"\r{' ' * self._width}\r")
            sys.stderr.flush()
            self._width, self._drawn_on = 0, 0.0

    def _line(self, now: float) -> str:
        counted = self._counts.total()
        finished = self._before + counted
        rate = counted / max(now - self._began_on, 0.001)
        filled = _BAR * finished // self._total
        left = f", {(self._total - finished) / rate:.0f} s left" if rate and finished < self._total else ""
        return (
            f"[{'#' * filled}{'.' * (_BAR - filled)}] {finished} of {self._total} tenants, "
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
