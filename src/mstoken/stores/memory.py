"""Stores that live as long as the process."""

from __future__ import annotations

import time
from contextlib import nullcontext
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

from mstoken.flows.store_port import NOTHING_ABOUT, Kept, Stores
from mstoken.model import Grant

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from mstoken.flows.store_port import About
    from mstoken.model import Token

K = TypeVar("K")
V = TypeVar("V")

MOST_TOKENS = 200_000
"""Tokens kept in memory at most; past it the one put in longest ago goes. About 2 KB each."""


class Bounded(Generic[K, V]):
    """A mapping that forgets what was put in longest ago once it is full. Every call is O(1) and thread-safe."""

    def __init__(self, most: int = MOST_TOKENS) -> None:
        self._most = most
        self._items: dict[K, V] = {}
        self.get = self._items.get  # the hit path is this one dict look-up, safe without a lock
        self._lock = Lock()

    def put(self, key: K, value: V) -> None:
        with self._lock:
            self._items.pop(key, None)
            while len(self._items) >= self._most:
                del self._items[next(iter(self._items))]
            self._items[key] = value

    def drop(self, key: K) -> None:
        with self._lock:
            self._items.pop(key, None)

    def clear(self) -> None:
        with self._lock:
            self._items.clear()  # in place: `get` is bound to it

    def __len__(self) -> int:
        return len(self._items)


class MemoryStore:
    """Access tokens in memory, a bounded number of them."""

    slow = False

    def __init__(self, most: int = MOST_TOKENS) -> None:
        self._tokens: Bounded[str, Token] = Bounded(most)

    def load(self, key: str) -> Token | None:
        return self._tokens.get(key)

    def save(self, key: str, token: Token) -> None:
        self._tokens.put(key, token)

    def delete(self, key: str) -> None:
        self._tokens.drop(key)

    def clear(self) -> int:
        gone = len(self._tokens)
        self._tokens.clear()
        return gone

    def exclusive(self, key: str) -> AbstractContextManager[None]:  # noqa: ARG002 - the runtime's own lock is enough
        return nullcontext()


class MemoryGrants:
    """Refresh tokens in memory: for a process that was given one and has nowhere else to keep the next."""

    slow = False

    def __init__(self) -> None:
        self._grants: dict[str, Grant] = {}
        self._names: dict[str, Kept] = {}
        self._lock = Lock()

    def load(self, key: str) -> Grant | None:
        return self._grants.get(key)

    def replace(self, key: str, old: str, new: str) -> None:
        with self._lock:
            held = self._grants.get(key)
            if held is None or held.current == old:
                self._grants[key] = Grant(new, previous=old)
                self._touch(key)

    def put(self, key: str, value: str, about: About) -> None:
        with self._lock:
            self._grants[key] = Grant(value)
            self._names.pop(key, None)
            self._touch(key, about)

    def remove(self, key: str) -> bool:
        with self._lock:
            self._names.pop(key, None)
            return self._grants.pop(key, None) is not None

    def names(self) -> dict[str, Kept]:
        with self._lock:
            return dict(sorted(self._names.items()))

    def _touch(self, key: str, about: About = NOTHING_ABOUT) -> None:
        now = int(time.time())
        known = self._names.get(key)
        self._names[key] = Kept(known.about, known.created_on, now) if known else Kept(about, now, now)


def in_memory() -> Stores:
    """Stores of their own for one client, gone with the process."""
    return Stores(MemoryStore(), MemoryGrants())
