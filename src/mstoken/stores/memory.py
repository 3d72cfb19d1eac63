"""Stores that live as long as the process."""

from __future__ import annotations

import time

from mstoken.flows.store_port import NO_INFO, CachedTokenInfo, SignInInfo, Stores
from mstoken.forks import ForkSafe
from mstoken.model import StoredRefreshToken
from mstoken.typed import TYPE_CHECKING, Generic, TypeVar
from mstoken.values import replace

if TYPE_CHECKING:
    from mstoken.flows.store_port import Release, TokenInfo
    from mstoken.model import Note, Token

K = TypeVar("K")
V = TypeVar("V")

MAX_TOKENS = 200_000
"""Maximum number of tokens in memory, about 2 KB each. A new one then replaces the oldest."""


class BoundedDict(ForkSafe, Generic[K, V]):
    """A mapping that drops its oldest item when it is full. Every call is O(1) and thread-safe."""

    def __init__(self, max_items: int = MAX_TOKENS) -> None:
        self._max_items = max_items
        self._items: dict[K, V] = {}
        self.get = self._items.get  # the hit path is this one dict look-up, safe without a lock
        super().__init__()

    def put(self, key: K, value: V) -> list[V]:
        """Store `value`. Return the values that it replaces."""
        with self._lock:
            removed = [self._items.pop(key)] if key in self._items else []
            while len(self._items) >= self._max_items:
                removed.append(self._items.pop(next(iter(self._items))))
            self._items[key] = value
            return removed

    def pop(self, key: K) -> V | None:
        """Remove the value of `key` and return it; None if there is none."""
        with self._lock:
            return self._items.pop(key, None)

    def clear(self) -> None:
        with self._lock:
            self._items.clear()  # in place: `get` is bound to it

    def items(self) -> list[tuple[K, V]]:
        with self._lock:
            return list(self._items.items())

    def __len__(self) -> int:
        return len(self._items)


class _TenantIndex(ForkSafe):
    """The keys of each tenant, so that removing a tenant's tokens does not search all tokens."""

    def __init__(self) -> None:
        super().__init__()
        self._keys: dict[str, set[str]] = {}

    def add(self, key: str, info: TokenInfo) -> None:
        with self._lock:
            self._keys.setdefault(info.tenant.lower(), set()).add(key)

    def remove(self, key: str, info: TokenInfo) -> None:
        tenant = info.tenant.lower()
        with self._lock:
            keys = self._keys.get(tenant, set())
            keys.discard(key)
            if not keys:
                self._keys.pop(tenant, None)

    def keys_of(self, tenant: str) -> list[str]:
        with self._lock:
            return list(self._keys.get(tenant.lower(), ()))


class MemoryAccessTokens(ForkSafe):
    """Access tokens and notes in memory, a bounded number of each."""

    slow = False
    title = "memory"

    def __init__(self, max_items: int = MAX_TOKENS) -> None:
        self._tokens: BoundedDict[str, tuple[str, Token, TokenInfo]] = BoundedDict(max_items)
        self._notes: BoundedDict[str, Note] = BoundedDict(max_items)
        self._tenant_index = _TenantIndex()
        self._locks: set[str] = set()
        super().__init__()

    def _reset_after_fork(self) -> None:
        """Drop the locks, whose holders are threads of the parent."""
        super()._reset_after_fork()
        self._locks.clear()

    def load(self, key: str) -> Token | None:
        stored = self._tokens.get(key)
        return stored[1] if stored else None

    def save(self, key: str, token: Token, info: TokenInfo = NO_INFO) -> None:
        for removed, _, removed_info in self._tokens.put(key, (key, token, info)):
            self._tenant_index.remove(removed, removed_info)
        if info.tenant:
            self._tenant_index.add(key, info)

    def delete(self, key: str) -> None:
        if (stored := self._tokens.pop(key)) is not None:
            self._tenant_index.remove(key, stored[2])

    def load_note(self, key: str) -> Note | None:
        return self._notes.get(key)

    def save_note(self, key: str, note: Note) -> None:
        self._notes.put(key, note)

    def delete_note(self, key: str) -> None:
        self._notes.pop(key)

    def clear(self) -> int:
        self._notes.clear()
        removed = len(self._tokens)
        for key, _ in list(self._tokens.items()):
            self.delete(key)
        return removed

    def forget(self, info: TokenInfo) -> int:
        keys = self._tenant_index.keys_of(info.tenant) if info.tenant else [key for key, _ in self._tokens.items()]
        found = [stored for key in keys if (stored := self._tokens.get(key))]
        covered = [key for key, _, stored_info in found if stored_info != NO_INFO and info.covers(stored_info)]
        for key in covered:
            self.delete(key)
        return len(covered)

    def tokens(self) -> list[CachedTokenInfo]:
        stored = sorted(self._tokens.items(), key=lambda item: item[0])
        return [CachedTokenInfo(key, info, token.expires_on) for key, (_, token, info) in stored if info != NO_INFO]

    def try_lock(self, key: str) -> Release | None:
        with self._lock:
            if key in self._locks:
                return None
            self._locks.add(key)
        return lambda: self._locks.discard(key)


class MemoryRefreshTokens(ForkSafe):
    """Refresh tokens in memory, for a process that receives one and has no other place to store the next."""

    slow = False

    def __init__(self) -> None:
        self._refresh_tokens: dict[str, tuple[StoredRefreshToken, SignInInfo]] = {}
        super().__init__()

    def check_writable(self) -> None:
        """Memory is always writable."""

    def load(self, key: str) -> StoredRefreshToken | None:
        stored = self._refresh_tokens.get(key)
        return replace(stored[0], authority=stored[1].info.authority) if stored else None

    def replace(self, key: str, old: str, new: str) -> None:
        with self._lock:
            stored, now = self._refresh_tokens.get(key), int(time.time())
            if stored is None or stored[0].current == old:
                info = stored[1].renewed(now) if stored else SignInInfo(NO_INFO, now, now)
                self._refresh_tokens[key] = (StoredRefreshToken(new, previous=old), info)

    def put(self, key: str, value: str, info: TokenInfo) -> None:
        with self._lock:
            now = int(time.time())
            self._refresh_tokens[key] = (StoredRefreshToken(value), SignInInfo(info, now, now))

    def end(self, key: str, value: str, code: int) -> None:
        with self._lock:
            stored = self._refresh_tokens.get(key)
            if stored and stored[0].current == value:
                self._refresh_tokens[key] = (replace(stored[0], ended_by=code), replace(stored[1], ended_by=code))

    def remove(self, key: str) -> bool:
        with self._lock:
            return self._refresh_tokens.pop(key, None) is not None

    def list_sign_ins(self) -> dict[str, SignInInfo]:
        with self._lock:
            return {key: info for key, (_, info) in sorted(self._refresh_tokens.items())}


def memory_stores() -> Stores:
    """Return new stores for one client. They end with the process."""
    return Stores(MemoryAccessTokens(), MemoryRefreshTokens())
