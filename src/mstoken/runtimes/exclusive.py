"""One caller at a time for a key: first among those of this process, then among all who share the store.

A class and not a generator, as every token that is asked for passes here.
"""

from __future__ import annotations

import time

from mstoken.runtimes.turns import L
from mstoken.typed import TYPE_CHECKING, Generic

if TYPE_CHECKING:
    from types import TracebackType

    from mstoken.flows.port import Turn
    from mstoken.flows.store_port import Release
    from mstoken.runtimes.surroundings import Surroundings


class Exclusive(Generic[L]):
    """`flows.port.Port.exclusive`, over what `Surroundings` has. Whoever waits in this process hears of a failure."""

    __slots__ = ("_around", "_entry", "_key", "_ours", "_release", "_turn", "_within_in")

    _turn: Turn

    def __init__(self, around: Surroundings[L], key: str, within_in: float) -> None:
        self._around, self._key, self._within_in = around, key, within_in
        self._ours = False
        self._release: Release | None = None

    async def __aenter__(self) -> Turn:
        until = time.monotonic() + self._within_in
        self._entry, arrived = self._around.arrive(self._key)
        try:
            self._ours = await self._around.locked(self._entry, self._within_in)
            if self._ours:
                self._release = self._around.turn_at_once(self._key) or await self._around.turn_until(self._key, until)
        except BaseException:
            self._leave()
            raise
        self._turn = self._entry.begin(arrived, late=self._release is None)
        return self._turn

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, Exception) and self._ours and self._turn.failure is None:
            self._entry.failed(error)
        try:
            if self._release is not None:
                await self._around.end(self._release)
        finally:
            self._leave()

    def _leave(self) -> None:
        if self._ours:
            self._entry.lock.release()
        self._around.leave(self._key, self._entry)
