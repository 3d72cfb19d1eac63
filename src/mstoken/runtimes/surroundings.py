"""What a flow finds around it in either world: clock, chance, secrets, a voice, and the stores."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

from mstoken.errors import StoreError
from mstoken.flows.store_port import NOTHING_ABOUT
from mstoken.notices import warn
from mstoken.runtimes.exclusive import Exclusive
from mstoken.runtimes.telling import tell
from mstoken.runtimes.turns import Entry, L
from mstoken.typed import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVarTuple

    from mstoken.flows.store_port import GrantStore, Release, TokenStore
    from mstoken.model import About, Grant, Token

    Given = TypeVarTuple("Given")

T = TypeVar("T")

_SHORTEST_NAP_IN, _LONGEST_NAP_IN = 0.001, 0.03
"""Seconds between two looks at whether a turn is free. Nobody sleeps in the store: under asyncio the threads that reach
stores are few, and two processes that wait for each other's turns in all of them would never load what ends the wait.
"""


class Surroundings(Generic[L]):
    """The half of `flows.port.Port` that both runtimes share. How a store is reached, each says itself."""

    def __init__(self, tokens: TokenStore, grants: GrantStore) -> None:
        self._tokens, self._grants = tokens, grants
        self._entries: dict[str, Entry[L]] = {}
        self._guard = threading.Lock()
        self._chance: Callable[[], float] | None = None
        self._unwritten: dict[str, tuple[str, str]] = {}

    async def _reach(self, store: TokenStore | GrantStore, call: Callable[[*Given], T], *given: *Given) -> T:
        """Do `call`, which is the store's and may touch a disk or a network if the store is slow."""
        raise NotImplementedError

    async def _take(self, key: str) -> Release | None:
        """`TokenStore.take_turn`; a turn that came too late for whoever was cancelled is given back."""
        raise NotImplementedError

    async def end(self, release: Release) -> None:
        """End the turn, whatever happens to whoever asks for it."""
        raise NotImplementedError

    async def _nap(self, seconds: float) -> None:
        raise NotImplementedError

    def _lock(self) -> L:
        """A lock that nobody has yet."""
        raise NotImplementedError

    async def locked(self, entry: Entry[L], within_in: float) -> bool:
        """Wait for the entry's lock, so many seconds at most; whether it was had."""
        raise NotImplementedError

    def exclusive(self, key: str, within_in: float) -> Exclusive[L]:
        return Exclusive(self, key, within_in)

    def arrive(self, key: str) -> tuple[Entry[L], int]:
        """Join those of this process who want `key`; gives the number of the turn going on."""
        with self._guard:
            entry = self._entries.get(key)
            if entry is None:
                entry = self._entries[key] = Entry(self._lock())
            return entry, entry.arrive()

    def leave(self, key: str, entry: Entry[L]) -> None:
        """The last one to leave takes the entry along."""
        with self._guard:
            entry.users -= 1
            if not entry.users:
                del self._entries[key]

    def turn_at_once(self, key: str) -> Release | None:
        """The turn among all who share the store, where it is there for the taking and to look for it takes no time."""
        return None if self._tokens.slow else self._tokens.take_turn(key)

    async def turn_until(self, key: str, until: float) -> Release | None:
        """What ends the turn among all who share the store; None when it did not come in time (`time.monotonic`)."""
        nap, began = _SHORTEST_NAP_IN, time.monotonic()
        while (release := await self._take(key)) is None:
            if time.monotonic() >= until:
                waited_in = time.monotonic() - began
                warn(f"Somebody else has been asking for the same token for {waited_in:.0f} s; not waiting any longer.")
                return None
            await self._nap(nap * (0.5 + self.random()))  # spread, so that not all come back at once
            nap = min(nap * 1.5, _LONGEST_NAP_IN)
        return release

    def now(self) -> float:
        return time.time()

    def random(self) -> float:
        if self._chance is None:
            from random import random

            self._chance = random
        return self._chance()

    def secret(self) -> str:
        import secrets

        return secrets.token_urlsafe(32)

    def tell(self, text: str) -> None:
        tell(text)

    async def load(self, key: str) -> Token | None:
        if not self._tokens.slow:  # three looks for a token: memory needs no way there
            return self._tokens.load(key)
        return await self._reach(self._tokens, self._tokens.load, key)

    async def save(self, key: str, token: Token, about: About | None = None) -> None:
        await self._reach(self._tokens, self._tokens.save, key, token, about or NOTHING_ABOUT)

    async def delete(self, key: str) -> None:
        await self._reach(self._tokens, self._tokens.delete, key)

    async def forget_tokens(self, about: About | None = None) -> None:
        with suppress(StoreError):  # where the store cannot be asked it gives no token either; they end by themselves
            if about:
                await self._reach(self._tokens, self._tokens.forget, about)
            else:
                await self._reach(self._tokens, self._tokens.clear)

    async def prove_grants(self) -> None:
        await self._reach(self._grants, self._grants.prove)

    async def load_grant(self, key: str) -> Grant | None:
        held = await self._reach(self._grants, self._grants.load, key)
        old, new = self._unwritten.get(key, ("", ""))
        if not (new and held and held.current == old):
            return held
        await self.replace_grant(key, old, new)
        return await self._reach(self._grants, self._grants.load, key)

    async def replace_grant(self, key: str, old: str, new: str) -> None:
        try:
            await self._reach(self._grants, self._grants.replace, key, old, new)
        except StoreError:
            self._unwritten[key] = (old, new)  # the old one may be spent: whoever needs it next tries again
            raise
        self._unwritten.pop(key, None)

    async def end_grant(self, key: str, value: str, code: int) -> None:
        await self._reach(self._grants, self._grants.end, key, value, code)

    async def put_grant(self, key: str, value: str, about: About) -> None:
        await self._reach(self._grants, self._grants.put, key, value, about)
