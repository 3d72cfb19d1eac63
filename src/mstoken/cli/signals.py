"""Signals that end a command that runs until it is told to, or that it acts on."""

from __future__ import annotations

import signal

from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def on_signals(names: Iterable[str], act: Callable[[], None]) -> None:
    """Have each of the signals, where this system has it, call `act` in the main thread."""
    for name in names:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: act())
