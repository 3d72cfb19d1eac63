"""Take the address the browser ended at from the terminal, for a browser that runs on another machine."""

from __future__ import annotations

import sys
import threading

from mstoken.browser.listener import Arrival, parameters_of
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LOOK_EVERY_IN = 0.2
LONGEST = 32_768
"""Characters of an address that are looked at; a terminal's own limit for a line is 4,096 on Linux."""


class Pasted:
    """Reads lines of standard input, from construction to `close`; each that is an address is delivered as arrived."""

    def __init__(self, deliver: Callable[[Arrival], None]) -> None:
        self._deliver = deliver
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._read, name="mstoken-paste", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop reading. A line begun stays for whoever reads next, where the system can tell that nothing has come."""
        self._closed.set()

    def _read(self) -> None:
        while not self._closed.is_set():
            if not _has_line():
                self._closed.wait(LOOK_EVERY_IN)
                continue
            line = sys.stdin.readline(LONGEST)
            if not line:
                return
            if arrival := arrival_of(line):
                self._deliver(arrival)


def arrival_of(line: str) -> Arrival | None:
    """What a pasted address says, as if the browser had come here; None for a line that is no such address."""
    parameters = parameters_of(line.strip().partition("?")[2].partition("#")[0])
    if "state" not in parameters:
        return None
    arrival = Arrival(parameters)
    arrival.written()  # nobody waits for a page
    return arrival


def _has_line() -> bool:
    """Whether reading will not block. Windows cannot tell for a console, so there reading blocks."""
    if sys.stdin is None:
        return False
    if sys.platform == "win32":
        return True
    import select

    try:
        return bool(select.select([sys.stdin], [], [], 0)[0])
    except (OSError, ValueError):
        return False
