"""Access tokens and notes shared by machines through one Redis: encrypted, under hashed names, until they expire.

Losing one costs one request, so no failure here fails the caller: while the server is unavailable, tokens stay in the
process, and one warning says so.
"""

from __future__ import annotations

import time

from mstoken.errors import StoreError
from mstoken.messages import warn
from mstoken.stores import token_file
from mstoken.stores.digests import digest_of
from mstoken.stores.fallback import FallbackAccessTokens
from mstoken.stores.redis_connection import redis_key
from mstoken.stores.redis_locks import LEASE_IN, RedisLocks
from mstoken.stores.token_file_reader import NOTE, TOKEN
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.flows.store_port import CachedTokenInfo, Release, TokenInfo
    from mstoken.stores.fallback import Dated, Decode, Encode
    from mstoken.stores.redis_connection import RedisConnection

_LOCK = "turn"


class RedisAccessTokens(FallbackAccessTokens):
    """Access tokens at the server of `connection`. The constructor does no I/O. Threads may share it.

    A lock lives `lease_in` seconds and is renewed while the process of its owner lives.
    """

    slow = True
    title = "Redis"

    def __init__(self, connection: RedisConnection, lease_in: float = LEASE_IN) -> None:
        super().__init__()
        self._connection = connection
        self._locks = RedisLocks(connection, lease_in)
        self._warned = False

    def clear(self) -> int:
        self._connection.delete(*self._connection.list_keys(NOTE))
        return self._fallback.clear() + self._connection.delete(*self._connection.list_keys(TOKEN))

    def forget(self, info: TokenInfo) -> int:
        removed = self._fallback.forget(info)
        return removed + self._connection.delete(
            *(redis_key(TOKEN, stored.key) for stored in self.tokens() if info.covers(stored.info))
        )

    def tokens(self) -> list[CachedTokenInfo]:
        stored = {token.key: token for token in self._fallback.tokens()}
        for name in self._connection.list_keys(TOKEN):
            key, content = name.rpartition(":")[2], self._connection.get(name)
            token = token_file.decode_info(key, content, self._connection.cipher) if content else None
            stored |= {key: token} if token else {}
        return [stored[key] for key in sorted(stored)]

    def try_lock(self, key: str) -> Release | None:
        return self._locks.try_lock(redis_key(_LOCK, key))

    def _load(self, kind: str, key: str, decode: Decode[Dated]) -> Dated | None:
        try:
            content = self._connection.get(redis_key(kind, key))
        except StoreError as error:
            self._warn(error)
            return None
        return decode(digest_of(key), content, self._connection.cipher) if content else None

    def _write(self, kind: str, key: str, expires_on: int, encode: Encode) -> bool:
        life_in = expires_on - int(time.time())
        if life_in <= 0:
            self._erase(kind, key)
            return True
        try:
            self._connection.put(redis_key(kind, key), encode(digest_of(key), self._connection.cipher()), life_in)
        except (StoreError, ValueError) as error:
            self._erase(kind, key)
            self._warn(error)
            return False
        return True

    def _erase(self, kind: str, key: str) -> None:
        try:
            self._connection.delete(redis_key(kind, key))
        except StoreError as error:
            self._warn(error)

    def _warn(self, error: Exception) -> None:
        if not self._warned:
            self._warned = True
            warn(f"Access tokens stay in this process: {getattr(error, 'message', error)}")
