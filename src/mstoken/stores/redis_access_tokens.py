"""Access tokens shared by machines through one Redis: sealed, under hashed names, gone when they expire.

Losing them costs one request each, so nothing that goes wrong here fails the caller: while the server is away, tokens
stay with the process, and it says so once.
"""

from __future__ import annotations

import time

from mstoken.errors import StoreError
from mstoken.flows.store_port import NO_INFO
from mstoken.messages import warn
from mstoken.stores import token_file
from mstoken.stores.digests import digest_of
from mstoken.stores.memory import MemoryAccessTokens
from mstoken.stores.redis_connection import redis_key
from mstoken.stores.redis_locks import LEASE_IN, RedisLocks
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.flows.store_port import CachedTokenInfo, Release, TokenInfo
    from mstoken.model import Token
    from mstoken.stores.redis_connection import RedisConnection

_KIND, _LOCK = "token", "turn"


class RedisAccessTokens:
    """Access tokens at the server of `link`. Constructing it does no I/O. Threads may share it.

    Who asks for a token holds a mark that lives `lease_in` seconds and is renewed while its process lives.
    """

    slow = True

    def __init__(self, connection: RedisConnection, lease_in: float = LEASE_IN) -> None:
        self._connection = connection
        self._locks = RedisLocks(connection, lease_in)
        self._fallback = MemoryAccessTokens()
        self._warned = False

    def load(self, key: str) -> Token | None:
        fallback = self._fallback.load(key)
        try:
            content = self._connection.get(redis_key(_KIND, key))
        except StoreError as error:
            self._warn(error)
            return fallback
        kept = token_file.decode(digest_of(key), content, self._connection.cipher) if content else None
        return fallback if fallback and (kept is None or kept.expires_on <= fallback.expires_on) else kept

    def save(self, key: str, token: Token, info: TokenInfo = NO_INFO) -> None:
        life_in = token.expires_on - int(time.time())
        if life_in <= 0:
            self.delete(key)
            return
        try:
            content = token_file.encode(digest_of(key), token, self._connection.cipher(), info)
            self._connection.put(redis_key(_KIND, key), content, life_in)
        except (StoreError, ValueError) as error:
            self.delete(key)  # what is there is older than what could not be written
            self._fallback.save(key, token, info)
            self._warn(error)
        else:
            self._fallback.delete(key)

    def delete(self, key: str) -> None:
        self._fallback.delete(key)
        try:
            self._connection.delete(redis_key(_KIND, key))
        except StoreError as error:
            self._warn(error)

    def clear(self) -> int:
        return self._fallback.clear() + self._connection.delete(*self._connection.list_keys(_KIND))

    def forget(self, info: TokenInfo) -> int:
        gone = self._fallback.forget(info)
        return gone + self._connection.delete(
            *(redis_key(_KIND, kept.key) for kept in self.tokens() if info.covers(kept.info))
        )

    def tokens(self) -> list[CachedTokenInfo]:
        kept = {token.key: token for token in self._fallback.tokens()}
        for name in self._connection.list_keys(_KIND):
            key, content = name.rpartition(":")[2], self._connection.get(name)
            token = token_file.decode_info(key, content, self._connection.cipher) if content else None
            kept |= {key: token} if token else {}
        return [kept[key] for key in sorted(kept)]

    def try_lock(self, key: str) -> Release | None:
        return self._locks.try_lock(redis_key(_LOCK, key))

    def _warn(self, error: Exception) -> None:
        if not self._warned:
            self._warned = True
            warn(f"Access tokens stay with this process: {getattr(error, 'message', error)}")
